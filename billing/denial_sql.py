"""What the database keeps of what payers have decided, whoever writes: once it is booked, it is of the claim that it was booked on."""

from __future__ import annotations

from hospital.db.statements import edited

POSTED_STAYS = """
CREATE FUNCTION billing_posted_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (new.status, new.claim_id) IS DISTINCT FROM (old.status, old.claim_id) THEN
        RAISE EXCEPTION 'what is posted of a remittance stays with its claim' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER posted_stays BEFORE UPDATE ON billing_remittanceclaim
    FOR EACH ROW WHEN (old.status = 'posted') EXECUTE FUNCTION billing_posted_stays();
"""
UNDO_POSTED_STAYS = "DROP TRIGGER posted_stays ON billing_remittanceclaim; DROP FUNCTION billing_posted_stays"

# What was refused is a fact. What came back of it is at most what payers paid of its claim, or took over from it. What is
# settled changes no more; only what another payer had paid, and takes back, is open again.
DENIAL_AS_BOOKED = """
CREATE FUNCTION billing_denial_as_booked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later CONSTANT text[] := '{version,updated_at,reason}';
    came numeric;
BEGIN
    IF tg_op = 'DELETE' OR (new.claim_id, new.amount) IS DISTINCT FROM (old.claim_id, old.amount) THEN
        RAISE EXCEPTION 'what a payer refused is never changed or deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF old.status NOT IN ('to_do', 'appealed') AND NOT (old.status = 'recovered' AND new.status = 'to_do') AND (
        to_jsonb(old) - later <> to_jsonb(new) - later OR (old.reason <> '' AND new.reason <> old.reason)
    ) THEN
        RAISE EXCEPTION 'a denial that is settled is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF new.recovered > old.recovered THEN
        SELECT coalesce(sum(CASE kind WHEN 'payer_paid' THEN greatest(amount, 0)
                WHEN 'claimed' THEN greatest(-amount, 0) ELSE 0 END), 0) INTO came
        FROM billing_payermove WHERE tenant_id = new.tenant_id AND claim_id = new.claim_id AND heard_id IS NOT NULL;
        IF new.recovered > came THEN
            RAISE EXCEPTION 'not more is recovered of a denial than payers paid' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER as_booked BEFORE UPDATE OR DELETE ON billing_denial FOR EACH ROW EXECUTE FUNCTION billing_denial_as_booked();
"""
# Since 0017 it speaks for the tenant of the row, as its sisters do: whoever sees no moves could raise nothing.
FORMER_AS_BOOKED = edited(
    DENIAL_AS_BOOKED.partition("CREATE TRIGGER")[0], ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
)
AS_BOOKED_BY_ITS_OWN = edited(
    FORMER_AS_BOOKED,
    (
        "    came numeric;\nBEGIN\n",
        """    came numeric;
    speaking text := coalesce(current_setting('app.tenant', true), '');
BEGIN
""",
    ),
    (
        "        SELECT coalesce(sum(CASE kind",
        "        PERFORM set_config('app.tenant', new.tenant_id::text, true);\n        SELECT coalesce(sum(CASE kind",
    ),
    (
        "        IF new.recovered > came",
        "        PERFORM set_config('app.tenant', speaking, true);\n        IF new.recovered > came",
    ),
)
UNDO_DENIAL_AS_BOOKED = "DROP TRIGGER as_booked ON billing_denial; DROP FUNCTION billing_denial_as_booked"
