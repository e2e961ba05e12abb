"""Asking again for an invoice that is not paid: steps of the organisation, letters that stay as they were written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from billing.models.invoice import WRITE, Invoice, InvoiceLine, hold
from billing.money import spoken
from clinical import days
from hospital.models import Counter
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from hospital.models import Person

GAPS = ("{patient}", "{invoice}", "{issued}", "{due}", "{total}", "{open}")


class DunningStep(EditableModel):
    level = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(9)])
    name = models.CharField(max_length=60, help_text="The heading of the letter: Reminder.")
    days = models.PositiveSmallIntegerField(
        "days after",
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="The first one: after the invoice was due. Each further one: after the letter before.",
    )
    text = models.TextField(max_length=2000, help_text=f"The letter. These are filled in: {', '.join(GAPS)}.")

    class Meta(EditableModel.Meta):
        ordering = ["level"]
        verbose_name = "step of reminding"
        verbose_name_plural = "steps of reminding"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "level"], name="dunning_level_once"),
            models.CheckConstraint(
                condition=models.Q(level__range=(1, 9), days__range=(1, 365)), name="dunning_step_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}. {self.name}"

    def worded(self, invoice: Invoice, owed: Decimal) -> str:
        filled = {
            "{patient}": invoice.patient.name,
            "{invoice}": invoice.number,
            "{issued}": spelled(invoice.issued_at and days.day_of(invoice.issued_at)),
            "{due}": spelled(invoice.due_on),
            "{total}": spoken(invoice.total),
            "{open}": spoken(owed),
        }
        text = self.text
        for gap, words in filled.items():
            text = text.replace(gap, words)
        return text


class Reminder(TenantModel):
    """A letter, with the words and the sum of its day. Nobody changes it."""

    serial = models.PositiveBigIntegerField("number", editable=False)
    invoice = TenantKey(Invoice, related_name="reminders")
    level = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    text = models.TextField()
    owed = models.DecimalField(max_digits=12, decimal_places=2)
    written_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["invoice", "level"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="reminder_number_once"),
            models.UniqueConstraint(fields=["tenant", "invoice", "level"], name="reminder_once_a_level"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    @property
    def number(self) -> str:
        return f"RM-{self.serial:06}"

    @classmethod
    @transaction.atomic
    def write_all(cls, invoices: Iterable[Any], *, by: Person | None) -> tuple[list[Reminder], list[str]]:
        """The letters, and why others were not written. All visits are held first, in the order of all who hold several."""
        keys = list(invoices)
        hold(InvoiceLine.objects.filter(invoice__in=keys).values_list("charge__visit", flat=True))
        written, refused = [], []
        for invoice in Invoice.objects.filter(pk__in=keys).order_by("pk"):
            try:
                written.append(cls.write(invoice, by=by))
            except Refused as why:
                refused.append(str(why))
        return written, refused

    @classmethod
    @transaction.atomic
    def write(cls, invoice: Invoice, *, by: Person | None) -> Reminder:
        """The next letter, if its time has come."""
        allow(WRITE, by)
        invoice._hold()
        step = next((step for _, step in to_remind([invoice.pk])), None)
        if step is None:
            raise Refused(f"{invoice.number} is paid, stopped, or its next letter is not due yet.")
        owed = invoice.owed()
        with raw():
            text = step.worded(invoice, owed)  # the letter names the patient, also one whose chart is closed
        return cls.objects.create(
            serial=Counter.take("reminder"),
            invoice=invoice,
            level=step.level,
            name=step.name,
            text=text,
            owed=owed,
            written_by=by,
        )


def waiting() -> models.QuerySet:
    """Invoices that are overdue and not stopped, with `level` and `last_at` of their last letter, and `due`."""
    last = Reminder.objects.filter(invoice=OuterRef("pk")).order_by("-level")
    rows = Invoice.objects.filter(status=Invoice.Status.ISSUED, reminders_stopped_at=None, due_on__lt=days.today())
    return (
        rows.with_due()
        .filter(due__gt=0)
        .annotate(level=Subquery(last.values("level")[:1]), last_at=Subquery(last.values("written_at")[:1]))
    )


def to_remind(only: Iterable[Any] | None = None) -> list[tuple[Invoice, DunningStep]]:
    """Each with the step whose time has come, the longest overdue first; of all invoices, or of these."""
    steps = list(DunningStep.objects.order_by("level"))
    rows = waiting().select_related("patient").order_by("due_on", "serial")
    if only is not None:
        rows = rows.filter(pk__in=list(only))
    found = ((row, next((step for step in steps if step.level > (row.level or 0)), None)) for row in rows)
    today = days.today()
    return [(row, step) for row, step in found if step and since(row) + timedelta(days=step.days) <= today]


def since(row: Any) -> date:
    return days.day_of(row.last_at) if row.last_at else row.due_on


def spelled(day: date | None) -> str:
    return day.strftime("%-d %b %Y") if day else ""
