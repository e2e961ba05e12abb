"""What the database keeps of invoices, drawers and deposits, whoever writes."""

from __future__ import annotations

from billing.sql import PAYMENTS_AT_ODDS
from hospital.db.statements import edited

ONLY_WRITTEN_ONCE = (
    "billing_creditnote",
    "billing_creditline",
    "billing_reminder",
    "billing_drawermove",
    "billing_receiptprint",
)
NEVER_CHANGED = "".join(
    f"CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION billing_immutable();\n"
    for table in ONLY_WRITTEN_ONCE
)
CHANGED_AGAIN = "".join(f"DROP TRIGGER immutable ON {table};\n" for table in ONLY_WRITTEN_ONCE)

# Of an issued invoice only its way on may change; what it asks, for what and of whom stays, but for a merge.
FROZEN_INVOICE = """
CREATE FUNCTION billing_frozen_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later CONSTANT text[] := '{status,version,updated_at,cancelled_at,cancelled_by_id,cancel_reason,reminders_stopped_at,reminders_stopped_by_id,reminders_stopped_for}';
BEGIN
    IF tg_op = 'UPDATE' AND old.status = 'draft' THEN
        RETURN new;
    END IF;
    IF tg_op = 'UPDATE' AND (
        follows_merge(to_jsonb(old), to_jsonb(new))
        OR (to_jsonb(old) - later = to_jsonb(new) - later AND old.status <> 'cancelled' AND new.status <> 'draft')
    ) THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'an issued invoice is never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON billing_invoice FOR EACH ROW EXECUTE FUNCTION billing_frozen_invoice();

CREATE FUNCTION billing_frozen_invoice_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    standing text;
BEGIN
    SELECT status INTO standing FROM billing_invoice
    WHERE id = CASE tg_op WHEN 'DELETE' THEN old.invoice_id ELSE new.invoice_id END FOR SHARE;
    IF standing = 'draft' AND tg_op <> 'DELETE' THEN
        RETURN new;
    END IF;
    IF standing = 'cancelled' AND tg_op = 'UPDATE' AND NOT new.is_live
        AND to_jsonb(old) - 'is_live' = to_jsonb(new) - 'is_live' THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'the lines of an issued invoice are never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON billing_invoiceline
FOR EACH ROW EXECUTE FUNCTION billing_frozen_invoice_line();
"""
THAWED_INVOICE = """
DROP TRIGGER frozen ON billing_invoice;
DROP TRIGGER frozen ON billing_invoiceline;
DROP FUNCTION billing_frozen_invoice, billing_frozen_invoice_line;
"""

# Since 0012: a line stays on the invoice that it was written for, so that none is taken off an issued one.
FORMER_INVOICE_LINE = (
    "CREATE OR REPLACE FUNCTION billing_frozen_invoice_line"
    + (FROZEN_INVOICE.partition("CREATE FUNCTION billing_frozen_invoice_line")[2].partition("CREATE TRIGGER")[0])
)
LINE_STAYS = edited(
    FORMER_INVOICE_LINE,
    (
        """BEGIN
""",
        """BEGIN
    IF tg_op = 'UPDATE' AND (new.invoice_id, new.charge_id) IS DISTINCT FROM (old.invoice_id, old.charge_id) THEN
        RAISE EXCEPTION 'a line stays on its invoice' USING ERRCODE = 'restrict_violation';
    END IF;
""",
    ),
)

# A refund goes on step by step; what was decided and what was paid out stay. Nobody deletes one, or a charge.
DECIDED_REFUND = """
CREATE FUNCTION billing_decided_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later text[] := CASE old.status
        WHEN 'requested' THEN '{status,version,updated_at,decided_by_id,decided_at,decision}'
        WHEN 'approved' THEN '{status,version,updated_at,paid_by_id,paid_at,method,drawer_id}'
        ELSE '{}' END;
BEGIN
    IF to_jsonb(old) - later <> to_jsonb(new) - later THEN
        RAISE EXCEPTION 'what was decided about a refund is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER decided BEFORE UPDATE ON billing_refund FOR EACH ROW EXECUTE FUNCTION billing_decided_refund();
CREATE TRIGGER kept BEFORE DELETE ON billing_refund FOR EACH ROW EXECUTE FUNCTION billing_immutable();
CREATE TRIGGER kept BEFORE DELETE ON billing_charge FOR EACH ROW EXECUTE FUNCTION billing_immutable();
"""
OPEN_REFUND = """
DROP TRIGGER kept ON billing_charge;
DROP TRIGGER kept ON billing_refund;
DROP TRIGGER decided ON billing_refund;
DROP FUNCTION billing_decided_refund;
"""

# What was counted stays as it was counted, and no cash goes through a drawer that is closed.
CLOSED_DRAWER = """
CREATE FUNCTION billing_closed_drawer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' AND old.closed_at IS NULL THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'a closed drawer is never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER closed BEFORE UPDATE OR DELETE ON billing_drawer FOR EACH ROW EXECUTE FUNCTION billing_closed_drawer();

CREATE FUNCTION billing_through_open_drawer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.drawer_id IS NOT NULL AND EXISTS (
        SELECT FROM billing_drawer WHERE id = new.drawer_id AND closed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a closed drawer takes no cash' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER through_open_drawer BEFORE INSERT ON billing_payment FOR EACH ROW EXECUTE FUNCTION billing_through_open_drawer();
CREATE TRIGGER through_open_drawer BEFORE INSERT ON billing_drawermove FOR EACH ROW EXECUTE FUNCTION billing_through_open_drawer();
CREATE TRIGGER through_open_drawer BEFORE INSERT OR UPDATE OF drawer_id ON billing_refund
FOR EACH ROW EXECUTE FUNCTION billing_through_open_drawer();
"""
OPENED_DRAWER = """
DROP TRIGGER through_open_drawer ON billing_payment;
DROP TRIGGER through_open_drawer ON billing_drawermove;
DROP TRIGGER through_open_drawer ON billing_refund;
DROP TRIGGER closed ON billing_drawer;
DROP FUNCTION billing_through_open_drawer, billing_closed_drawer;
"""

# Money goes only to charges of its own patient; what was taken for one visit, only to that visit.
PAID_FOR_THE_PATIENT = """
CREATE FUNCTION billing_paid_for_the_patient() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    speaking text := coalesce(current_setting('app.tenant', true), '');
    fits boolean;
BEGIN
    PERFORM set_config('app.tenant', new.tenant_id::text, true);
    SELECT new.amount < 0 OR payment.visit_id = charge.visit_id
        OR (payment.visit_id IS NULL AND payment.patient_id = charge.patient_id) INTO fits
    FROM billing_payment payment, billing_charge charge WHERE payment.id = new.payment_id AND charge.id = new.charge_id;
    PERFORM set_config('app.tenant', speaking, true);
    IF NOT fits THEN
        RAISE EXCEPTION 'a payment is for charges of its own patient' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER paid_for_the_patient AFTER INSERT ON billing_allocation DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_paid_for_the_patient();
"""
PAID_FOR_ANYBODY = "DROP TRIGGER paid_for_the_patient ON billing_allocation; DROP FUNCTION billing_paid_for_the_patient"

# Since 0011: a payment without a visit has no visit to compare, which is not the same as one that fits.
FORMER_PATIENT = edited(
    PAID_FOR_THE_PATIENT.partition("CREATE CONSTRAINT")[0], ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
)
PAID_FOR_ITS_OWN = edited(FORMER_PATIENT, ("IF NOT fits THEN", "IF fits IS NOT TRUE THEN"))

# What is on no charge yet stands in the credit of the visit, or among the deposits where there is no visit.
FORMER_PAYMENTS = edited(PAYMENTS_AT_ODDS, ("CREATE VIEW", "CREATE OR REPLACE VIEW"))
DEPOSITS_AGREE = edited(
    FORMER_PAYMENTS,
    (
        "FILTER (WHERE book = 'credit')",
        "FILTER (WHERE book = CASE WHEN visit_id IS NULL THEN 'deposits' ELSE 'credit' END)",
    ),
)
