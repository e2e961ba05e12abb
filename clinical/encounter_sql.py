"""What is signed does not change, whoever writes to the database: triggers for notes and for what belongs to them."""

from __future__ import annotations

# Of a signed note only its later steps may be written; the author's words, hash and time stay.
SIGNED_NOTE = """
CREATE FUNCTION signed_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later CONSTANT text[] := '{status,version,updated_at,cosigner_id,cosigned_at,error_reason,error_by_id,error_at,patient_id}';
BEGIN
    IF old.signed_at IS NULL THEN
        RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
    END IF;
    IF tg_op = 'DELETE' THEN
        RAISE EXCEPTION 'a signed note is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF to_jsonb(old) - later <> to_jsonb(new) - later THEN
        RAISE EXCEPTION 'a signed note is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF new.patient_id <> old.patient_id AND NOT follows_merge(to_jsonb(old), to_jsonb(new)) THEN
        RAISE EXCEPTION 'a signed note stays with its patient' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (old.status, new.status) NOT IN (
        ('signed', 'signed'), ('cosigned', 'cosigned'), ('entered_in_error', 'entered_in_error'),
        ('signed', 'cosigned'), ('signed', 'entered_in_error'), ('cosigned', 'entered_in_error')
    ) THEN
        RAISE EXCEPTION 'a signed note does not become % again', new.status USING ERRCODE = 'restrict_violation';
    END IF;
    IF (old.cosigned_at IS NOT NULL AND (new.cosigned_at, new.cosigner_id) IS DISTINCT FROM (old.cosigned_at, old.cosigner_id))
        OR (old.error_at IS NOT NULL AND (new.error_at, new.error_by_id, new.error_reason) IS DISTINCT FROM (old.error_at, old.error_by_id, old.error_reason))
    THEN
        RAISE EXCEPTION 'a signature, and the end of a note, are written once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER signed_note BEFORE UPDATE OR DELETE ON clinical_encounter FOR EACH ROW EXECUTE FUNCTION signed_note();

-- The lock waits for a signature that is under way: nothing slips in between its hash and its COMMIT.
CREATE FUNCTION part_of_signed_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    note uuid; signed timestamptz;
BEGIN
    FOREACH note IN ARRAY CASE tg_op
        WHEN 'INSERT' THEN ARRAY[new.encounter_id]
        WHEN 'DELETE' THEN ARRAY[old.encounter_id]
        ELSE ARRAY[old.encounter_id, new.encounter_id] END
    LOOP
        SELECT signed_at INTO signed FROM clinical_encounter WHERE id = note FOR SHARE;
        IF signed IS NOT NULL THEN
            RAISE EXCEPTION 'a signed note is never changed: %', tg_table_name USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
END $$;
"""

PARTS = ("encountersection", "lesion", "planitem", "diagnosissnapshot")


def part(table: str) -> str:
    return (
        f"CREATE TRIGGER signed_note BEFORE INSERT OR UPDATE OR DELETE ON clinical_{table} "
        "FOR EACH ROW EXECUTE FUNCTION part_of_signed_note()"
    )
