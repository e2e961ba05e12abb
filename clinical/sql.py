"""The rules of this app that the database itself keeps. Run by migrations/0002_rules.py."""

from __future__ import annotations

from hospital.db.statements import edited

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

# --- a record that was merged into another one: see clinical/merging.py ---------------------

# What is never changed otherwise may follow its patient into a merge, and back: nothing but the patient changes.
FOLLOWS_MERGE = """
CREATE OR REPLACE FUNCTION follows_merge(was jsonb, now_is jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT was - '{patient_id,version,updated_at}'::text[] = now_is - '{patient_id,version,updated_at}'::text[]
        AND was ->> 'patient_id' <> now_is ->> 'patient_id'
        AND EXISTS (
            SELECT FROM clinical_merge WHERE tenant_id = (was ->> 'tenant_id')::uuid AND (
                (source_id = (was ->> 'patient_id')::uuid AND survivor_id = (now_is ->> 'patient_id')::uuid AND undone_at IS NULL)
                OR (source_id = (now_is ->> 'patient_id')::uuid AND survivor_id = (was ->> 'patient_id')::uuid)
            )
        )
$$
"""


# The definer is the owner, because some rows the application may write once and never change. Row-level security is
# forced, so that even the owner sees only the open tenant; and rows go only between the two of a merge.
MERGE_MOVE = """
CREATE OR REPLACE FUNCTION merge_move(whose text, named text, was uuid, becomes uuid, these uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    counted text := '';
BEGIN
    IF NOT EXISTS (SELECT FROM clinical_merge WHERE (source_id, survivor_id) IN ((was, becomes), (becomes, was))) THEN
        RAISE EXCEPTION 'no merge between these patients' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT has_table_privilege(session_user, whose, 'UPDATE') AND NOT EXISTS (
        SELECT FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
        WHERE k.contype = 'f' AND k.conrelid = whose::regclass AND k.confrelid = 'clinical_patient'::regclass AND a.attname = named
    ) THEN
        RAISE EXCEPTION '%.% does not say whose row it is', whose, named USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = whose::regclass AND attname = 'version' AND NOT attisdropped) THEN
        counted := ', version = version + 1, updated_at = now()';
    END IF;
    RETURN QUERY EXECUTE format(
        'UPDATE %I SET %I = $2%s WHERE %I = $1 AND ($3 IS NULL OR id = ANY ($3)) RETURNING id', whose, named, counted, named
    ) USING was, becomes, these;
END $$
"""

# A row that is written for a merged patient goes to the survivor, and that is noted. The lock waits for a merge that is
# under way, and a merge waits for it: so no row is written between the two.
FOLLOW_MERGE = """
CREATE OR REPLACE FUNCTION follow_merge_COLUMN() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked uuid := new.COLUMN; next_is uuid;
BEGIN
    IF asked IS NULL OR (tg_op = 'UPDATE' AND asked = old.COLUMN) THEN
        RETURN new;
    END IF;
    LOOP
        SELECT merged_into_id INTO next_is FROM clinical_patient WHERE id = asked FOR KEY SHARE;
        EXIT WHEN next_is IS NULL;
        IF tg_op = 'INSERT' THEN
            INSERT INTO clinical_mergedrow (id, tenant_id, merge_id, table_name, "column", row_id, how)
            SELECT uuid7(), new.tenant_id, id, tg_table_name, 'COLUMN', new.id, 'redirected'
            FROM clinical_merge WHERE source_id = asked AND undone_at IS NULL;
        END IF;
        asked := next_is;
    END LOOP;
    new.COLUMN := asked;
    RETURN new;
END $$
"""


def follow_merge(column: str) -> str:
    """The function of the trigger for the tables that call their patient so."""
    return edited(FOLLOW_MERGE, ("COLUMN", column))
