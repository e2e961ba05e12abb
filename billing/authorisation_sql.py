"""What the database keeps of authorisations and of questions to insurers, whoever writes."""

# Runs at COMMIT, with the authorisation locked: of two transactions that use units the second counts what the first wrote.
UNITS_FIT = """
CREATE FUNCTION authorisation_units_fit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    speaking text := coalesce(current_setting('app.tenant', true), '');
    granted numeric; used numeric;
BEGIN
    PERFORM set_config('app.tenant', new.tenant_id::text, true);
    SELECT units_approved INTO granted FROM billing_authorisation WHERE id = new.authorisation_id FOR NO KEY UPDATE;
    SELECT sum(units) INTO used FROM billing_authorisationuse WHERE authorisation_id = new.authorisation_id;
    PERFORM set_config('app.tenant', speaking, true);
    IF used < 0 OR used > coalesce(granted, 0) THEN
        RAISE EXCEPTION '% units do not fit an authorisation of %', used, granted USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER units_fit AFTER INSERT ON billing_authorisationuse DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION authorisation_units_fit();
"""
UNDO_UNITS = "DROP TRIGGER units_fit ON billing_authorisationuse; DROP FUNCTION authorisation_units_fit"

# The question stays as it was asked, and the answer as it came. A row follows its patient when two records are merged.
ASKED = """
CREATE FUNCTION eligibility_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later CONSTANT text[] := '{version,updated_at,outcome,answer,benefits,refusals,answered_at,answered_by_id}';
BEGIN
    IF tg_op = 'UPDATE' AND (follows_merge(to_jsonb(old), to_jsonb(new)) OR old.answered_at IS NULL AND to_jsonb(old) - later = to_jsonb(new) - later) THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'what an insurer was asked and said is never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON billing_eligibilitycheck FOR EACH ROW EXECUTE FUNCTION eligibility_kept();
"""
UNDO_ASKED = "DROP TRIGGER kept ON billing_eligibilitycheck; DROP FUNCTION eligibility_kept"
