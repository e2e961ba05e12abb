"""What the database keeps of claims, whoever writes: a version that was made ready never says anything else."""

from __future__ import annotations

from hospital.db.statements import edited

KEPT = """
CREATE FUNCTION claim_version_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later CONSTANT text[] := '{version,updated_at,batch_id,x12,submitted_at}';
BEGIN
    IF old.frozen_at IS NULL AND (tg_op = 'DELETE' OR (new.claim_id, new.number, new.frequency) = (old.claim_id, old.number, old.frequency)) THEN
        RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
    END IF;
    IF tg_op = 'DELETE' OR old.submitted_at IS NOT NULL OR to_jsonb(old) - later <> to_jsonb(new) - later THEN
        RAISE EXCEPTION 'a version of a claim that was made ready is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON billing_claimversion FOR EACH ROW EXECUTE FUNCTION claim_version_kept();

CREATE FUNCTION claim_words_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    frozen timestamptz;
BEGIN
    IF tg_op <> 'INSERT' THEN
        SELECT frozen_at INTO frozen FROM billing_claimversion WHERE id = old.claim_version_id FOR SHARE;
    END IF;
    IF frozen IS NULL AND tg_op <> 'DELETE' THEN
        SELECT frozen_at INTO frozen FROM billing_claimversion WHERE id = new.claim_version_id FOR SHARE;
    END IF;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION 'a line of a claim that was made ready is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
END $$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON billing_claimline FOR EACH ROW EXECUTE FUNCTION claim_words_kept();
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON billing_scrubfinding FOR EACH ROW EXECUTE FUNCTION claim_words_kept();
"""
UNDO_KEPT = """
DROP TRIGGER kept ON billing_claimversion;
DROP TRIGGER kept ON billing_claimline;
DROP TRIGGER kept ON billing_scrubfinding;
DROP FUNCTION claim_version_kept, claim_words_kept;
"""

# From ready on there is a frozen version behind a claim, and from submitted on one that was sent.
BACKED = """
CREATE FUNCTION claim_is_backed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.status = 'ready' AND NOT EXISTS (
        SELECT FROM billing_claimversion v
        WHERE v.tenant_id = new.tenant_id AND v.id = new.current_id AND v.claim_id = new.id AND v.frozen_at IS NOT NULL
    ) OR new.status = 'submitted' AND NOT EXISTS (
        SELECT FROM billing_claimversion v
        WHERE v.tenant_id = new.tenant_id AND v.id = new.current_id AND v.claim_id = new.id AND v.submitted_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a claim that is ready or sent has its version' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER backed BEFORE INSERT OR UPDATE OF status, current_id ON billing_claim FOR EACH ROW EXECUTE FUNCTION claim_is_backed();
"""
UNDO_BACKED = "DROP TRIGGER backed ON billing_claim; DROP FUNCTION claim_is_backed"

# Since 0014 a payer can have a claim from the payer before: then nothing of ours was sent.
FORMER_BACKED = edited(BACKED.partition("CREATE TRIGGER")[0], ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
BACKED_OR_FORWARDED = edited(
    FORMER_BACKED,
    (
        "OR new.status = 'submitted' AND NOT EXISTS",
        "OR new.status = 'submitted' AND new.forwarded_on IS NULL AND NOT EXISTS",
    ),
)
