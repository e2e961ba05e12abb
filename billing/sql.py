"""What the database itself guarantees about money, whoever writes."""

IMMUTABLE = """
CREATE OR REPLACE FUNCTION billing_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed or deleted', tg_table_name USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON billing_payment FOR EACH ROW EXECUTE FUNCTION billing_immutable();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON billing_allocation FOR EACH ROW EXECUTE FUNCTION billing_immutable();
"""

# Runs at COMMIT. The rows are locked first, so that of two transactions the second counts what the first wrote. The
# definer is the owner, because locking a payment needs a right that the application does not have; row-level
# security is forced, so that even the owner sees only the open tenant.
ALLOCATIONS_FIT = """
CREATE OR REPLACE FUNCTION billing_allocations_fit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    whole numeric; used numeric;
BEGIN
    SELECT amount INTO whole FROM billing_charge WHERE id = new.charge_id FOR UPDATE;
    SELECT coalesce(sum(amount), 0) INTO used FROM billing_allocation WHERE charge_id = new.charge_id;
    IF used < 0 OR used > whole THEN
        RAISE EXCEPTION 'allocations of % do not fit charge % of %', used, new.charge_id, whole USING ERRCODE = 'check_violation';
    END IF;
    SELECT amount INTO whole FROM billing_payment WHERE id = new.payment_id FOR UPDATE;
    SELECT coalesce(sum(amount), 0) INTO used FROM billing_allocation WHERE payment_id = new.payment_id;
    IF used < 0 OR used > whole THEN
        RAISE EXCEPTION 'allocations of % do not fit payment % of %', used, new.payment_id, whole USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER allocations_fit AFTER INSERT ON billing_allocation DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_allocations_fit();
"""

# A charge that money was put on keeps at least that amount, and a cancelled one keeps none.
CHARGE_COVERS = """
CREATE OR REPLACE FUNCTION billing_charge_covers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    used numeric;
BEGIN
    SELECT coalesce(sum(amount), 0) INTO used FROM billing_allocation WHERE charge_id = new.id;
    IF used > new.amount OR (new.cancelled_at IS NOT NULL AND used <> 0) THEN
        RAISE EXCEPTION 'charge % is less than what was paid for it', new.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER charge_covers AFTER UPDATE OF amount, cancelled_at ON billing_charge DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_charge_covers();
"""
