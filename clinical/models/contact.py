"""Whom to call about a patient, and by which numbers others know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from clinical import phones
from clinical.models.of_chart import LABEL
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, needs

if TYPE_CHECKING:
    from clinical.models.patient import Patient
    from hospital.models import Person


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


class Contacts(models.QuerySet):
    def standing(self) -> Contacts:
        return self.filter(ended_at=None)


class PatientContact(EditableModel):
    """Whom to call about the patient, and who may be told."""

    class Kind(models.TextChoices):
        NEXT_OF_KIN = "next_of_kin", "Next of kin"
        EMERGENCY = "emergency", "Emergency contact"
        GUARDIAN = "guardian", "Guardian"
        CARER = "carer", "Carer"
        OTHER = "other", "Contact"

    patient = TenantKey("clinical.Patient", related_name="contacts")
    kind = models.CharField(max_length=11, choices=Kind.choices, default=Kind.OTHER)
    relationship = models.CharField("relation", **LABEL, help_text="Such as: mother, neighbour, lawyer.")
    name = models.CharField(**LABEL)
    phone = models.CharField("telephone", max_length=60, blank=True, default="")
    email = models.CharField("e-mail", **LABEL)
    address = models.TextField(blank=True, default="")
    may_be_told = models.BooleanField(
        "may be told", default=False, help_text="The patient agrees that this person learns about their health."
    )
    note = models.CharField(max_length=200, blank=True, default="")
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    end_reason = models.CharField(max_length=200, blank=True, default="", editable=False)

    objects: ClassVar = TenantManager.from_queryset(Contacts)()

    class Meta(EditableModel.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "patient", "relationship", "name"], name="contact_once")
        ]
        indexes = [models.Index(fields=["tenant", "phone"], name="contact_phone")]

    def __str__(self) -> str:
        return self.name or self.relationship

    @property
    def phone_as_written(self) -> str:
        return phones.pretty(self.phone)

    @classmethod
    @transaction.atomic
    def record(cls, patient: Patient, *, by: Person | None, **fields: Any) -> PatientContact:
        row = cls(patient=patient, **fields)
        row.save(force_insert=True)
        patient.touch()
        return row

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: Any) -> None:
        self.lock()
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
        self.patient.touch()

    @transaction.atomic
    def end(self, reason: str, *, by: Person | None) -> None:
        """No longer to be called. The row stays, with who said so."""
        why = needs(reason, "Say why this person is no longer a contact.")[:200]
        self.lock()
        if self.ended_at is not None:
            raise Refused("This contact was ended already.")
        self.change(by=by, ended_at=timezone.now(), ended_by=by, end_reason=why)
