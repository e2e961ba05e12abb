"""What came out of a test, in versions that never change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django.db import models
from django.utils import timezone

from clinical.measure import Limits, Measured, NotANumber, in_words, read_number
from clinical.models.lab_delta import delta_of
from clinical.models.lab_test import LabTest, measure
from clinical.outside import Outside, graver, same_unit
from clinical.unit_factors import factor
from hospital.context import current
from hospital.models import Tenant
from hospital.seals import raw
from hospital.tenancy import TenantKey, TenantModel
from hospital.workflow import Refused

if TYPE_CHECKING:
    from clinical.models.document import Document
    from clinical.models.laboratory import LabOrder
    from hospital.models import Person


FOUR_PLACES, GREATEST = Decimal("0.0001"), Decimal(10) ** 10
NO_DELTA: dict[str, Any] = {"delta_reason": "", "delta_confirmed_at": None, "delta_confirmed_by": None}


def by_person() -> models.ForeignKey:
    return models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )


def moment() -> models.DateTimeField:
    return models.DateTimeField(null=True, blank=True, editable=False)


class LabResult(TenantModel):
    """What came out, with the range as it was, so that history never flags anew. A row never changes."""

    class Flag(models.TextChoices):
        NONE = "", "—"
        LOW = "low", "Low"
        HIGH = "high", "High"
        ABNORMAL = "abnormal", "Abnormal"
        CRITICAL_LOW = "critical_low", "Critical low"
        CRITICAL_HIGH = "critical_high", "Critical high"
        CRITICAL = "critical", "Critical"

    order = TenantKey("clinical.LabOrder", related_name="results")
    sequence = models.PositiveSmallIntegerField("version", help_text="From 1; the highest is what counts.")
    comparator = models.CharField(
        max_length=2, blank=True, default="", help_text="< or > when beyond what is measured."
    )
    value_number = measure()
    value_code = models.CharField(max_length=40, blank=True, default="")
    value_text = models.TextField(blank=True, default="", help_text="What is read, for every kind.")
    document = TenantKey("clinical.Document", null=True, blank=True, related_name="lab_results")
    unit = models.CharField(max_length=30, blank=True, default="")
    flag = models.CharField(max_length=14, choices=Flag.choices, blank=True, default=Flag.NONE)
    low = measure()
    high = measure()
    critical_low = measure()
    critical_high = measure()
    range_said = models.CharField(max_length=80, blank=True, default="", help_text="A range that is not two numbers.")
    note = models.TextField(blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why a released value was corrected.")
    former = TenantKey("self", null=True, blank=True, related_name="+", help_text="What it is too far from.")
    delta = models.CharField(max_length=200, blank=True, default="", help_text="How far, in words.")
    source = models.CharField(max_length=120, blank=True, default="", help_text="The laboratory that sent it.")
    remark = models.CharField(max_length=300, blank=True, default="", help_text="What is the sender's, and not ours.")
    is_preliminary = models.BooleanField(default=False)
    entered_by = by_person()
    entered_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["order", "-sequence"]
        verbose_name = "result"
        constraints = [models.UniqueConstraint(fields=["tenant", "order", "sequence"], name="result_sequence_once")]

    def __str__(self) -> str:
        return f"{self.value_text} {self.unit_shown}".strip()

    @property
    def unit_shown(self) -> str:
        return in_words(self.unit)

    @property
    def is_critical(self) -> bool:
        return self.flag.startswith("critical")

    @property
    def limits(self) -> Limits:
        return Limits(self.low, self.high, self.critical_low, self.critical_high)

    @property
    def range_words(self) -> str:
        return self.range_said or self.limits.words

    @property
    def cell(self) -> str:
        """As the grid writes it."""
        return self.value_code or self.value_text

    @raw()
    def says_the_same(self, other: LabResult) -> bool:
        """Whatever a reader sees of it is the same."""
        names = (
            "value_text",
            "value_code",
            "unit",
            "flag",
            "low",
            "high",
            "range_said",
            "note",
            "document_id",
            "is_preliminary",
        )
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def needs_another(self, by: Person | None, *, instead_of: LabResult | None = None) -> bool:
        """Whether this person may not release it, by the rule of the house: who entered it does not."""
        is_critical = self.is_critical or (instead_of is not None and instead_of.is_critical)
        if self.entered_by_id is None or not is_under(current().tenant.second_person, is_critical):
            return False
        return by is None or by.pk == self.entered_by_id

    @property
    def verdict(self) -> str:
        """The flag, or "normal" where a range or an answer says so. What only a person can judge has none."""
        within = not self.comparator and (self.low is not None or self.high is not None)
        return self.flag or ("normal" if self.value_code or within else "")

    @classmethod
    @raw()
    def of(cls, order: LabOrder, value: Any, *, by: Person | None, note: str = "", reason: str = "") -> LabResult:
        """The next version of the order's result. The caller holds the order."""
        result = cls.next_of(order, unit=order.test.unit, note=note.strip(), reason=reason, entered_by=by)
        READERS[order.test.kind](result, order, value)
        result.save(force_insert=True)
        return result

    @classmethod
    @raw()
    def from_outside(cls, order: LabOrder, sent: Outside, *, reason: str = "") -> LabResult:
        """The next version, not saved yet, with the unit and the range of whoever sent it. It says so where they are not ours."""
        result = cls.next_of(order, unit=sent.unit or order.test.unit, source=sent.source, entered_at=sent.at)
        result.reason, result.is_preliminary = reason, sent.is_preliminary
        result._take_value(order, sent)
        result._take_range(order, sent)
        return result

    @classmethod
    def next_of(cls, order: LabOrder, **fields: Any) -> LabResult:
        return cls(order=order, sequence=order.results.count() + 1, **fields)

    def _take_value(self, order: LabOrder, sent: Outside) -> None:
        """A number or an answer, if it can be read as one of this test; else its words, as they came."""
        self.value_text, self.flag = sent.value.strip(), sent.known_flag
        if order.test.kind == LabTest.Kind.NUMERIC:
            with suppress(NotANumber):
                measured = read_number(sent.value)
                self.comparator, self.value_number = measured.comparator, measured.number
        elif order.test.kind == LabTest.Kind.CODED and (option := option_named(order.test, sent.value)):
            self._choose(option)
            self.flag = graver(self.flag, sent.known_flag)

    def _take_range(self, order: LabOrder, sent: Outside) -> None:
        ours = order.limits_at(order.collected_at or sent.at)
        known = any(same_unit(self.unit, one) for one in (order.test.unit, order.test.unit_shown))
        is_ours = order.test.kind == LabTest.Kind.NUMERIC and known
        limits = ours if is_ours else in_unit(self.unit, ours, order.test)
        self.low, self.high = sent.limits if sent.range else (limits.low, limits.high)
        self.range_said = "" if self.low is not None or self.high is not None else sent.range.strip()[:80]
        if is_ours:
            self.unit = order.test.unit
        if self.value_number is not None:
            self._judge(limits, sent)
        if is_ours:
            self._compare(order)
        self.remark = self._whose(
            is_ours or not self.unit, bool(sent.range) and (self.low, self.high) != (limits.low, limits.high)
        )

    def _judge(self, limits: Limits, sent: Outside) -> None:
        """Our critical limits count in their unit too; before they are rounded to what a column holds."""
        self.critical_low, self.critical_high = limits.critical_low, limits.critical_high
        measured = Measured(cast(Decimal, self.value_number), self.comparator)
        self.flag = graver(self.limits.flag(measured), sent.known_flag)
        for name in ("low", "high", "critical_low", "critical_high"):
            setattr(self, name, storable(getattr(self, name)))

    def _whose(self, is_our_unit: bool, is_their_range: bool) -> str:
        theirs = [*([] if is_our_unit else ["unit"]), *(["range"] if is_their_range else [])]
        return (
            f"The {' and '.join(theirs)} {'is that' if len(theirs) == 1 else 'are those'} of {self.source}."[:300]
            if theirs
            else ""
        )

    def _compare(self, order: LabOrder) -> None:
        """Against the patient's last value: see the delta check of the test."""
        if self.value_number is not None and not self.comparator:
            taken_at = order.collected_at or self.entered_at
            self.former, self.delta = delta_of(order, self.value_number, self.unit, taken_at)

    def _read_number(self, order: LabOrder, value: Any) -> None:
        test = order.test
        measured = test.read(str(value))
        limits = order.limits_at(order.collected_at or self.entered_at)
        self.low, self.high = limits.low, limits.high
        self.critical_low, self.critical_high = limits.critical_low, limits.critical_high
        self.comparator, self.value_number, self.value_text = measured.comparator, measured.number, str(measured)
        self.flag = limits.flag(measured)
        self._compare(order)

    def _read_code(self, order: LabOrder, value: Any) -> None:
        option = order.test.option(str(value))
        if option is None:
            raise Refused(f"Choose one of the answers of {order.test}.", status=422, field="value")
        self._choose(option)

    def _choose(self, option: dict) -> None:
        self.value_code, self.value_text = option["code"], option["label"]
        if option.get("critical"):
            self.flag = self.Flag.CRITICAL
        elif option.get("abnormal"):
            self.flag = self.Flag.ABNORMAL

    def _read_text(self, order: LabOrder, value: Any) -> None:
        if not str(value or "").strip():
            raise Refused(f"Write the result of {order.test}.", status=422, field="value")
        self.value_text = str(value).strip()

    def _read_file(self, order: LabOrder, value: Document | None) -> None:
        if value is None:
            raise Refused(f"Choose the file with the result of {order.test}.", status=422, field="value")
        if value.patient_id != order.patient_id:
            raise Refused("This file belongs to another patient.", status=422, field="value")
        self.document, self.value_text = value, value.name


def in_unit(unit: str, ours: Limits, test: LabTest) -> Limits:
    """Our limits of a test in another unit; none if nobody can say how much that is."""
    size = factor(test.unit, unit, test.loinc) if test.kind == LabTest.Kind.NUMERIC else None
    return ours.times(size) if size is not None else Limits()


def storable(limit: Decimal | None) -> Decimal | None:
    """A limit that is a number of four places; one that is too great is judged by, and not kept."""
    return limit.quantize(FOUR_PLACES) if limit is not None and abs(limit) < GREATEST else None


def is_under(rule: str, is_critical: bool) -> bool:
    return rule == Tenant.SecondPerson.ALL or (rule == Tenant.SecondPerson.CRITICAL and is_critical)


def option_named(test: LabTest, value: str) -> dict | None:
    """By its code or its words."""
    wanted = value.strip().casefold()
    return next((one for one in test.options if wanted in (one["code"].casefold(), one["label"].casefold())), None)


READERS: dict[str, Callable[[LabResult, LabOrder, Any], None]] = {
    LabTest.Kind.NUMERIC: LabResult._read_number,
    LabTest.Kind.CODED: LabResult._read_code,
    LabTest.Kind.TEXT: LabResult._read_text,
    LabTest.Kind.FILE: LabResult._read_file,
}
