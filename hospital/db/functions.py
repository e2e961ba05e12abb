"""The functions that the database itself runs: keys by time, and the audit."""

from __future__ import annotations

from hospital.db.statements import edited

UUID7 = """
CREATE OR REPLACE FUNCTION uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$
"""

# The definer is the owner: the application has no right to write the table. Row-level security is forced, so
# even the owner can only write the tenant that the transaction has opened.
AUDIT_ROW = """
CREATE OR REPLACE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was jsonb; now_is jsonb; whole jsonb; old_part jsonb; new_part jsonb;
BEGIN
    IF tg_op <> 'INSERT' THEN was := to_jsonb(old); END IF;
    IF tg_op <> 'DELETE' THEN now_is := to_jsonb(new); END IF;
    whole := coalesce(now_is, was);
    IF tg_op = 'UPDATE' THEN
        SELECT jsonb_object_agg(n.key, n.value), jsonb_object_agg(n.key, was -> n.key) INTO new_part, old_part
        FROM jsonb_each(now_is) n WHERE n.value IS DISTINCT FROM was -> n.key;
        IF new_part IS NULL THEN RETURN NULL; END IF;
    ELSE
        old_part := was; new_part := now_is;
    END IF;
    INSERT INTO hospital_auditentry (id, tenant_id, at, person_id, role, request, action, table_name, row_id, patient_id, before, after)
    VALUES (
        uuid7(), (whole ->> 'tenant_id')::uuid, clock_timestamp(),
        nullif(current_setting('app.person', true), '')::uuid, coalesce(current_setting('app.role', true), ''),
        coalesce(current_setting('app.request', true), ''), lower(tg_op), tg_table_name, (whole ->> 'id')::uuid,
        CASE WHEN tg_table_name = 'clinical_patient' THEN whole ->> 'id' ELSE whole ->> 'patient_id' END::uuid,
        old_part, new_part
    );
    RETURN NULL;
END $$
"""

AUDIT_TENANT = edited(
    AUDIT_ROW, ("audit_row()", "audit_tenant()"), ("(whole ->> 'tenant_id')::uuid", "(whole ->> 'id')::uuid")
)

AUDIT_NOTE = """
CREATE OR REPLACE FUNCTION audit_note(action text, about text, row_id uuid, patient_id uuid, detail jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO hospital_auditentry (id, tenant_id, at, person_id, role, request, action, table_name, row_id, patient_id, after)
    VALUES (
        uuid7(), nullif(current_setting('app.tenant', true), '')::uuid, clock_timestamp(),
        nullif(current_setting('app.person', true), '')::uuid, coalesce(current_setting('app.role', true), ''),
        coalesce(current_setting('app.request', true), ''), $1, $2, $3, $4, $5
    )
$$
"""

# Organisations are found by their address before anybody is inside, so their rows may be read; written only from inside.
OWN_TENANT = "id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid)"
TENANT_FENCE = f"""
ALTER TABLE hospital_tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE hospital_tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY anybody ON hospital_tenant USING (true) WITH CHECK (true);
CREATE POLICY own_inserts ON hospital_tenant AS RESTRICTIVE FOR INSERT WITH CHECK ({OWN_TENANT});
CREATE POLICY own_updates ON hospital_tenant AS RESTRICTIVE FOR UPDATE USING ({OWN_TENANT}) WITH CHECK ({OWN_TENANT});
CREATE POLICY nobody_deletes ON hospital_tenant AS RESTRICTIVE FOR DELETE USING (false);
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON hospital_tenant FOR EACH ROW EXECUTE FUNCTION audit_tenant();
"""
