"""What this laboratory can measure, and what is normal for whom."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from clinical import ucum
from clinical.measure import Limits, Measured, NotANumber, in_words, read_number
from clinical.models.lab_range import Facts, RangeEdition, age_in_hours, measure, nearest
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey
from hospital.workflow import Refused

if TYPE_CHECKING:
    from uuid import UUID

    from clinical.models import Patient


class Material(models.TextChoices):
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
    specimen = models.CharField(max_length=10, choices=Material.choices, default=Material.SERUM)
    specimen_type = TenantKey(
        "clinical.SpecimenType", null=True, blank=True, related_name="tests", verbose_name="tube or container"
    )
    bench = models.CharField(max_length=40, blank=True, default="", help_text="Where it is measured.")
    minutes_routine = models.PositiveIntegerField("minutes, routine", default=240)
    minutes_urgent = models.PositiveIntegerField("minutes, urgent", default=120)
    minutes_stat = models.PositiveIntegerField("minutes, stat", default=60)
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
        if not ucum.is_unit(self.unit):
            raise ValidationError(
                {"unit": f"“{self.unit}” is no unit of UCUM that is known here. Write mmol/L, 10*3/uL or [IU]/L."}
            )
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

    @classmethod
    def by_code(cls, code: str) -> LabTest | None:
        """The test with this code of ours, or this LOINC; of several with one LOINC, the one that is offered."""
        text = code.strip()
        own = cls.objects.filter(code__iexact=text).first()
        return own or (cls.objects.filter(loinc=text).order_by("-is_active", "code").first() if text else None)

    def target_minutes(self, priority: str) -> int:
        """How long it may take from the order to the release."""
        return int(getattr(self, f"minutes_{priority}"))

    def edition_at(self, at: datetime) -> RangeEdition | None:
        """The version of the ranges that was valid then; None before the first."""
        editions = [edition for edition in self.editions.all() if edition.valid_from <= at]
        return max(editions, key=lambda edition: edition.number, default=None)

    @raw()
    def limits_for(self, patient: Patient, at: datetime, facts: Facts | None = None) -> Limits:
        """The limits that may apply to the patient at that time; what is said about the condition and the own sex wins.

        An unknown age or sex cannot narrow: then only what is outside every range is flagged.
        """
        edition = self.edition_at(at)
        return self.limits_in(edition.pk if edition else None, patient.sex, age_in_hours(patient, at), facts or {})

    def limits_in(self, edition_id: UUID | None, sex: str, hours: int | None, facts: Facts) -> Limits:
        rows = [row for row in self.ranges.all() if row.edition_id == edition_id and row.fits(sex, hours, facts)]
        return Limits.around(nearest(rows, sex))

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
            raise self._refusal(
                f"{self} cannot be {measured} {self.unit_shown}: possible is {self.possible.words}. Check the decimal point and the unit."
            )
        return measured

    @property
    def possible(self) -> Limits:
        """Beyond these it is a typing error: as the version of the ranges says that is valid now."""
        said = self.edition_at(timezone.now()) or self
        return Limits(said.absolute_low, said.absolute_high)

    def is_absurd(self, number: Decimal) -> bool:
        low, high = self.possible.low, self.possible.high
        return (low is not None and number < low) or (high is not None and number > high)

    @staticmethod
    def _refusal(sentence: str) -> Refused:
        return Refused(sentence, status=422, field="value")


def is_option(option: object) -> bool:
    return isinstance(option, dict) and all(
        isinstance(option.get(name), str) and option[name] for name in ("code", "label")
    )
