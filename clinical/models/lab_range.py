"""What is normal for whom, and since when. A range is never edited: a change is a new edition, and the old one stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from clinical.measure import Limits
from hospital.context import current
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantManager, TenantModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from clinical.models.lab_test import LabTest
    from clinical.models.patient import Patient
    from hospital.models import Person

MANAGE, ORDER = "clinical.manage_lab", "clinical.order_tests"
Facts = Mapping[str, int | None]


def measure(help_text: str = "") -> models.DecimalField[Decimal | None, Decimal | None]:
    """A column for a measured value or a limit of it."""
    return models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True, help_text=help_text)


class LabCondition(EditableModel):
    """Something about a patient that moves what is normal: pregnant, fasting, born early."""

    class Weeks(models.TextChoices):
        NONE = "none", "No weeks"
        RUNNING = "running", "Weeks that go on, such as of a pregnancy"
        FIXED = "fixed", "Weeks that stay, such as at birth"

    code = models.SlugField(max_length=20)
    name = models.CharField(max_length=60)
    weeks = models.CharField(max_length=8, choices=Weeks.choices, default=Weeks.NONE)
    rank = models.PositiveSmallIntegerField(default=100, help_text="Of two that apply, the lower one decides.")
    is_active = models.BooleanField(default=True)

    class Meta(EditableModel.Meta):
        ordering = ["rank", "name"]
        verbose_name = "condition"
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="lab_condition_code_once")]

    def __str__(self) -> str:
        return self.name


class PatientCondition(EditableModel):
    """That a condition is true for a patient, from one day to another. Weeks are those of the first day."""

    patient = TenantKey("clinical.Patient", related_name="lab_conditions")
    condition = TenantKey(LabCondition, related_name="patients")
    weeks = models.PositiveSmallIntegerField(null=True, blank=True)
    begins_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="The last day.")
    recorded_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )

    class Meta(EditableModel.Meta):
        ordering = ["-begins_on"]
        verbose_name = "condition of a patient"
        verbose_name_plural = "conditions of patients"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gte=models.F("begins_on")),
                name="condition_days_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.condition} since {self.begins_on}"

    def weeks_on(self, day: date) -> int | None:
        if self.weeks is None or self.condition.weeks != LabCondition.Weeks.RUNNING:
            return self.weeks
        return self.weeks + (day - self.begins_on).days // 7

    @classmethod
    @transaction.atomic
    def record(
        cls, patient: Patient, condition: LabCondition, weeks: int | None, begins_on: date, *, by: Person | None
    ) -> PatientCondition:
        """From this day on; what was known of the same condition before ends."""
        allow(ORDER, by)
        for former in cls.objects.filter(patient=patient, condition=condition, ends_on=None):
            former.ends_on = max(former.begins_on, begins_on - timedelta(days=1))
            former.save(update_fields=["ends_on"])
        counts = condition.weeks != LabCondition.Weeks.NONE
        made = cls(patient=patient, condition=condition, begins_on=begins_on, recorded_by=by)
        made.weeks = weeks if counts else None
        made.save(force_insert=True)
        return made

    def end(self, *, by: Person | None) -> None:
        allow(ORDER, by)
        self.lock()
        if self.ends_on is None:
            self.ends_on = max(self.begins_on, timezone.localdate())
            self.save(update_fields=["ends_on"])

    @classmethod
    def facts(cls, patient: Patient, at: datetime) -> dict[str, int | None]:
        """What is known to be true for the patient on that day: the code of each, and its weeks."""
        day = timezone.localdate(at)
        rows = cls.objects.filter(patient=patient, begins_on__lte=day).select_related("condition")
        valid = rows.filter(models.Q(ends_on=None) | models.Q(ends_on__gte=day)).order_by("begins_on")
        return {row.condition.code: row.weeks_on(day) for row in valid}


class RangeEdition(TenantModel):
    """All ranges of a test, as they are valid from a moment until the next edition's. A row never changes.

    Ranges without an edition are those that the laboratory began with, valid until the first edition.
    """

    test = TenantKey("clinical.LabTest", on_delete=models.CASCADE, related_name="editions")
    number = models.PositiveIntegerField()
    valid_from = models.DateTimeField()
    absolute_low = measure()
    absolute_high = measure()
    reason = models.CharField(max_length=200)
    made_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        ordering = ["test", "-number"]
        verbose_name = "edition of ranges"
        verbose_name_plural = "editions of ranges"
        constraints = [models.UniqueConstraint(fields=["tenant", "test", "number"], name="edition_number_once")]

    def __str__(self) -> str:
        return f"{self.test}, version {self.number}"

    @classmethod
    @transaction.atomic
    def make(
        cls,
        test: LabTest,
        rows: Iterable[Mapping[str, Any]],
        *,
        by: Person | None,
        valid_from: datetime,
        reason: str,
        possible: Limits,
        opened: int | None = None,
    ) -> RangeEdition:
        """The next edition. `opened` is the number that its maker began with: somebody else's in between is not lost."""
        allow(MANAGE, by)
        test.lock()
        last = test.editions.order_by("-number").first()
        if opened is not None and opened != (last.number if last else 0):
            raise Refused("Somebody saved another version of these ranges meanwhile. Open the page again, and compare.")
        if last and valid_from <= last.valid_from:
            raise Refused(
                f"Version {last.number} is valid from {timezone.localtime(last.valid_from):%-d %B %Y, %H:%M}. A new one begins later.",
                status=422,
                field="valid_from",
            )
        edition = cls(test=test, number=(last.number if last else 0) + 1, valid_from=valid_from, made_by=by)
        edition.reason, edition.absolute_low, edition.absolute_high = reason, possible.low, possible.high
        edition.save(force_insert=True)
        ReferenceRange.objects.bulk_create(
            ReferenceRange(tenant_id=test.tenant_id, test=test, edition=edition, **row) for row in rows
        )
        test.save(update_fields=["updated_at"])
        return edition


class WithCondition(TenantManager["ReferenceRange"]):
    def get_queryset(self) -> models.QuerySet[ReferenceRange]:
        return super().get_queryset().select_related("condition")


class ReferenceRange(EditableModel):
    """For one sex, ages and condition. Outside low and high is abnormal, outside the critical ones somebody is called."""

    class Sex(models.TextChoices):
        ANY = "any", "Any"
        FEMALE = "female", "Female"
        MALE = "male", "Male"

    test = TenantKey("clinical.LabTest", on_delete=models.CASCADE, related_name="ranges")
    edition = TenantKey(RangeEdition, on_delete=models.CASCADE, null=True, blank=True, related_name="ranges")
    sex = models.CharField(max_length=6, choices=Sex.choices, default=Sex.ANY)
    age_from_hours = models.PositiveIntegerField(default=0)
    age_to_hours = models.PositiveIntegerField(null=True, blank=True, help_text="Up to, not including.")
    condition = TenantKey(LabCondition, null=True, blank=True, related_name="ranges")
    weeks_from = models.PositiveSmallIntegerField(null=True, blank=True)
    weeks_to = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Up to, not including.")
    low = measure()
    high = measure()
    critical_low = measure()
    critical_high = measure()
    source = models.CharField(max_length=200, blank=True, default="")

    objects: ClassVar = WithCondition()

    class Meta(EditableModel.Meta):
        ordering = ["test", "condition__rank", "sex", "age_from_hours", "weeks_from"]
        verbose_name = "reference range"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "test", "edition", "sex", "age_from_hours", "condition", "weeks_from"],
                name="range_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(age_to_hours=None) | models.Q(age_to_hours__gt=models.F("age_from_hours")),
                name="range_ages_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(weeks_to=None) | models.Q(weeks_to__gt=Coalesce("weeks_from", 0)),
                name="range_weeks_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.test}, {self.get_sex_display().lower()}, from {self.age_from_hours} h"

    def fits(self, sex: str, hours: int | None, facts: Facts | None = None) -> bool:
        """Whether it may apply: an unknown sex, age or week excludes nothing; a condition must be known."""
        known_sexes = (self.Sex.FEMALE, self.Sex.MALE)
        if self.sex in known_sexes and sex in known_sexes and sex != self.sex:
            return False
        if not self._fits_facts(facts or {}):
            return False
        return hours is None or within(hours, self.age_from_hours, self.age_to_hours)

    def _fits_facts(self, facts: Facts) -> bool:
        if self.condition is None:
            return True
        if self.condition.code not in facts:
            return False
        weeks = facts[self.condition.code]
        return weeks is None or within(weeks, self.weeks_from or 0, self.weeks_to)


def within(number: int, start: int, end: int | None) -> bool:
    return start <= number and (end is None or number < end)


def nearest(rows: list[ReferenceRange], sex: str) -> list[ReferenceRange]:
    """Of those that fit: what is said about the strongest condition, and about the own sex, wins."""
    ranks = [row.condition.rank for row in rows if row.condition]
    if ranks:
        rows = [row for row in rows if row.condition and row.condition.rank == min(ranks)]
    return [row for row in rows if row.sex == sex] or rows


@raw()
def age_in_hours(patient: Patient, at: datetime) -> int | None:
    """Since the midnight that began the day of birth, where the hospital stands."""
    if patient.birth_date is None:
        return None
    born = datetime.combine(patient.birth_date, time(), tzinfo=current().tenant.zone)
    return max(0, (at - born) // timedelta(hours=1))
