"""What the database keeps of biopsies, whoever writes: what a courier's list said when it was signed, and that no loop is closed open."""

from __future__ import annotations

from hospital.db.statements import edited

# At each end the signature closes what it signs. Only the arrival is written on the items of a list that was sent.
SIGNED_MANIFEST = """
CREATE FUNCTION signed_manifest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later CONSTANT text[] := '{status,version,updated_at,counted_in,taken_by,received_at,received_by_id,differences}';
BEGIN
    IF old.sent_at IS NULL THEN
        RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
    END IF;
    IF tg_op = 'DELETE' OR old.received_at IS NOT NULL OR to_jsonb(old) - later <> to_jsonb(new) - later THEN
        RAISE EXCEPTION 'a signed list of a courier is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER signed_manifest BEFORE UPDATE OR DELETE ON clinical_couriermanifest
FOR EACH ROW EXECUTE FUNCTION signed_manifest();

CREATE FUNCTION signed_manifest_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later CONSTANT text[] := '{version,updated_at,arrived_at}';
    sent timestamptz;
BEGIN
    SELECT sent_at INTO sent FROM clinical_couriermanifest
    WHERE id = CASE tg_op WHEN 'INSERT' THEN new.manifest_id ELSE old.manifest_id END FOR SHARE;
    IF sent IS NOT NULL AND (tg_op <> 'UPDATE' OR old.arrived_at IS NOT NULL OR to_jsonb(old) - later <> to_jsonb(new) - later) THEN
        RAISE EXCEPTION 'what is on a signed list of a courier is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
END $$;
CREATE TRIGGER signed_manifest BEFORE INSERT OR UPDATE OR DELETE ON clinical_manifestitem
FOR EACH ROW EXECUTE FUNCTION signed_manifest_item();
"""
UNDO = """
DROP TRIGGER signed_manifest ON clinical_couriermanifest;
DROP TRIGGER signed_manifest ON clinical_manifestitem;
DROP FUNCTION signed_manifest, signed_manifest_item;
"""

# Resulted needs a report of its own, reviewed a review of that report, closed somebody who was told of that report.
CLOSED_LOOP = """
CREATE FUNCTION closed_loop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        IF new.status <> 'ordered' THEN
            RAISE EXCEPTION 'a biopsy begins with its order' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN new;
    END IF;
    IF new.status = old.status AND new.report_id IS NOT DISTINCT FROM old.report_id THEN
        RETURN new;
    END IF;
    IF new.report_id IS DISTINCT FROM old.report_id AND new.status <> 'resulted' THEN
        RAISE EXCEPTION 'another report opens the loop again' USING ERRCODE = 'restrict_violation';
    END IF;
    IF new.status IN ('resulted', 'reviewed') AND NOT EXISTS (
        SELECT FROM clinical_pathologyreport r
        WHERE r.tenant_id = new.tenant_id AND r.id = new.report_id AND r.biopsy_id = new.id
    ) THEN
        RAISE EXCEPTION 'a result has a report' USING ERRCODE = 'restrict_violation';
    END IF;
    IF new.status = 'reviewed' AND NOT EXISTS (
        SELECT FROM clinical_biopsyreview r
        WHERE r.tenant_id = new.tenant_id AND r.biopsy_id = new.id AND r.report_id = new.report_id
    ) THEN
        RAISE EXCEPTION 'this report is not reviewed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF old.status = 'reviewed' AND new.status = 'closed' AND NOT (
        SELECT count(*) FILTER (WHERE kind = 'told') > 0
            OR (count(*) FILTER (WHERE kind = 'attempt') >= 3 AND count(*) FILTER (WHERE kind = 'letter') > 0)
        FROM clinical_biopsytelling t
        WHERE t.tenant_id = new.tenant_id AND t.biopsy_id = new.id AND t.report_id = new.report_id
    ) THEN
        RAISE EXCEPTION 'the patient does not know' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER closed_loop BEFORE INSERT OR UPDATE ON clinical_biopsy FOR EACH ROW EXECUTE FUNCTION closed_loop();
"""
UNDO_LOOP = "DROP TRIGGER closed_loop ON clinical_biopsy; DROP FUNCTION closed_loop"

# Since 0022: whatever the status before, a loop ends only at its end, and the level is changed by a report or a review only.
FORMER_LOOP = edited(CLOSED_LOOP.partition("CREATE TRIGGER")[0], ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
UNCHANGED = """
    IF new.status = old.status AND new.report_id IS NOT DISTINCT FROM old.report_id THEN
"""
ENDS = """
    IF new.status = old.status AND new.report_id IS NOT DISTINCT FROM old.report_id
        AND new.malignancy <> old.malignancy THEN
        RAISE EXCEPTION 'the level follows from a report or a review' USING ERRCODE = 'restrict_violation';
    END IF;
    IF new.status = 'cancelled' AND old.status NOT IN ('ordered', 'cancelled') THEN
        RAISE EXCEPTION 'what was taken is not cancelled' USING ERRCODE = 'restrict_violation';
    END IF;
    IF new.status = 'closed' AND old.status <> 'closed' AND (
        old.status NOT IN ('reviewed', 'lost', 'unsatisfactory')
        OR EXISTS (
            SELECT FROM clinical_rebiopsytask t
            WHERE t.tenant_id = new.tenant_id AND t.biopsy_id = new.id AND t.settled_at IS NULL
        )
        OR old.status <> 'reviewed' AND NOT EXISTS (
            SELECT FROM clinical_rebiopsytask t WHERE t.tenant_id = new.tenant_id AND t.biopsy_id = new.id
        )
    ) THEN
        RAISE EXCEPTION 'a loop is closed at its end' USING ERRCODE = 'restrict_violation';
    END IF;
"""
LOOP_ENDS = edited(FORMER_LOOP, (UNCHANGED, ENDS + UNCHANGED))
