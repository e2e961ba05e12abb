"""Who may release a result, kept by the database too. Run by the migration that adds corrections."""

# Whether this person may not release this result: the house wants two, and the person entered it.
SECOND_PERSON = """
CREATE OR REPLACE FUNCTION needs_another_person(tenant uuid, result uuid, releaser uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT r.entered_by_id IS NOT NULL
       AND (t.second_person = 'all' OR (t.second_person = 'critical' AND r.flag LIKE 'critical%'))
       AND (releaser IS NULL OR releaser = r.entered_by_id)
    FROM clinical_labresult r JOIN hospital_tenant t ON t.id = r.tenant_id
    WHERE r.tenant_id = tenant AND r.id = result
$$;
"""
# A released order shows another result only by a correction that was released.
RELEASE_GUARD = """
CREATE OR REPLACE FUNCTION release_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.status IN ('released', 'reviewed') THEN
        IF old.status NOT IN ('released', 'reviewed') THEN
            IF needs_another_person(new.tenant_id, new.result_id, new.released_by_id) THEN
                RAISE EXCEPTION 'a second person releases this result' USING ERRCODE = 'restrict_violation';
            END IF;
        ELSIF new.result_id IS DISTINCT FROM old.result_id AND NOT EXISTS (
            SELECT FROM clinical_correction c
            WHERE c.tenant_id = new.tenant_id AND c.result_id = new.result_id AND c.status = 'released'
        ) THEN
            RAISE EXCEPTION 'a released result changes only by a released correction' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER release_guard BEFORE UPDATE ON clinical_laborder FOR EACH ROW EXECUTE FUNCTION release_guard();
"""
CORRECTION_GUARD = """
CREATE OR REPLACE FUNCTION correction_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.status = 'released' AND needs_another_person(new.tenant_id, new.result_id, new.released_by_id) THEN
        RAISE EXCEPTION 'a second person releases this correction' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER release_guard BEFORE INSERT OR UPDATE OF status ON clinical_correction
FOR EACH ROW EXECUTE FUNCTION correction_guard();
"""
UNDO = """
DROP TRIGGER release_guard ON clinical_laborder;
DROP TRIGGER release_guard ON clinical_correction;
DROP FUNCTION release_guard, correction_guard, needs_another_person(uuid, uuid, uuid);
"""
