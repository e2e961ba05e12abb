"""One insurer for each name that stood on a policy before there was a list of them."""

FROM_NAMES = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE clinical_policy DISABLE TRIGGER USER;
ALTER TABLE clinical_payer DISABLE TRIGGER USER;
ALTER TABLE clinical_policy NO FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_payer NO FORCE ROW LEVEL SECURITY;
INSERT INTO clinical_payer (id, tenant_id, version, created_at, updated_at, name, identifier, filing, receiver_id, receiver_name,
                            address, city, state, postcode, phone, filing_days, is_active)
SELECT uuid7(), p.tenant_id, 1, now(), now(), min(btrim(p.insurer)), '', 'CI', '', '', '', '', '', '', '', 90, true
FROM clinical_policy p WHERE btrim(p.insurer) <> '' GROUP BY p.tenant_id, lower(btrim(p.insurer));
UPDATE clinical_policy p SET payer_id = y.id FROM clinical_payer y
WHERE y.tenant_id = p.tenant_id AND lower(y.name) = lower(btrim(p.insurer));
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE clinical_payer FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_policy FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_payer ENABLE TRIGGER USER;
ALTER TABLE clinical_policy ENABLE TRIGGER USER;
"""
