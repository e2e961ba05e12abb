"""What the database itself guarantees about money, whoever writes."""

from __future__ import annotations

from hospital.db.statements import edited

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

# Since 0012 they speak for the tenant of the row, as their younger sisters below: a row that cannot be seen fits nothing.
FORMER_ALLOCATIONS = ALLOCATIONS_FIT.partition("CREATE CONSTRAINT")[0]
ALLOCATIONS_FIT_THEIR_OWN = edited(
    FORMER_ALLOCATIONS,
    (
        "whole numeric; used numeric;\nBEGIN\n",
        """whole numeric; used numeric;
    speaking text := coalesce(current_setting('app.tenant', true), '');
BEGIN
    PERFORM set_config('app.tenant', new.tenant_id::text, true);
""",
    ),
    ("IF used < 0 OR used > whole THEN", "IF used < 0 OR (used > whole) IS NOT FALSE THEN"),
    ("    RETURN NULL;\n", "    PERFORM set_config('app.tenant', speaking, true);\n    RETURN NULL;\n"),
)

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

# The same, but a payment follows its patient when two records of one person are merged, and comes back when that is undone.
IMMUTABLE_BUT_MERGED = """
CREATE OR REPLACE FUNCTION billing_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' AND follows_merge(to_jsonb(old), to_jsonb(new)) THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'a row of % is never changed or deleted', tg_table_name USING ERRCODE = 'restrict_violation';
END $$
"""

LEDGER = ("billing_ledgeraccount", "billing_journalentry", "billing_journalline", "billing_discount", "billing_void")
ONLY_ADDED_TO = "".join(
    f"CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION billing_immutable();\n"
    for table in LEDGER
)

# At COMMIT the transaction may have gone on to another tenant, so each of these speaks for the tenant of its own row.
ENTRY_BALANCES = """
CREATE FUNCTION billing_entry_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    speaking text := coalesce(current_setting('app.tenant', true), '');
    entry uuid := coalesce(to_jsonb(new)->>'entry_id', new.id::text)::uuid;
    wanted int; written int; crooked int;
BEGIN
    PERFORM set_config('app.tenant', new.tenant_id::text, true);
    SELECT size INTO wanted FROM billing_journalentry WHERE id = entry;
    SELECT count(*) INTO written FROM billing_journalline WHERE entry_id = entry;
    SELECT count(*) INTO crooked FROM (
        SELECT FROM billing_journalline line JOIN billing_ledgeraccount account ON account.id = line.account_id
        WHERE line.entry_id = entry GROUP BY account.currency HAVING sum(line.debit) <> sum(line.credit)
    ) found;
    PERFORM set_config('app.tenant', speaking, true);
    IF written <> wanted OR crooked > 0 THEN
        RAISE EXCEPTION 'entry % of the ledger is not balanced', entry USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON billing_journalentry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_entry_balances();
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON billing_journalline DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_entry_balances();
"""

# What the rows themselves say, beside what the ledger says, for each charge and each payment of the open tenant. They
# are equal, and nothing is below nought: at COMMIT for the row that was touched, and for all of them in `verify_ledger`.
CHARGES_AT_ODDS = """
CREATE VIEW billing_charge_at_odds WITH (security_invoker = true) AS SELECT id FROM (
    SELECT charge.id,
        CASE WHEN cancelled_at IS NULL THEN amount ELSE 0 END AS income,
        CASE WHEN cancelled_at IS NULL AND waived_at IS NULL THEN amount - allocated - discounted ELSE 0 END AS receivable,
        coalesce(sum(line.credit - line.debit) FILTER (WHERE book = 'income'), 0) AS posted_income,
        coalesce(sum(line.debit - line.credit) FILTER (WHERE book = 'receivable'), 0) AS posted_receivable
    FROM billing_charge charge
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS allocated FROM billing_allocation WHERE charge_id = charge.id) a
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS discounted FROM billing_discount WHERE charge_id = charge.id) d
    LEFT JOIN billing_journalline line ON line.charge_id = charge.id
    LEFT JOIN billing_ledgeraccount account ON account.id = line.account_id
    GROUP BY charge.id, allocated, discounted
) said WHERE income <> posted_income OR receivable <> posted_receivable OR receivable < 0
"""
PAYMENTS_AT_ODDS = """
CREATE VIEW billing_payment_at_odds WITH (security_invoker = true) AS SELECT id FROM (
    SELECT payment.id,
        CASE WHEN voided THEN 0 ELSE amount - paid_out END AS money,
        CASE WHEN voided THEN 0 ELSE amount - refunded END - allocated AS credit,
        coalesce(sum(line.debit - line.credit) FILTER (WHERE book = 'money'), 0) AS posted_money,
        coalesce(sum(line.credit - line.debit) FILTER (WHERE book = 'credit'), 0) AS posted_credit
    FROM billing_payment payment
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS allocated FROM billing_allocation WHERE payment_id = payment.id) a
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM billing_void WHERE payment_id = payment.id) AS voided) v
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE status IN ('approved', 'paid_out')), 0) AS refunded,
            coalesce(sum(amount) FILTER (WHERE status = 'paid_out'), 0) AS paid_out
        FROM billing_refund WHERE payment_id = payment.id
    ) r
    LEFT JOIN billing_journalline line ON line.payment_id = payment.id
    LEFT JOIN billing_ledgeraccount account ON account.id = line.account_id
    GROUP BY payment.id, allocated, voided, refunded, paid_out
) said WHERE money <> posted_money OR credit <> posted_credit OR credit < 0 OR money < 0
"""

# The row is locked first, so that of two transactions the second counts what the first wrote.
LEDGER_AGREES = """
CREATE FUNCTION billing_ledger_agrees() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    speaking text := coalesce(current_setting('app.tenant', true), '');
    given jsonb := to_jsonb(new);
    of_charge uuid := CASE tg_table_name WHEN 'billing_charge' THEN new.id ELSE (given->>'charge_id')::uuid END;
    of_payment uuid := CASE tg_table_name WHEN 'billing_payment' THEN new.id ELSE (given->>'payment_id')::uuid END;
    wrong text;
BEGIN
    PERFORM set_config('app.tenant', new.tenant_id::text, true);
    IF of_charge IS NOT NULL THEN
        PERFORM FROM billing_charge WHERE id = of_charge FOR NO KEY UPDATE;
        SELECT 'charge ' || id INTO wrong FROM billing_charge_at_odds WHERE id = of_charge;
    END IF;
    IF of_payment IS NOT NULL AND wrong IS NULL THEN
        PERFORM FROM billing_payment WHERE id = of_payment FOR NO KEY UPDATE;
        SELECT 'payment ' || id INTO wrong FROM billing_payment_at_odds WHERE id = of_payment;
    END IF;
    PERFORM set_config('app.tenant', speaking, true);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the ledger does not say the same as %', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""
ASKED_AT_COMMIT = "".join(
    f"CREATE CONSTRAINT TRIGGER ledger_agrees AFTER {when} ON {table} DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION billing_ledger_agrees();\n"
    for table, when in {
        "billing_charge": "INSERT OR UPDATE OF amount, cancelled_at, waived_at",
        "billing_payment": "INSERT",
        "billing_allocation": "INSERT",
        "billing_discount": "INSERT",
        "billing_void": "INSERT",
        "billing_refund": "INSERT OR UPDATE OF status, amount, payment_id",
        "billing_journalline": "INSERT",
    }.items()
)

# Money was booked in this currency. Another would say that it was something else.
CURRENCY_STAYS = """
CREATE FUNCTION billing_currency_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    speaking text := coalesce(current_setting('app.tenant', true), '');
    booked boolean;
BEGIN
    PERFORM set_config('app.tenant', new.id::text, true);
    booked := EXISTS (SELECT FROM billing_journalentry WHERE tenant_id = new.id);
    PERFORM set_config('app.tenant', speaking, true);
    IF booked THEN
        RAISE EXCEPTION 'money is booked in % already', old.currency USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER currency_stays BEFORE UPDATE OF currency ON hospital_tenant FOR EACH ROW
    WHEN (old.currency <> new.currency) EXECUTE FUNCTION billing_currency_stays();
"""

# The entries of rows that are older than the ledger, for the open tenant; rows that have theirs are passed over.
# What was waived is what no payment covered then; a charge that was cancelled gave back what payments had covered.
PLACES = [
    *(("money", method) for method in ("cash", "card", "transfer", "insurance")),
    *(("income", kind) for kind in ("consultation", "test", "medicine")),
    *((book, "") for book in ("receivable", "credit", "refunds", "written_off")),
]
OPEN_ACCOUNTS = """
INSERT INTO billing_ledgeraccount (id, tenant_id, book, key, currency)
SELECT uuid7(), tenant.id, place.book, place.key, tenant.currency
FROM hospital_tenant tenant CROSS JOIN (VALUES {places}) AS place (book, key)
WHERE tenant.id = current_setting('app.tenant')::uuid ON CONFLICT DO NOTHING
""".format(places=", ".join(f"('{book}', '{key}')" for book, key in PLACES))
HISTORY = """
WITH charge AS (
    SELECT charge.*, charge.amount - coalesce((
        SELECT sum(given.amount) FROM billing_allocation given WHERE given.charge_id = charge.id AND given.amount > 0
    ), 0) AS uncovered FROM billing_charge charge
), source AS (
    SELECT 'charge' AS kind, id, visit_id, charged_at AS at, NULL::uuid AS by_id, tenant_id FROM charge
    UNION ALL SELECT 'waive', id, visit_id, waived_at, waived_by_id, tenant_id FROM charge WHERE waived_at IS NOT NULL
    UNION ALL SELECT 'cancel', id, visit_id, cancelled_at, cancelled_by_id, tenant_id FROM charge WHERE cancelled_at IS NOT NULL
    UNION ALL SELECT 'payment', id, visit_id, received_at, received_by_id, tenant_id FROM billing_payment
    UNION ALL SELECT 'allocation', given.id, charge.visit_id, given.at, NULL, given.tenant_id
        FROM billing_allocation given JOIN charge ON charge.id = given.charge_id
), step AS (
    SELECT 'charge' AS kind, id, 'receivable' AS book, '' AS key, amount AS net, id AS charge_id, NULL::uuid AS payment_id FROM charge
    UNION ALL SELECT 'charge', id, 'income', kind, -amount, id, NULL FROM charge
    UNION ALL SELECT 'waive', id, 'written_off', '', uncovered, id, NULL FROM charge WHERE waived_at IS NOT NULL
    UNION ALL SELECT 'waive', id, 'receivable', '', -uncovered, id, NULL FROM charge WHERE waived_at IS NOT NULL
    UNION ALL SELECT 'cancel', id, 'income', kind, amount, id, NULL FROM charge WHERE cancelled_at IS NOT NULL
    UNION ALL SELECT 'cancel', id, 'written_off', '', -uncovered, id, NULL FROM charge WHERE cancelled_at IS NOT NULL AND waived_at IS NOT NULL
    UNION ALL SELECT 'cancel', id, 'receivable', '', CASE WHEN waived_at IS NULL THEN 0 ELSE uncovered END - amount, id, NULL
        FROM charge WHERE cancelled_at IS NOT NULL
    UNION ALL SELECT 'payment', id, 'money', method, amount, NULL, id FROM billing_payment
    UNION ALL SELECT 'payment', id, 'credit', '', -amount, NULL, id FROM billing_payment
    UNION ALL SELECT 'allocation', id, 'credit', '', amount, NULL, payment_id FROM billing_allocation
    UNION ALL SELECT 'allocation', id, 'receivable', '', -amount, charge_id, NULL FROM billing_allocation
)
"""
BACKFILL = (
    OPEN_ACCOUNTS,
    edited(
        """
INSERT INTO billing_journalentry (id, tenant_id, kind, source_id, visit_id, at, by_id, size)
HISTORY
SELECT uuid7(), source.tenant_id, source.kind, source.id, source.visit_id, source.at, source.by_id, coalesce(sized.size, 0)
FROM source LEFT JOIN (SELECT kind, id, count(*) AS size FROM step WHERE net <> 0 GROUP BY kind, id) sized USING (kind, id)
WHERE NOT EXISTS (SELECT FROM billing_journalentry entry WHERE entry.kind = source.kind AND entry.source_id = source.id)
""",
        ("HISTORY", HISTORY),
    ),
    edited(
        """
INSERT INTO billing_journalline (id, tenant_id, entry_id, account_id, debit, credit, charge_id, payment_id)
HISTORY
SELECT uuid7(), entry.tenant_id, entry.id, account.id, greatest(net, 0), greatest(-net, 0), step.charge_id, step.payment_id
FROM step JOIN billing_journalentry entry ON entry.kind = step.kind AND entry.source_id = step.id
JOIN hospital_tenant tenant ON tenant.id = entry.tenant_id
JOIN billing_ledgeraccount account ON account.book = step.book AND account.key = step.key AND account.currency = tenant.currency
WHERE net <> 0 AND NOT EXISTS (SELECT FROM billing_journalline line WHERE line.entry_id = entry.id)
""",
        ("HISTORY", HISTORY),
    ),
)
