"""What the database itself keeps of releases and signatures, also from whoever writes with the application's role.

It takes the place of what lab_sql.py and encounter_sql.py began with. Run by the migration 0018_guards. `app.person` is
what the application says about who acts: see docs/encounters.md for what the database cannot know.
"""

from clinical.lab_sql import CORRECTION_GUARD, RELEASE_GUARD, SECOND_PERSON

ACTING_PERSON = """
CREATE FUNCTION acting_person() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('app.person', true), '')::uuid
$$;
"""

# --- releases --------------------------------------------------------------------------------

# Whether this person may not release it: the house wants two where the value is critical, or was before it was corrected.
NEEDS_ANOTHER = """
CREATE FUNCTION needs_another_person(tenant uuid, result uuid, former uuid, releaser uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM clinical_labresult r JOIN hospital_tenant t ON t.id = r.tenant_id
        WHERE r.tenant_id = tenant AND r.id = result AND r.entered_by_id IS NOT NULL
          AND (releaser IS NULL OR releaser = r.entered_by_id)
          AND (t.second_person = 'all' OR (t.second_person = 'critical' AND EXISTS (
              SELECT FROM clinical_labresult c WHERE c.tenant_id = tenant AND c.id IN (result, former) AND c.flag LIKE 'critical%'
          )))
    )
$$;
"""
# A test begins without a result, has only results of its own, and after the release another one only by its own correction.
RELEASE_GUARD_2 = """
CREATE OR REPLACE FUNCTION release_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    done CONSTANT text[] := '{released,reviewed}';
BEGIN
    IF tg_op = 'INSERT' THEN
        IF new.result_id IS NOT NULL OR new.status = ANY (done) THEN
            RAISE EXCEPTION 'a test is ordered before it has a result' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN new;
    END IF;
    IF new.result_id IS DISTINCT FROM old.result_id AND new.result_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM clinical_labresult r WHERE r.tenant_id = new.tenant_id AND r.id = new.result_id AND r.order_id = new.id
    ) THEN
        RAISE EXCEPTION 'this result is that of another test' USING ERRCODE = 'restrict_violation';
    END IF;
    IF old.status = ANY (done) THEN
        IF new.status <> ALL (done) OR (new.released_at, new.released_by_id) IS DISTINCT FROM (old.released_at, old.released_by_id) THEN
            RAISE EXCEPTION 'a release stands' USING ERRCODE = 'restrict_violation';
        END IF;
        IF new.result_id IS DISTINCT FROM old.result_id AND NOT EXISTS (
            SELECT FROM clinical_correction c
            WHERE c.tenant_id = new.tenant_id AND c.order_id = new.id AND c.former_id = old.result_id
              AND c.result_id = new.result_id AND c.status = 'released'
        ) THEN
            RAISE EXCEPTION 'a released result changes only by a released correction' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF new.status = ANY (done) THEN
        IF new.result_id IS NULL THEN
            RAISE EXCEPTION 'a test without a result is not released' USING ERRCODE = 'restrict_violation';
        END IF;
        IF new.released_by_id <> acting_person() THEN
            RAISE EXCEPTION 'who releases is who acts' USING ERRCODE = 'restrict_violation';
        END IF;
        IF needs_another_person(new.tenant_id, new.result_id, NULL, new.released_by_id) THEN
            RAISE EXCEPTION 'a second person releases this result' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN new;
END $$;
DROP TRIGGER release_guard ON clinical_laborder;
CREATE TRIGGER release_guard BEFORE INSERT OR UPDATE ON clinical_laborder FOR EACH ROW EXECUTE FUNCTION release_guard();
"""
# A correction leads from the value that is out to a later one of the same test; once it is released, it stays.
CORRECTION_GUARD_2 = """
CREATE OR REPLACE FUNCTION correction_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' AND (new.order_id, new.former_id, new.result_id) IS DISTINCT FROM (old.order_id, old.former_id, old.result_id) THEN
        RAISE EXCEPTION 'a correction stays what it is' USING ERRCODE = 'restrict_violation';
    END IF;
    IF tg_op = 'UPDATE' AND old.status <> 'waiting' THEN
        IF (new.status, new.released_by_id, new.released_at) IS DISTINCT FROM (old.status, old.released_by_id, old.released_at) THEN
            RAISE EXCEPTION 'what became of a correction stands' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN new;
    END IF;
    IF NOT EXISTS (
        SELECT FROM clinical_laborder o JOIN clinical_labresult r ON r.tenant_id = o.tenant_id AND r.order_id = o.id
        WHERE o.tenant_id = new.tenant_id AND o.id = new.order_id AND r.id = new.result_id
          AND o.status IN ('released', 'reviewed') AND (o.result_id = new.former_id OR new.status = 'withdrawn')
    ) THEN
        RAISE EXCEPTION 'a correction leads from what is released to another result of the same test' USING ERRCODE = 'restrict_violation';
    END IF;
    IF new.status = 'released' THEN
        IF new.released_by_id <> acting_person() THEN
            RAISE EXCEPTION 'who releases is who acts' USING ERRCODE = 'restrict_violation';
        END IF;
        IF needs_another_person(new.tenant_id, new.result_id, new.former_id, new.released_by_id) THEN
            RAISE EXCEPTION 'a second person releases this correction' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN new;
END $$;
DROP TRIGGER release_guard ON clinical_correction;
CREATE TRIGGER release_guard BEFORE INSERT OR UPDATE ON clinical_correction FOR EACH ROW EXECUTE FUNCTION correction_guard();
"""
RELEASES = (
    NEEDS_ANOTHER + RELEASE_GUARD_2 + CORRECTION_GUARD_2 + "DROP FUNCTION needs_another_person(uuid, uuid, uuid);"
)
RELEASES_UNDO = (
    "DROP TRIGGER release_guard ON clinical_laborder; DROP TRIGGER release_guard ON clinical_correction;"
    + SECOND_PERSON
    + RELEASE_GUARD
    + CORRECTION_GUARD
    + "DROP FUNCTION needs_another_person(uuid, uuid, uuid, uuid);"
)

# --- signatures ------------------------------------------------------------------------------

# Who signs is who acts and works here; the text has its hash, and names this note, this signer, this moment.
SIGNATURE_GUARD = """
CREATE FUNCTION forged(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this signature is not accepted: %', what USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION sections_of(note uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('key', key, 'title', title, 'text', text) ORDER BY position, id), '[]')
    FROM clinical_encountersection WHERE encounter_id = note
$$;

CREATE FUNCTION signature_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    note clinical_encounter; later clinical_addendum; said jsonb := new.content::jsonb;
BEGIN
    SELECT * INTO STRICT note FROM clinical_encounter WHERE tenant_id = new.tenant_id AND id = new.encounter_id FOR SHARE;
    IF new.signer_id IS DISTINCT FROM acting_person() THEN PERFORM forged('who signs is who acts'); END IF;
    IF NOT EXISTS (SELECT FROM hospital_membership m WHERE m.tenant_id = new.tenant_id AND m.person_id = new.signer_id AND m.is_active) THEN
        PERFORM forged('who signs works here');
    END IF;
    IF new.sha256 IS DISTINCT FROM encode(sha256(convert_to(new.content, 'UTF8')), 'hex') THEN
        PERFORM forged('the text has another hash');
    END IF;
    IF said ->> 'encounter' IS DISTINCT FROM new.encounter_id::text
        OR said #>> '{signature,signer}' IS DISTINCT FROM new.signer_id::text
        OR said #>> '{signature,meaning}' IS DISTINCT FROM new.meaning
        OR said #>> '{signature,signed_at}' IS DISTINCT FROM to_char(new.signed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    THEN
        PERFORM forged('the text names another note, signer, meaning or moment');
    END IF;
    IF new.addendum_id IS NULL AND new.meaning = 'author' THEN
        IF note.status <> 'ready_for_review' OR note.provider_id <> new.signer_id THEN
            PERFORM forged('its author signs a note that is ready');
        END IF;
        IF said -> 'sections' IS DISTINCT FROM sections_of(note.id) OR said ->> 'title' IS DISTINCT FROM note.title THEN
            PERFORM forged('the note says something else');
        END IF;
        RETURN new;
    END IF;
    IF said ->> 'note_sha256' IS DISTINCT FROM note.sha256 OR note.status NOT IN ('signed', 'cosigned') THEN
        PERFORM forged('the note is not signed, or it is another one');
    END IF;
    IF new.addendum_id IS NOT NULL THEN
        SELECT * INTO later FROM clinical_addendum a WHERE a.tenant_id = new.tenant_id AND a.id = new.addendum_id;
        IF later.encounter_id IS DISTINCT FROM note.id OR later.author_id IS DISTINCT FROM new.signer_id OR new.meaning <> 'author'
            OR said ->> 'text' IS DISTINCT FROM later.text OR said ->> 'number' IS DISTINCT FROM later.number::text
        THEN
            PERFORM forged('its author signs an addendum as it is');
        END IF;
    ELSIF note.provider_id = new.signer_id THEN
        PERFORM forged('nobody signs their own note a second time');
    ELSIF new.meaning = 'cosigner' AND (note.status <> 'signed' OR note.cosigner_id <> new.signer_id) THEN
        PERFORM forged('the note does not wait for this co-signer');
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER signature_guard BEFORE INSERT ON clinical_signature FOR EACH ROW EXECUTE FUNCTION signature_guard();

CREATE FUNCTION addendum_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.author_id IS DISTINCT FROM acting_person() THEN PERFORM forged('who adds is who acts'); END IF;
    IF NOT EXISTS (
        SELECT FROM clinical_encounter e
        WHERE e.tenant_id = new.tenant_id AND e.id = new.encounter_id AND e.status IN ('signed', 'cosigned')
    ) THEN
        PERFORM forged('only to a signed note something is added');
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER addendum_guard BEFORE INSERT ON clinical_addendum FOR EACH ROW EXECUTE FUNCTION addendum_guard();
"""
# A note becomes signed, and co-signed, only by a signature that is there.
NOTE_GUARD = """
CREATE FUNCTION note_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        IF new.signed_at IS NOT NULL OR new.cosigned_at IS NOT NULL OR new.status IN ('signed', 'cosigned') THEN
            PERFORM forged('a note is written before it is signed');
        END IF;
        RETURN new;
    END IF;
    IF old.signed_at IS NULL AND new.signed_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM clinical_signature s
        WHERE s.tenant_id = new.tenant_id AND s.encounter_id = new.id AND s.addendum_id IS NULL AND s.meaning = 'author'
          AND s.signer_id = new.provider_id AND s.sha256 = new.sha256 AND s.signed_at = new.signed_at
    ) THEN
        PERFORM forged('its author has not signed this note');
    END IF;
    IF (new.status = 'cosigned' OR new.cosigned_at IS NOT NULL) AND (old.status <> 'cosigned' AND old.cosigned_at IS NULL) AND NOT EXISTS (
        SELECT FROM clinical_signature s
        WHERE s.tenant_id = new.tenant_id AND s.encounter_id = new.id AND s.addendum_id IS NULL AND s.meaning = 'cosigner'
          AND s.signer_id = new.cosigner_id AND s.signed_at = new.cosigned_at
    ) THEN
        PERFORM forged('its co-signer has not signed this note');
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER note_guard BEFORE INSERT OR UPDATE ON clinical_encounter FOR EACH ROW EXECUTE FUNCTION note_guard();
"""
SIGNATURES = SIGNATURE_GUARD + NOTE_GUARD
SIGNATURES_UNDO = """
DROP FUNCTION note_guard CASCADE; DROP FUNCTION addendum_guard CASCADE; DROP FUNCTION signature_guard CASCADE;
DROP FUNCTION sections_of; DROP FUNCTION forged;
"""

# What notes are called already. Their titles came after their signatures, which do not speak of them.
TITLES = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE clinical_encounter DISABLE TRIGGER USER;
ALTER TABLE clinical_encounter NO FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_notetemplate NO FORCE ROW LEVEL SECURITY;
UPDATE clinical_encounter e SET title = t.name FROM clinical_notetemplate t WHERE t.id = e.template_id AND e.title = '';
ALTER TABLE clinical_notetemplate FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_encounter FORCE ROW LEVEL SECURITY;
ALTER TABLE clinical_encounter ENABLE TRIGGER USER;
"""
