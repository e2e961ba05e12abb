from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction
from django.utils import timezone

from clinical import vitals as signs
from clinical.measure import Measured
from clinical.models.of_chart import EDIT, MISTAKE, Recorded
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import allow

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from clinical.models.patient import Patient
    from hospital.models import Person


class Examination(EditableModel):
    """What the checker doctor heard and found; its vital signs are Observations. One per visit."""

    visit = TenantKey("clinical.Visit", related_name="examinations")
    patient = TenantKey("clinical.Patient", related_name="examinations")
    symptoms = models.TextField(blank=True)
    findings = models.TextField(blank=True)
    examined_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    examined_at = models.DateTimeField(default=timezone.now)

    class Meta(EditableModel.Meta):
        ordering = ["-examined_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "visit"], name="examination_once_a_visit")]

    def __str__(self) -> str:
        return f"Examination of {self.visit}"

    @property
    def vitals(self) -> dict[str, Decimal]:
        """The measured values by LOINC code."""
        rows = self.observations.true().filter(category=Observation.Category.VITAL_SIGNS)
        return {
            row.code: row.value_number for row in rows if row.code in signs.BY_CODE and row.value_number is not None
        }

    @transaction.atomic
    def amend(self, *, by: Person | None, symptoms: str, findings: str, vitals: dict[str, Decimal | None]) -> None:
        """Correct what was written; a vital sign without a value is taken away."""
        self.symptoms, self.findings = symptoms, findings
        self.save(update_fields=["symptoms", "findings"])
        self.measure(vitals, by=by)
        self.visit.touch()

    def measure(self, values: dict[str, Decimal | None], *, by: Person | None) -> None:
        """Make these, by LOINC code, the vital signs of this examination; the body mass index follows from them."""
        values = {**self.vitals, **values}
        values[signs.BMI.code] = signs.body_mass_index(values.get("29463-7"), values.get("8302-2"))
        known = {row.code: row for row in self.observations.true().filter(category=Observation.Category.VITAL_SIGNS)}
        for code, value in values.items():
            if value is not None:
                self._put(known.get(code), signs.BY_CODE[code], value, by)
            elif code in known:
                known[code].delete()

    def _put(self, row: Observation | None, vital: signs.Vital, value: Decimal, by: Person | None) -> None:
        if row is not None and row.value_number == value:
            return
        if row is None:
            row = Observation(patient_id=self.patient_id, visit_id=self.visit_id, examination=self, code=vital.code)
            row.category, row.effective_at = Observation.Category.VITAL_SIGNS, self.examined_at
            row.text, row.unit = vital.label, vital.unit
        row.recorded_by = by
        row.judge(value, vital, self.patient, self.examined_at)
        row.save()


class Observations(models.QuerySet):
    def true(self) -> Observations:
        """Without what was entered by mistake."""
        return self.exclude(status=MISTAKE)


class Observation(Recorded, EditableModel):
    """Something measured or observed about a patient, at a time, with a code.

    It keeps the range that it was judged by.
    """

    class Category(models.TextChoices):
        VITAL_SIGNS = "vital-signs", "Vital signs"
        LABORATORY = "laboratory", "Laboratory"
        SURVEY = "survey", "Survey"
        SOCIAL_HISTORY = "social-history", "Social history"
        IMAGING = "imaging", "Imaging"
        EXAM = "exam", "Examination"
        OTHER = "other", "Other"

    class Flag(models.TextChoices):
        LOW = "low", "Low"
        HIGH = "high", "High"
        CRITICAL_LOW = "critical_low", "Critical low"
        CRITICAL_HIGH = "critical_high", "Critical high"
        ABNORMAL = "abnormal", "Abnormal"

    patient = TenantKey("clinical.Patient", related_name="observations")
    visit = TenantKey("clinical.Visit", null=True, blank=True, related_name="observations")
    examination = TenantKey("clinical.Examination", null=True, blank=True, related_name="observations")
    parent = TenantKey("self", null=True, blank=True, related_name="parts")
    category = models.CharField(max_length=20, choices=Category.choices, default=Category.OTHER)
    code = models.CharField(max_length=40, blank=True, help_text="LOINC")
    text = models.CharField(max_length=255)
    value_number = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    unit = models.CharField(max_length=40, blank=True, help_text="UCUM")
    value_code = models.CharField(max_length=40, blank=True)
    value_text = models.TextField(blank=True)
    flag = models.CharField(max_length=15, choices=Flag.choices, blank=True)
    status = models.CharField(max_length=20, default="final", editable=False)
    low = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    high = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    effective_at = models.DateTimeField()
    effective_said = models.CharField(
        max_length=40, blank=True, editable=False, help_text="As an imported record gave it."
    )
    recorded_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    fhir_id = models.CharField(max_length=255, blank=True, editable=False)

    objects: ClassVar = TenantManager.from_queryset(Observations)()

    class Meta(EditableModel.Meta):
        ordering = ["-effective_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "fhir_id"], condition=~models.Q(fhir_id=""), name="observation_fhir_id_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "patient", "code", "-effective_at"], name="observation_course"),
            models.Index(fields=["tenant", "patient", "category", "-effective_at"], name="observation_by_category"),
        ]

    def __str__(self) -> str:
        return f"{self.text}: {self.value}"

    def judge(self, value: Decimal, vital: signs.Vital, patient: Patient, at: datetime) -> None:
        """The value with its flag, and the limits that it was judged by."""
        limits = vital.limits(patient, at)
        self.value_number, self.low, self.high = value, limits.low, limits.high
        self.flag = limits.flag(Measured(value))

    @classmethod
    @transaction.atomic
    def take_vitals(
        cls, patient: Patient, values: dict[str, Decimal], *, by: Person | None, at: datetime, note: str = ""
    ) -> list[Observation]:
        """Vital signs outside an examination, by LOINC code; the body mass index follows from weight and height."""
        allow(EDIT, by)
        index = signs.body_mass_index(values.get("29463-7"), values.get("8302-2"))
        rows = []
        for code, value in (values | ({signs.BMI.code: index} if index else {})).items():
            vital = signs.BY_CODE[code]
            row = cls(patient=patient, code=code, text=vital.label, unit=vital.unit, effective_at=at, note=note)
            row.category, row.recorded_by = cls.Category.VITAL_SIGNS, by
            row.judge(value, vital, patient, at)
            row.save(force_insert=True)
            rows.append(row)
        patient.touch()
        return rows

    @property
    def is_current(self) -> bool:
        return not self.is_mistake

    @property
    def value(self) -> str:
        """The value in words, without its unit."""
        if self.value_number is not None:
            return f"{self.value_number.normalize():f}"
        return self.value_text or self.value_code
