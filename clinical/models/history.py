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

from clinical.models.of_chart import (
    DIGEST,
    FHIR_ID,
    LABEL,
    MISTAKE,
    NO_KNOWN_ALLERGY,
    SAID,
    UNTRUE,
    Coded,
    Known,
    Recorded,
    Verification,
    of_patient,
    once,
)
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused

if TYPE_CHECKING:
    from clinical.models.patient import Patient
    from hospital.models import Person

SNOMED = "http://snomed.info/sct"
PRICE_LIST = "price list"  # the system of codes by which what was done here is charged


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


class OutsideEncounter(Coded):
    """A meeting with a provider elsewhere, as an imported record tells it. Ours are visits, with encounters of their own."""

    patient = TenantKey("clinical.Patient", related_name="outside_encounters")
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
    practitioner = TenantKey(Practitioner, null=True, related_name="outside_encounters")
    organisation = TenantKey(Organisation, null=True, related_name="outside_encounters")

    class Meta(Coded.Meta):
        constraints = [once("outside_encounter")]
        indexes = [of_patient("outside_encounter", "started_at")]


class Allergy(Recorded, EditableModel):
    """What the patient must not get; or the fact that the patient was asked, and knows of nothing."""

    ENDED: ClassVar = {"clinical_status": "resolved"}
    MISTAKEN: ClassVar = {"verification": MISTAKE}

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
    reaction = models.TextField(blank=True, default="", help_text="The reactions in words.")
    reactions = models.JSONField(default=list, blank=True, help_text="Each with a manifestation and a severity.")
    allergen_class = models.CharField(
        "class", max_length=30, blank=True, default="", help_text="A group whose members are all meant."
    )
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

    @property
    def is_current(self) -> bool:
        return self.clinical_status == "active" and self.verification not in UNTRUE

    @property
    def is_none_known(self) -> bool:
        return self.code == NO_KNOWN_ALLERGY

    @classmethod
    @transaction.atomic
    def record(cls, patient: Patient, *, by: Person | None, **fields: Any) -> Self:
        """A first allergy ends the word that there is none."""
        patient.lock()
        for row in cls.objects.none_known().filter(patient=patient):
            row.end(by=by, because=f"An allergy became known: {fields['substance']}.")
        return super().record(patient, by=by, **fields)

    @classmethod
    @transaction.atomic
    def none_is_known(cls, patient: Patient, *, by: Person | None) -> Self:
        """The patient was asked, and knows of none. Asked again, the newest answer counts."""
        patient.lock()
        if cls.objects.active().filter(patient=patient).exists():
            raise Refused("Allergies are recorded. End them first, if they are no longer true.")
        word = {"code": NO_KNOWN_ALLERGY, "system": SNOMED, "verification": Verification.CONFIRMED}
        return cls.record(patient, by=by, substance="No known allergies", **word)


class Problem(Recorded, Coded):
    """A condition that the patient has, or had."""

    ENDED: ClassVar = {"clinical_status": "resolved"}
    MISTAKEN: ClassVar = {"verification": MISTAKE}
    END_DAY: ClassVar = "abated"

    class ClinicalStatus(models.TextChoices):
        ACTIVE = "active", "Active"
        RECURRENCE = "recurrence", "Recurrence"
        RELAPSE = "relapse", "Relapse"
        INACTIVE = "inactive", "Inactive"
        REMISSION = "remission", "Remission"
        RESOLVED = "resolved", "Resolved"

    class Severity(models.TextChoices):
        MILD = "mild", "Mild"
        MODERATE = "moderate", "Moderate"
        SEVERE = "severe", "Severe"

    patient = TenantKey("clinical.Patient", related_name="problems")
    clinical_status = models.CharField(max_length=12, choices=ClinicalStatus.choices, default=ClinicalStatus.ACTIVE)
    verification = models.CharField(max_length=20, choices=Verification.choices, default=Verification.CONFIRMED)
    severity = models.CharField(max_length=8, choices=Severity.choices, blank=True, default="")
    rank = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="1 is what matters most; without a number it stands below."
    )
    onset_at = models.DateTimeField(null=True, blank=True)
    onset_said = models.CharField(**SAID)
    abated_at = models.DateTimeField(null=True, blank=True)
    abated_said = models.CharField(**SAID)
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_said = models.CharField(**SAID)
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    encounter = TenantKey(OutsideEncounter, null=True, blank=True, related_name="problems", editable=False)
    fhir_digest = models.CharField(**DIGEST)

    objects: ClassVar = TenantManager.from_queryset(Known)()

    class Meta(Coded.Meta):
        ordering = [models.F("rank").asc(nulls_last=True), "-onset_at", "text"]
        constraints = [once("problem")]
        indexes = [of_patient("problem", "onset_at")]

    @property
    def is_current(self) -> bool:
        return self.clinical_status in ("active", "recurrence", "relapse") and self.verification not in UNTRUE


class Immunization(Recorded, Coded):
    """A vaccine that was given, or not, and then why."""

    patient = TenantKey("clinical.Patient", related_name="immunizations")
    status = models.CharField(max_length=20, default="completed")
    status_reason = models.CharField(**LABEL)
    occurred_at = models.DateTimeField(null=True)
    occurred_said = models.CharField(**{**SAID, "max_length": 255})
    lot = models.CharField(max_length=60, blank=True, default="")
    dose = models.CharField("dose number", max_length=60, blank=True, default="")
    site = models.CharField(**LABEL)
    route = models.CharField(**LABEL)
    given_by = models.CharField(max_length=120, blank=True, default="", help_text="Who gave it, here or elsewhere.")
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    encounter = TenantKey(OutsideEncounter, null=True, related_name="immunizations", editable=False)

    class Meta(Coded.Meta):
        ordering = ["-occurred_at", "text"]
        constraints = [once("immunization")]
        indexes = [of_patient("immunization", "occurred_at")]

    @property
    def is_current(self) -> bool:
        return self.status != MISTAKE

    @property
    def is_refused(self) -> bool:
        return self.status == "not-done"


class Procedure(Recorded, Coded):
    """What was done to the patient: here, then perhaps with the code by which it is charged, or elsewhere."""

    patient = TenantKey("clinical.Patient", related_name="procedures")
    status = models.CharField(max_length=20, default="completed")
    performed_at = models.DateTimeField(null=True)
    performed_said = models.CharField(**{**SAID, "max_length": 255})
    ended_at = models.DateTimeField(null=True)
    ended_said = models.CharField(**SAID)
    reason = models.TextField(blank=True, default="")
    outcome = models.TextField(blank=True, default="")
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    encounter = TenantKey(OutsideEncounter, null=True, related_name="procedures", editable=False)

    class Meta(Coded.Meta):
        ordering = ["-performed_at", "text"]
        constraints = [once("procedure")]
        indexes = [of_patient("procedure", "performed_at")]

    @property
    def is_current(self) -> bool:
        return self.status != MISTAKE

    @property
    def charged_as(self) -> str:
        """The code, if it was done here and is charged. What a record brought is history, whatever it says."""
        done_here = self.system == PRICE_LIST and not self.fhir_id and self.status == "completed"
        return self.code if done_here else ""


class Report(Coded):
    """A diagnostic report from elsewhere: it gathers observations, which it names by their FHIR ids."""

    patient = TenantKey("clinical.Patient", related_name="reports")
    category = models.CharField(**LABEL)
    status = models.CharField(max_length=20, default="final")
    effective_at = models.DateTimeField(null=True)
    effective_said = models.CharField(**SAID)
    conclusion = models.TextField(blank=True, default="")
    results = ArrayField(models.CharField(max_length=255), default=list)
    encounter = TenantKey(OutsideEncounter, null=True, related_name="reports")

    class Meta(Coded.Meta):
        ordering = ["-effective_at", "text"]
        constraints = [once("report")]
        indexes = [of_patient("report", "effective_at")]
