"""A patient's life before and beside our own visits: what is known, what was given, what was done, and by whom.

Rows come from people (allergies, problems) and from imported records. A date is stored twice where a record may know
only its year or month: `…_at` is the beginning of that time in UTC, for order; `…_said` is the text as it was given,
with its precision and its zone. `fhir_id` is the identity in the record that a row came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone

from hospital.tenancy import EditableModel, TenantKey, TenantManager

if TYPE_CHECKING:
    from clinical.models.patient import Patient
    from hospital.models import Person

FHIR_ID: dict[str, Any] = {"max_length": 255, "blank": True, "default": "", "editable": False}
SAID: dict[str, Any] = {"max_length": 40, "blank": True, "default": "", "editable": False}
LABEL: dict[str, Any] = {"max_length": 255, "blank": True, "default": ""}
# Of what an import last wrote: while the record stays the same, what colleagues changed here stays too.
DIGEST: dict[str, Any] = {"max_length": 64, "blank": True, "default": "", "editable": False}
UNTRUE = ("refuted", "entered-in-error")


def once(name: str) -> models.UniqueConstraint:
    """One row for each record of the source."""
    return models.UniqueConstraint(
        fields=["tenant", "fhir_id"], condition=~models.Q(fhir_id=""), name=f"{name}_fhir_id_once"
    )


def of_patient(name: str, order: str) -> models.Index:
    return models.Index(fields=["tenant", "patient", f"-{order}"], name=f"{name}_of_patient")


class Coded(EditableModel):
    """Something with a name, and mostly a code of a code system."""

    code = models.CharField(**LABEL)
    system = models.CharField(**LABEL)
    text = models.TextField()
    fhir_id = models.CharField(**FHIR_ID)

    class Meta(EditableModel.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.text


class Known(models.QuerySet):
    def true(self) -> Known:
        """Without what was refuted or entered by mistake."""
        return self.exclude(verification__in=UNTRUE)

    def active(self) -> Known:
        return self.true().filter(clinical_status__in=("active", "recurrence", "relapse"))


class OfChart(models.Model):
    """What colleagues record in a chart, and correct: the patient's row tells the screens."""

    patient: Any

    class Meta:
        abstract = True

    @classmethod
    @transaction.atomic
    def record(cls, patient: Patient, *, by: Person | None, **fields: Any) -> Self:
        row = cls(patient=patient, recorded_by=by, **fields)
        row.save(force_insert=True)
        patient.touch()
        return row

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
        self.patient.touch()


class Verification(models.TextChoices):
    UNCONFIRMED = "unconfirmed", "Unconfirmed"
    PROVISIONAL = "provisional", "Provisional"
    DIFFERENTIAL = "differential", "Differential"
    PRESUMED = "presumed", "Presumed"
    CONFIRMED = "confirmed", "Confirmed"
    REFUTED = "refuted", "Refuted"
    MISTAKE = "entered-in-error", "Entered by mistake"


class Elsewhere(EditableModel):
    """Somebody or some house outside, as a record names it."""

    name = models.CharField(max_length=255)
    identifiers = ArrayField(models.CharField(max_length=255), default=list, help_text="As “system|value”.")
    phone = models.CharField(max_length=60, blank=True, default="")
    address = models.TextField(blank=True, default="")
    is_active = models.BooleanField(default=True)
    fhir_id = models.CharField(**FHIR_ID)

    class Meta(EditableModel.Meta):
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Organisation(Elsewhere):
    """Who provided care elsewhere."""

    kind = models.CharField(**LABEL)

    class Meta(Elsewhere.Meta):
        abstract = False
        constraints = [once("organisation")]


class Practitioner(Elsewhere):
    """Somebody who cared for a patient elsewhere; not a person who logs in here."""

    sex = models.CharField(max_length=10, blank=True, default="")

    class Meta(Elsewhere.Meta):
        abstract = False
        constraints = [once("practitioner")]


class PatientIdentifier(EditableModel):
    """A number by which somebody else knows the patient: a record number, a licence, a passport."""

    patient = TenantKey("clinical.Patient", related_name="identifiers")
    system = models.CharField(**LABEL)
    value = models.CharField(max_length=255)
    kind = models.CharField(max_length=20, blank=True, default="", help_text="Code of HL7 table 0203: MR, SS, DL, PPN…")
    text = models.CharField(**LABEL)

    class Meta(EditableModel.Meta):
        ordering = ["text", "value"]
        constraints = [models.UniqueConstraint(fields=["tenant", "patient", "system", "value"], name="identifier_once")]
        indexes = [models.Index(fields=["tenant", "value"], name="identifier_value")]

    def __str__(self) -> str:
        return self.value


class PatientContact(EditableModel):
    """Whom to call about the patient."""

    patient = TenantKey("clinical.Patient", related_name="contacts")
    relationship = models.CharField(**LABEL)
    name = models.CharField(**LABEL)
    phone = models.CharField(max_length=60, blank=True, default="")
    email = models.CharField(**LABEL)
    address = models.TextField(blank=True, default="")

    class Meta(EditableModel.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "patient", "relationship", "name"], name="contact_once")
        ]

    def __str__(self) -> str:
        return self.name or self.relationship


class Encounter(Coded):
    """A meeting with a provider elsewhere, as an imported record tells it. Ours are visits."""

    patient = TenantKey("clinical.Patient", related_name="encounters")
    kind = models.CharField(
        max_length=20, blank=True, default="", help_text="Code of HL7 ActEncounterCode: AMB, EMER, IMP…"
    )
    status = models.CharField(max_length=20, default="finished")
    started_at = models.DateTimeField(null=True)
    started_said = models.CharField(**SAID)
    ended_at = models.DateTimeField(null=True)
    ended_said = models.CharField(**SAID)
    reason = models.TextField(blank=True, default="")
    disposition = models.CharField(**LABEL)
    practitioner = TenantKey(Practitioner, null=True, related_name="encounters")
    organisation = TenantKey(Organisation, null=True, related_name="encounters")

    class Meta(Coded.Meta):
        constraints = [once("encounter")]
        indexes = [of_patient("encounter", "started_at")]


class Allergy(OfChart, EditableModel):
    """What the patient must not get."""

    class Category(models.TextChoices):
        FOOD = "food", "Food"
        MEDICATION = "medication", "Medication"
        ENVIRONMENT = "environment", "Environment"
        BIOLOGIC = "biologic", "Biologic"
        OTHER = "other", "Other"

    class Criticality(models.TextChoices):
        LOW = "low", "Low risk"
        HIGH = "high", "High risk"
        UNKNOWN = "unknown", "Risk unknown"

    class ClinicalStatus(models.TextChoices):
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"
        RESOLVED = "resolved", "Resolved"

    patient = TenantKey("clinical.Patient", related_name="allergies")
    substance = models.CharField(max_length=255)
    code = models.CharField(**LABEL)
    system = models.CharField(**LABEL)
    category = models.CharField(max_length=12, choices=Category.choices, default=Category.OTHER)
    criticality = models.CharField(max_length=8, choices=Criticality.choices, default=Criticality.UNKNOWN)
    reaction = models.TextField(blank=True, default="")
    clinical_status = models.CharField(max_length=10, choices=ClinicalStatus.choices, default=ClinicalStatus.ACTIVE)
    verification = models.CharField(max_length=20, choices=Verification.choices, default=Verification.UNCONFIRMED)
    onset_at = models.DateTimeField(null=True, blank=True)
    onset_said = models.CharField(**SAID)
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_said = models.CharField(**SAID)
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    fhir_id = models.CharField(**FHIR_ID)
    fhir_digest = models.CharField(**DIGEST)

    objects: ClassVar = TenantManager.from_queryset(Known)()

    class Meta(EditableModel.Meta):
        verbose_name_plural = "allergies"
        ordering = ["substance"]
        constraints = [once("allergy")]
        indexes = [of_patient("allergy", "recorded_at")]

    def __str__(self) -> str:
        return self.substance


class Problem(OfChart, Coded):
    """A condition that the patient has, or had."""

    class ClinicalStatus(models.TextChoices):
        ACTIVE = "active", "Active"
        RECURRENCE = "recurrence", "Recurrence"
        RELAPSE = "relapse", "Relapse"
        INACTIVE = "inactive", "Inactive"
        REMISSION = "remission", "Remission"
        RESOLVED = "resolved", "Resolved"

    patient = TenantKey("clinical.Patient", related_name="problems")
    clinical_status = models.CharField(max_length=12, choices=ClinicalStatus.choices, default=ClinicalStatus.ACTIVE)
    verification = models.CharField(max_length=20, choices=Verification.choices, default=Verification.CONFIRMED)
    onset_at = models.DateTimeField(null=True, blank=True)
    onset_said = models.CharField(**SAID)
    abated_at = models.DateTimeField(null=True, blank=True)
    abated_said = models.CharField(**SAID)
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_said = models.CharField(**SAID)
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    encounter = TenantKey(Encounter, null=True, blank=True, related_name="problems", editable=False)
    fhir_digest = models.CharField(**DIGEST)

    objects: ClassVar = TenantManager.from_queryset(Known)()

    class Meta(Coded.Meta):
        ordering = ["-onset_at", "text"]
        constraints = [once("problem")]
        indexes = [of_patient("problem", "onset_at")]


class MedicationStatement(Coded):
    """A medicine that somebody else prescribed, or that the patient says to take."""

    patient = TenantKey("clinical.Patient", related_name="medication_statements")
    status = models.CharField(max_length=20, default="unknown")
    intent = models.CharField(max_length=20, blank=True, default="")
    dosage = models.TextField(blank=True, default="")
    as_needed = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    authored_at = models.DateTimeField(null=True)
    authored_said = models.CharField(**SAID)
    encounter = TenantKey(Encounter, null=True, related_name="medication_statements")
    practitioner = TenantKey(Practitioner, null=True, related_name="medication_statements")

    class Meta(Coded.Meta):
        ordering = ["-authored_at", "text"]
        constraints = [once("medication_statement")]
        indexes = [of_patient("medication", "authored_at")]

    @property
    def is_active(self) -> bool:
        return self.status in ("active", "on-hold")


class Immunization(Coded):
    """A vaccine that was given, or not, and then why."""

    patient = TenantKey("clinical.Patient", related_name="immunizations")
    status = models.CharField(max_length=20, default="completed")
    status_reason = models.CharField(**LABEL)
    occurred_at = models.DateTimeField(null=True)
    occurred_said = models.CharField(**{**SAID, "max_length": 255})
    lot = models.CharField(max_length=60, blank=True, default="")
    dose = models.CharField(max_length=60, blank=True, default="")
    site = models.CharField(**LABEL)
    encounter = TenantKey(Encounter, null=True, related_name="immunizations")

    class Meta(Coded.Meta):
        ordering = ["-occurred_at", "text"]
        constraints = [once("immunization")]
        indexes = [of_patient("immunization", "occurred_at")]


class Procedure(Coded):
    """What was done to the patient elsewhere."""

    patient = TenantKey("clinical.Patient", related_name="procedures")
    status = models.CharField(max_length=20, default="completed")
    performed_at = models.DateTimeField(null=True)
    performed_said = models.CharField(**{**SAID, "max_length": 255})
    ended_at = models.DateTimeField(null=True)
    ended_said = models.CharField(**SAID)
    reason = models.TextField(blank=True, default="")
    outcome = models.TextField(blank=True, default="")
    encounter = TenantKey(Encounter, null=True, related_name="procedures")

    class Meta(Coded.Meta):
        ordering = ["-performed_at", "text"]
        constraints = [once("procedure")]
        indexes = [of_patient("procedure", "performed_at")]


class Report(Coded):
    """A diagnostic report from elsewhere: it gathers observations, which it names by their FHIR ids."""

    patient = TenantKey("clinical.Patient", related_name="reports")
    category = models.CharField(**LABEL)
    status = models.CharField(max_length=20, default="final")
    effective_at = models.DateTimeField(null=True)
    effective_said = models.CharField(**SAID)
    conclusion = models.TextField(blank=True, default="")
    results = ArrayField(models.CharField(max_length=255), default=list)
    encounter = TenantKey(Encounter, null=True, related_name="reports")

    class Meta(Coded.Meta):
        ordering = ["-effective_at", "text"]
        constraints = [once("report")]
        indexes = [of_patient("report", "effective_at")]
