"""What a patient is asked to pay, as a document: drafted from charges, frozen and numbered when it is issued."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from billing.models.charge import Charge
from billing.models.desk import DeskRules
from billing.models.discount import refuse_above_limit
from billing.models.journal import Book, debited
from billing.money import ZERO, spoken, tax_within
from clinical import days
from clinical.models import Patient, Visit
from hospital.models import Counter
from hospital.seals import truth
from hospital.tenancy import TenantKey, TenantManager, TenantModel
from hospital.workflow import SYSTEM, IllegalMove, Refused, Workflow, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

WRITE = "billing.invoice"


class Invoices(models.QuerySet):
    def with_due(self) -> Invoices:
        """Adds `due`: what the ledger says is owed of its charges."""
        return self.annotate(due=debited(Book.RECEIVABLE, of="invoice_of_charge"))

    def standing(self) -> Invoices:
        return self.filter(status__in=(Invoice.Status.ISSUED, Invoice.Status.BALANCED))


class Invoice(Workflow):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ISSUED = "issued", "Issued"
        BALANCED = "balanced", "Balanced"
        CANCELLED = "cancelled", "Cancelled"

    MOVES = {
        Status.DRAFT: {Status.ISSUED: WRITE, Status.CANCELLED: WRITE},
        Status.ISSUED: {Status.BALANCED: SYSTEM, Status.CANCELLED: WRITE},
        Status.BALANCED: {Status.ISSUED: SYSTEM},
    }

    patient = TenantKey("clinical.Patient", related_name="invoices")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    serial = models.PositiveBigIntegerField("number", null=True, editable=False)
    note = models.CharField(max_length=300, blank=True, help_text="Printed under the lines.")
    total = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    tax = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    drafted_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    drafted_at = models.DateTimeField(default=timezone.now)
    issued_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    cancelled_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=200, blank=True)
    reminders_stopped_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    reminders_stopped_at = models.DateTimeField(null=True)
    reminders_stopped_for = models.CharField(max_length=200, blank=True)

    due: Decimal  # see `with_due`
    objects: ClassVar = TenantManager.from_queryset(Invoices)()

    class Meta(Workflow.Meta):
        ordering = ["-drafted_at", "-pk"]
        indexes = [models.Index(fields=["tenant", "status", "due_on"], name="invoice_by_status")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="invoice_number_once"),
            models.CheckConstraint(
                name="invoice_has_number_when_issued",
                condition=models.Q(status="draft", serial=None)
                | models.Q(status="cancelled")
                | models.Q(status__in=("issued", "balanced"), serial__isnull=False, issued_at__isnull=False),
            ),
            models.CheckConstraint(
                name="invoice_is_cancelled_with_a_reason",
                condition=~models.Q(status="cancelled") | ~models.Q(cancel_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"IN-{self.serial:06}" if self.serial else "Draft"

    def get_absolute_url(self) -> str:
        return reverse("billing:invoice", args=[self.pk])

    @classmethod
    @transaction.atomic
    def draft(cls, patient: Patient, charges: Iterable[Charge], *, note: str = "", by: Person | None) -> Invoice:
        """From charges of one patient, of one visit or of several, each on no other invoice."""
        allow(WRITE, by)
        chosen = sorted(charges, key=lambda charge: (charge.charged_at, charge.pk))
        if not chosen:
            raise Refused("An invoice has one line at least. Choose what it is for.", status=422, field="charges")
        hold({charge.visit_id for charge in chosen})
        free = {charge.pk for charge in billable(patient)}
        if taken := next((charge for charge in chosen if charge.pk not in free), None):
            raise Refused(f"{taken.text} is on another invoice, without a price, or nothing of it is asked.")
        invoice = cls(patient=patient, note=note.strip()[:300], drafted_by=by)
        invoice.start(by=by)
        for position, charge in enumerate(chosen, 1):
            InvoiceLine.objects.create(invoice=invoice, charge=charge, position=position)
        return invoice

    @transaction.atomic
    def issue(self, *, by: Person | None) -> None:
        """The lines are written down as they are now, and never change again. The number is the next one."""
        self._hold()
        if self.status != self.Status.DRAFT:
            raise IllegalMove(self, self.Status.ISSUED)
        rows = self.current_lines()
        if gone := next((row for row in rows if row.charge.cancelled_at), None):
            raise Refused(f"{gone.charge.text} was cancelled meanwhile. Cancel this draft and write a new one.")
        for row in rows:
            row.save()
        self.move_to(
            self.Status.ISSUED,
            by=by,
            serial=Counter.take("invoice"),
            issued_by=by,
            issued_at=timezone.now(),
            due_on=days.today() + timedelta(days=DeskRules.here().due_days),
            total=sum((row.total for row in rows), ZERO),
            tax=sum((row.tax for row in rows), ZERO),
        )
        self.follow([self])

    @transaction.atomic
    def cancel(self, reason: str, *, by: Person | None) -> None:
        """It was a mistake. Its charges are still owed, and can go on another invoice; its number stays taken."""
        self._hold()
        why = needs(reason, "Say why the invoice is cancelled.")
        if self.credit_notes.exists():
            raise Refused(f"{self.number} has a credit note, and stays.")
        self.move_to(
            self.Status.CANCELLED,
            by=by,
            reason=why,
            cancelled_by=by,
            cancelled_at=timezone.now(),
            cancel_reason=why[:200],
        )
        for line in self.lines.all():
            line.is_live = False
            line.save(update_fields=["is_live"])

    @transaction.atomic
    def stop_reminders(self, reason: str, *, by: Person | None) -> None:
        allow(WRITE, by)
        self.lock()
        if self.status != self.Status.ISSUED:
            raise Refused("Nothing is asked for with this invoice, so nobody is reminded.")
        self.reminders_stopped_for = needs(reason, "Say why nobody is reminded of it any more.")[:200]
        self.reminders_stopped_at, self.reminders_stopped_by = timezone.now(), by
        self.save(update_fields=["reminders_stopped_for", "reminders_stopped_at", "reminders_stopped_by"])

    def current_lines(self) -> list[InvoiceLine]:
        """As they were frozen; of a draft, as they would be frozen now."""
        if self.status != self.Status.DRAFT:
            return list(self.lines.select_related("charge__visit").order_by("position"))
        charges = {charge.pk: charge for charge in self._charges()}
        return [row.filled(charges[row.charge_id]) for row in self.lines.order_by("position")]

    def owed(self) -> Decimal:
        return sum((charge.rest for charge in self._charges()), ZERO)

    def credited(self) -> Decimal:
        return self.credit_notes.aggregate(sum=models.Sum("total"))["sum"] or ZERO

    @staticmethod
    def follow(invoices: Iterable[Invoice]) -> None:
        """Nothing is owed any more of what it asks: balanced. Something is again: issued.

        Each is held before its charges are read, since another of its visits may be moving now.
        """
        for invoice in sorted(invoices, key=lambda one: one.pk):
            invoice.lock()
            if invoice.status not in (Invoice.Status.ISSUED, Invoice.Status.BALANCED):
                continue
            settled = not invoice.owed()
            if settled != (invoice.status == Invoice.Status.BALANCED):
                invoice.move_to(Invoice.Status.BALANCED if settled else Invoice.Status.ISSUED, by=None)

    def _charges(self) -> Sequence[Charge]:
        rows = Charge.objects.filter(invoice_lines__invoice=self).with_balance().select_related("visit")
        return list(rows)

    def _hold(self) -> None:
        """The visits whose money it is about first, then their invoices, and this one."""
        hold(set(self.lines.values_list("charge__visit", flat=True)))
        self.lock()


class InvoiceLine(TenantModel):
    """One charge on an invoice. What it says is written when the invoice is issued; before, it is only a choice."""

    invoice = TenantKey(Invoice, related_name="lines")
    charge = TenantKey("billing.Charge", related_name="invoice_lines")
    position = models.PositiveSmallIntegerField()
    is_live = models.BooleanField(default=True, help_text="Its invoice was not cancelled.")
    text = models.CharField(max_length=200, blank=True)
    visit_number = models.CharField(max_length=20, blank=True)
    done_at = models.DateTimeField(null=True)
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    discount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    insured = models.DecimalField(
        max_digits=12, decimal_places=2, default=ZERO, help_text="What insurers are asked for, paid, or took off."
    )
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2, default=ZERO)
    tax = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)

    class Meta(TenantModel.Meta):
        ordering = ["invoice", "position"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "invoice", "position"], name="invoice_line_position_once"),
            models.UniqueConstraint(
                fields=["tenant", "charge"], condition=models.Q(is_live=True), name="charge_on_one_invoice"
            ),
            models.CheckConstraint(
                name="invoice_line_adds_up",
                condition=models.Q(
                    total=models.F("amount") - models.F("discount") - models.F("insured"),
                    amount=models.F("unit_price") * models.F("quantity"),
                    discount__gte=0,
                    insured__gte=0,
                    total__gte=0,
                    tax__gte=0,
                    tax__lte=models.F("total"),
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.text or str(self.charge_id)

    @property
    def net(self) -> Decimal:
        return self.total - self.tax

    def filled(self, charge: Charge) -> InvoiceLine:
        """With what the charge says now. The patient is asked for no more than is the patient's. The tax is within the total, and rounded once."""
        self.charge = charge
        self.text = truth(charge, "text")  # also of a closed chart: reading the line masks it again
        self.visit_number, self.done_at = charge.visit.number, charge.charged_at
        self.quantity, self.unit_price, self.amount = charge.quantity, charge.unit_price, charge.amount
        self.discount, self.insured = charge.written_off, max(charge.insured, ZERO)
        self.total = self.amount - self.discount - self.insured
        self.tax_rate, self.tax = charge.tax_rate, tax_within(self.total, charge.tax_rate)
        return self


class CreditNote(TenantModel):
    """So much less is asked for an invoice that was issued. A document with a number of its own; nobody changes it."""

    serial = models.PositiveBigIntegerField("number", editable=False)
    invoice = TenantKey(Invoice, related_name="credit_notes")
    reason = models.CharField(max_length=200)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    tax = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    issued_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["-serial"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="credit_note_number_once"),
            models.CheckConstraint(
                condition=models.Q(total__gt=0, tax__gte=0, tax__lte=models.F("total")), name="credit_note_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"CN-{self.serial:06}"

    def get_absolute_url(self) -> str:
        return reverse("billing:credit_note", args=[self.pk])

    @classmethod
    @transaction.atomic
    def write(cls, invoice: Invoice, amounts: dict[Any, Decimal], reason: str, *, by: Person | None) -> CreditNote:
        """`amounts` by line. What was paid of it already is the patient's again, for what else is due or for a refund."""
        allow(WRITE, by)
        invoice._hold()
        if invoice.status not in (Invoice.Status.ISSUED, Invoice.Status.BALANCED):
            raise Refused("A credit note is for an invoice that was issued. Cancel a draft instead.")
        why = needs(reason, "Say why less is asked.")
        rows = [(line, amounts[line.pk]) for line in invoice.current_lines() if amounts.get(line.pk)]
        if not rows:
            raise Refused("Write at least one amount.", status=422)
        note = cls.objects.create(
            serial=Counter.take("credit_note"),
            invoice=invoice,
            reason=why[:200],
            total=sum((amount for _, amount in rows), ZERO),
            tax=sum((tax_within(amount, line.tax_rate) for line, amount in rows), ZERO),
            issued_by=by,
        )
        for line, amount in rows:
            CreditLine.of(note, line, amount, by=by)
        settle({line.charge.visit_id for line, _ in rows})
        return note


class CreditLine(TenantModel):
    note = TenantKey(CreditNote, related_name="lines")
    line = TenantKey(InvoiceLine, related_name="credits")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    tax = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)

    class Meta(TenantModel.Meta):
        ordering = ["line__position"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "note", "line"], name="credit_line_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, tax__gte=0, tax__lte=models.F("amount")),
                name="credit_line_is_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.line_id}"

    @classmethod
    def of(cls, note: CreditNote, line: InvoiceLine, amount: Decimal, *, by: Person | None) -> CreditLine:
        from billing.models.account import Account

        left = creditable([line])[line]
        if amount < 0 or amount > left:
            raise Refused(f"Of {line.text} at most {spoken(left)} can be credited.", field=f"line_{line.pk}")
        account = Account(line.charge.visit)
        refuse_above_limit(amount, account, by)
        account.let_off(line.charge, amount, f"{note.number}: {truth(note, 'reason')}", by=by)
        return cls.objects.create(note=note, line=line, amount=amount, tax=tax_within(amount, line.tax_rate))


def creditable(lines: Iterable[InvoiceLine]) -> dict[InvoiceLine, Decimal]:
    """What is still asked of each line, or was paid for it, and no credit note took back."""
    rows = list(lines)
    charges = Charge.objects.filter(pk__in=[line.charge_id for line in rows]).with_balance().in_bulk()
    credits = CreditLine.objects.filter(line__in=rows).order_by().values_list("line")
    credited = dict(credits.annotate(models.Sum("amount")))
    return {
        line: max(ZERO, min(line.total - credited.get(line.pk, ZERO), charge.rest + charge.allocated))
        for line in rows
        for charge in (charges[line.charge_id],)
    }


def billable(patient: Patient) -> models.QuerySet:
    """What can go on an invoice: charged with a price, asked for, and on no invoice that stands."""
    live = InvoiceLine.objects.filter(charge=models.OuterRef("pk"), is_live=True)
    rows = Charge.objects.filter(visit__patient=patient, needs_price=False, cancel_reason="").live().with_balance()
    asked = models.Q(rest__gt=0) | models.Q(allocated__gt=0)
    return rows.filter(~models.Exists(live), asked, amount__gt=0).select_related("visit").order_by("charged_at", "pk")


def hold(visits: Iterable[Any]) -> None:
    """The money of these visits, then the invoices that ask for it, always in the same order.

    An invoice can ask for several visits: whoever took those of one visit after those of another would wait in a circle.
    """
    keys = set(visits)
    list(Visit._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(of=("self",), no_key=True))
    asked = Invoice.objects.standing().filter(lines__charge__visit__in=keys)
    rows = Invoice.objects.filter(pk__in=asked.values("pk")).order_by("pk")
    list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))


def settle(visits: Iterable[Any]) -> None:
    from billing.models.account import Account

    for visit in Visit.objects.filter(pk__in=set(visits)).order_by("pk"):
        Account(visit).settle()
