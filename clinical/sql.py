"""The rules of this app that the database itself keeps. Run by migrations/0002_rules.py."""

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a row is neither changed nor deleted', tg_table_name USING ERRCODE = 'restrict_violation';
END $$
"""


def append_only(table: str) -> str:
    return f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION append_only()"


# The ledger alone changes what is on hand: whoever writes a move has changed the batch, and nobody else can.
STOCK_BOOK = """
CREATE OR REPLACE FUNCTION stock_book() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE clinical_batch SET on_hand = on_hand + new.quantity, version = version + 1, updated_at = now()
    WHERE id = new.batch_id AND tenant_id = new.tenant_id AND medicine_id = new.medicine_id
    RETURNING on_hand INTO STRICT new.balance;
    RETURN new;
END $$;
CREATE TRIGGER book BEFORE INSERT ON clinical_stockmove FOR EACH ROW EXECUTE FUNCTION stock_book();
"""
STOCK_GUARD = """
CREATE OR REPLACE FUNCTION stock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        IF new.on_hand <> 0 THEN
            RAISE EXCEPTION 'a batch begins empty: write a receipt' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF new.on_hand <> old.on_hand AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only the ledger changes what is on hand' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON clinical_batch FOR EACH ROW EXECUTE FUNCTION stock_guard();
"""

# Found by any part of a name under row-level security: see clinical/finding.py.
PATIENT_SEARCH = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX patient_search ON clinical_patient USING gin (tenant_id, search gin_trgm_ops);
"""
