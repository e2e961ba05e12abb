"""What the database keeps of the money between patients and payers. See billing/sql.py for what came before."""

from __future__ import annotations

from billing.desk_sql import DECIDED_REFUND
from billing.sql import CHARGES_AT_ODDS, LEDGER_AGREES
from hospital.db.statements import edited

# What moved to the payer is not the patient's, and what is paid, taken off or left to the patient is not the payer's.
WITH_PAYERS = """
CREATE OR REPLACE VIEW billing_charge_at_odds WITH (security_invoker = true) AS SELECT id FROM (
    SELECT charge.id,
        CASE WHEN cancelled_at IS NULL THEN amount ELSE 0 END AS income,
        CASE WHEN cancelled_at IS NULL AND waived_at IS NULL THEN amount - allocated - discounted - claimed + left_to_patient ELSE 0 END
            AS receivable,
        claimed - left_to_patient - paid - contractual - given_up AS due_from_payers,
        coalesce(sum(line.credit - line.debit) FILTER (WHERE book = 'income'), 0) AS posted_income,
        coalesce(sum(line.debit - line.credit) FILTER (WHERE book = 'receivable'), 0) AS posted_receivable,
        coalesce(sum(line.debit - line.credit) FILTER (WHERE book = 'payers'), 0) AS posted_payers,
        coalesce(sum(line.debit - line.credit) FILTER (WHERE book = 'contractual'), 0) AS posted_contractual,
        contractual, paid, claimed
    FROM billing_charge charge
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS allocated FROM billing_allocation WHERE charge_id = charge.id) a
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS discounted FROM billing_discount WHERE charge_id = charge.id) d
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE kind = 'claimed'), 0) AS claimed,
            coalesce(sum(amount) FILTER (WHERE kind = 'to_patient'), 0) AS left_to_patient,
            coalesce(sum(amount) FILTER (WHERE kind = 'payer_paid'), 0) AS paid,
            coalesce(sum(amount) FILTER (WHERE kind = 'contract'), 0) AS contractual,
            coalesce(sum(amount) FILTER (WHERE kind = 'given_up'), 0) AS given_up
        FROM billing_payermove WHERE charge_id = charge.id
    ) m
    LEFT JOIN billing_journalline line ON line.charge_id = charge.id
    LEFT JOIN billing_ledgeraccount account ON account.id = line.account_id
    GROUP BY charge.id, allocated, discounted, claimed, left_to_patient, paid, contractual, given_up
) said WHERE income <> posted_income OR receivable <> posted_receivable OR receivable < 0
    OR due_from_payers <> posted_payers OR due_from_payers < 0 OR contractual <> posted_contractual OR paid < 0 OR claimed < 0
"""

# The money of a posted remittance is what came, and what is on no claim of it is what its claims were not given yet.
REMITTANCES_AT_ODDS = """
CREATE VIEW billing_remittance_at_odds WITH (security_invoker = true) AS SELECT id FROM (
    SELECT remittance.id,
        CASE WHEN status = 'posted' THEN total ELSE 0 END AS money,
        CASE WHEN status = 'posted' THEN held_back ELSE 0 END AS withheld,
        CASE WHEN status = 'posted' THEN claims_paid ELSE 0 END - given AS unapplied,
        coalesce(sum(line.debit - line.credit) FILTER (WHERE book = 'money'), 0) AS posted_money,
        coalesce(sum(line.debit - line.credit) FILTER (WHERE book = 'withheld'), 0) AS posted_withheld,
        coalesce(sum(line.credit - line.debit) FILTER (WHERE book = 'unapplied'), 0) AS posted_unapplied
    FROM billing_remittance remittance
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(move.amount), 0) AS given FROM billing_payermove move
        JOIN billing_remittanceclaim heard ON heard.id = move.heard_id
        WHERE heard.remittance_id = remittance.id AND move.kind = 'payer_paid'
    ) g
    LEFT JOIN billing_journalline line ON line.remittance_id = remittance.id
    LEFT JOIN billing_ledgeraccount account ON account.id = line.account_id
    GROUP BY remittance.id, given
) said WHERE money <> posted_money OR withheld <> posted_withheld OR unapplied <> posted_unapplied
"""

# As in billing/sql.py, and for remittances too.
REMITTANCES_AGREE = """
CREATE OR REPLACE FUNCTION billing_ledger_agrees() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    speaking text := coalesce(current_setting('app.tenant', true), '');
    given jsonb := to_jsonb(new);
    of_charge uuid := CASE tg_table_name WHEN 'billing_charge' THEN new.id ELSE (given->>'charge_id')::uuid END;
    of_payment uuid := CASE tg_table_name WHEN 'billing_payment' THEN new.id ELSE (given->>'payment_id')::uuid END;
    of_remittance uuid := CASE tg_table_name WHEN 'billing_remittance' THEN new.id ELSE (given->>'remittance_id')::uuid END;
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
    IF of_remittance IS NOT NULL AND wrong IS NULL THEN
        PERFORM FROM billing_remittance WHERE id = of_remittance FOR NO KEY UPDATE;
        SELECT 'remittance ' || id INTO wrong FROM billing_remittance_at_odds WHERE id = of_remittance;
    END IF;
    PERFORM set_config('app.tenant', speaking, true);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the ledger does not say the same as %', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
ASKED_AT_COMMIT = """
CREATE CONSTRAINT TRIGGER ledger_agrees AFTER INSERT ON billing_payermove DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_agrees();
CREATE CONSTRAINT TRIGGER ledger_agrees AFTER INSERT OR UPDATE OF status ON billing_remittance DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_agrees();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON billing_payermove FOR EACH ROW EXECUTE FUNCTION billing_immutable();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON billing_payerfilecontent FOR EACH ROW EXECUTE FUNCTION billing_immutable();
"""

# What a payer said, and what was written to it, stays as it was; what is done about it is written beside it.
AS_SAID = """
CREATE FUNCTION billing_as_said() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ours text[] := '{status,version,updated_at,payer_id,posted_at,posted_by_id,reason,claim_id,why,taken_back_by_id,outcome,decided_on,note}';
BEGIN
    IF tg_op = 'DELETE' OR to_jsonb(old) - ours <> to_jsonb(new) - ours
        OR (tg_table_name = 'billing_remittance' AND old.status = 'posted' AND new.status <> 'posted')
    THEN
        RAISE EXCEPTION 'what was said in % is never changed or deleted', tg_table_name USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER as_said BEFORE UPDATE OR DELETE ON billing_remittance FOR EACH ROW EXECUTE FUNCTION billing_as_said();
CREATE TRIGGER as_said BEFORE UPDATE OR DELETE ON billing_remittanceclaim FOR EACH ROW EXECUTE FUNCTION billing_as_said();
CREATE TRIGGER as_said BEFORE UPDATE OR DELETE ON billing_appeal FOR EACH ROW EXECUTE FUNCTION billing_as_said();
"""
# The same, for tables without a status too.
AS_SAID_EVERYWHERE = edited(
    AS_SAID[: AS_SAID.index("CREATE TRIGGER")],
    ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    (
        "old.status = 'posted' AND new.status <> 'posted'",
        "to_jsonb(old)->>'status' = 'posted' AND to_jsonb(new)->>'status' <> 'posted'",
    ),
)
FORMER_CHARGES = edited(CHARGES_AT_ODDS, ("CREATE VIEW", "CREATE OR REPLACE VIEW"))
FORMER_AGREES = edited(LEDGER_AGREES, ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))

# Since 0014 a payer gets back what it paid too much: of one claim of a remittance, never more than is on no claim.
FORMER_REMITTANCES = edited(REMITTANCES_AT_ODDS, ("CREATE VIEW", "CREATE OR REPLACE VIEW"))
REMITTANCES_SENT_BACK = edited(
    FORMER_REMITTANCES,
    ("THEN total ELSE 0 END AS money", "THEN total ELSE 0 END - paid_out AS money"),
    ("THEN claims_paid ELSE 0 END - given AS", "THEN claims_paid ELSE 0 END - given - approved AS"),
    (
        "    ) g\n",
        """    ) g
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE back.status IN ('approved', 'paid_out')), 0) AS approved,
            coalesce(sum(amount) FILTER (WHERE back.status = 'paid_out'), 0) AS paid_out
        FROM billing_payerrefund back WHERE back.remittance_id = remittance.id
    ) b
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM billing_remittanceclaim heard JOIN billing_payerrefund back ON back.heard_id = heard.id
            WHERE heard.remittance_id = remittance.id AND back.status <> 'rejected' GROUP BY heard.id
            HAVING sum(back.amount) + (SELECT coalesce(sum(move.amount), 0) FROM billing_payermove move
                WHERE move.heard_id = heard.id AND move.kind = 'payer_paid') > heard.paid
        ) OR EXISTS (
            SELECT FROM billing_payerrefund back JOIN billing_remittanceclaim heard ON heard.id = back.heard_id
            WHERE back.remittance_id = remittance.id AND heard.remittance_id <> remittance.id
        ) AS overdrawn
    ) o
""",
    ),
    ("GROUP BY remittance.id, given\n", "GROUP BY remittance.id, given, approved, paid_out, overdrawn\n"),
    ("AS posted_unapplied\n", "AS posted_unapplied, overdrawn\n"),
    ("OR unapplied <> posted_unapplied", "OR unapplied <> posted_unapplied OR overdrawn"),
)
# What was decided about it, and how it was paid out, stays, as of the refunds of patients (billing/desk_sql.py).
REFUNDS_DECIDED = edited(
    DECIDED_REFUND.partition("CREATE TRIGGER")[0],
    ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    ("method,drawer_id", "method,drawer_id,reference"),
)
FORMER_DECIDED = edited(
    DECIDED_REFUND.partition("CREATE TRIGGER")[0], ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
)
PAYER_REFUNDS = """
CREATE TRIGGER decided BEFORE UPDATE ON billing_payerrefund FOR EACH ROW EXECUTE FUNCTION billing_decided_refund();
CREATE TRIGGER kept BEFORE DELETE ON billing_payerrefund FOR EACH ROW EXECUTE FUNCTION billing_immutable();
CREATE CONSTRAINT TRIGGER ledger_agrees AFTER INSERT OR UPDATE OF status, amount, remittance_id, heard_id ON billing_payerrefund
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_agrees();
"""
UNDO_PAYER_REFUNDS = """
DROP TRIGGER ledger_agrees ON billing_payerrefund;
DROP TRIGGER kept ON billing_payerrefund;
DROP TRIGGER decided ON billing_payerrefund;
"""
