"""What this laboratory can measure, and what is normal for whom."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models

from clinical.measure import Limits, Measured, NotANumber, in_words, read_number
from hospital.context import current
from hospital.tenancy import EditableModel, TenantKey
from hospital.workflow import Refused

if TYPE_CHECKING:
    from clinical.models import Patient


def measure(help_text: str = "") -> models.DecimalField[Decimal | None, Decimal | None]:
    """A column for a measured value or a limit of it."""
    return models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True, help_text=help_text)


class Specimen(models.TextChoices):
    SERUM = "serum", "Serum"
    PLASMA = "plasma", "Plasma"
    BLOOD = "blood", "Whole blood"
    URINE = "urine", "Urine"
    STOOL = "stool", "Stool"
    SWAB = "swab", "Swab"
    SPUTUM = "sputum", "Sputum"
    TISSUE = "tissue", "Tissue"
    OTHER = "other", "Other"
    NONE = "none", "No specimen"


class LabTest(EditableModel):
    """Something that this laboratory can measure. `options` of a coded test: code, label, abnormal, critical."""

    class Kind(models.TextChoices):
        NUMERIC = "numeric", "Number"
        CODED = "coded", "One of several answers"
        TEXT = "text", "Text"
        FILE = "file", "File"

    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    group = models.CharField(max_length=60, help_text="The heading under which the test is ordered.")
    loinc = models.CharField("LOINC", max_length=20, blank=True, default="")
    specimen = models.CharField(max_length=10, choices=Specimen.choices, default=Specimen.SERUM)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.NUMERIC)
    unit = models.CharField(max_length=30, blank=True, default="", help_text="In UCUM, such as mmol/L.")
    decimals = models.PositiveSmallIntegerField(default=0)
    options = models.JSONField(default=list, blank=True)
    absolute_low = measure("A smaller value is a typing error, and is refused.")
    absolute_high = measure("A greater value is a typing error, and is refused.")
    is_active = models.BooleanField(default=True)

    class Meta(EditableModel.Meta):
        ordering = ["group", "name"]
        verbose_name = "test"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="lab_test_code_once"),
            models.CheckConstraint(condition=models.Q(decimals__lte=4), name="lab_test_decimals"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.kind == self.Kind.CODED and not self.options:
            raise ValidationError({"options": "A test with several answers needs to say which."})
        if not isinstance(self.options, list) or not all(is_option(option) for option in self.options):
            sentence = 'Write a list, such as [{"code": "positive", "label": "Positive", "abnormal": true}].'
            raise ValidationError({"options": sentence})

    @property
    def unit_shown(self) -> str:
        return in_words(self.unit)

    def option(self, code: str) -> dict | None:
        return next((option for option in self.options if option["code"] == code), None)

    def limits_for(self, patient: Patient, at: datetime) -> Limits:
        """The limits that may apply to the patient at that time; those of the own sex win over those of any.

        An unknown age or sex cannot narrow: then only what is outside every range is flagged.
        """
        hours = age_in_hours(patient, at)
        fitting = [row for row in self.ranges.all() if row.fits(patient.sex, hours)]
        own = [row for row in fitting if row.sex == patient.sex]
        return Limits.around(own or fitting)

    def read(self, text: str) -> Measured:
        """The number that was typed, unless it cannot be one of this test. What is refused is never half true."""
        try:
            measured = read_number(text)
        except NotANumber:
            raise self._refusal(
                f"“{text.strip()[:40]}” is not a number. Write {self} as 4.1, or as <0.1 or >100 beyond what is measured."
            ) from None
        if measured.decimals > self.decimals:
            places = {0: "without decimals", 1: "with one decimal"}.get(self.decimals, f"with {self.decimals} decimals")
            raise self._refusal(f"{self} is written {places}, and {measured} has {measured.decimals}.")
        if self.is_absurd(measured.number):
            possible = Limits(self.absolute_low, self.absolute_high).words
            raise self._refusal(
                f"{self} cannot be {measured} {self.unit_shown}: possible is {possible}. Check the decimal point and the unit."
            )
        return measured

    def is_absurd(self, number: Decimal) -> bool:
        low, high = self.absolute_low, self.absolute_high
        return (low is not None and number < low) or (high is not None and number > high)

    @staticmethod
    def _refusal(sentence: str) -> Refused:
        return Refused(sentence, status=422, field="value")


def is_option(option: object) -> bool:
    return isinstance(option, dict) and all(
        isinstance(option.get(name), str) and option[name] for name in ("code", "label")
    )


class ReferenceRange(EditableModel):
    class Sex(models.TextChoices):
        ANY = "any", "Any"
        FEMALE = "female", "Female"
        MALE = "male", "Male"

    test = TenantKey(LabTest, on_delete=models.CASCADE, related_name="ranges")
    sex = models.CharField(max_length=6, choices=Sex.choices, default=Sex.ANY)
    age_from_hours = models.PositiveIntegerField(default=0)
    age_to_hours = models.PositiveIntegerField(null=True, blank=True, help_text="Up to, not including.")
    low = measure()
    high = measure()
    critical_low = measure()
    critical_high = measure()
    source = models.CharField(max_length=200, blank=True, default="")

    class Meta(EditableModel.Meta):
        ordering = ["test", "sex", "age_from_hours"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "test", "sex", "age_from_hours"], name="range_once"),
            models.CheckConstraint(
                condition=models.Q(age_to_hours=None) | models.Q(age_to_hours__gt=models.F("age_from_hours")),
                name="range_ages_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.test}, {self.get_sex_display().lower()}, from {self.age_from_hours} h"

    def fits(self, sex: str, hours: int | None) -> bool:
        """Whether it may apply: an unknown sex or age excludes nothing."""
        known_sexes = (self.Sex.FEMALE, self.Sex.MALE)
        if self.sex in known_sexes and sex in known_sexes and sex != self.sex:
            return False
        return hours is None or (
            self.age_from_hours <= hours and (self.age_to_hours is None or hours < self.age_to_hours)
        )


def age_in_hours(patient: Patient, at: datetime) -> int | None:
    """Since the midnight that began the day of birth, where the hospital stands."""
    if patient.birth_date is None:
        return None
    born = datetime.combine(patient.birth_date, time(), tzinfo=current().tenant.zone)
    return max(0, (at - born) // timedelta(hours=1))
