from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.urls import reverse

from clinical import phones
from clinical.names import fold
from hospital.models import Counter
from hospital.tenancy import EditableModel, TenantManager

if TYPE_CHECKING:
    from hospital.models import Person


class Patients(models.QuerySet):
    def search(self, text: str) -> Self:
        """By name (typing errors forgiven), number, telephone, document, or date of birth in any common format."""
        from clinical.finding import search

        return search(self, text)


class Patient(EditableModel):
    """Somebody who is treated here. Never deleted."""

    class Sex(models.TextChoices):
        FEMALE = "female", "Female"
        MALE = "male", "Male"
        OTHER = "other", "Other"
        UNKNOWN = "unknown", "Unknown"

    mrn = models.PositiveBigIntegerField("number", editable=False)
    given_name = models.CharField("given names", max_length=120, blank=True)
    family_name = models.CharField(max_length=120, blank=True)
    sex = models.CharField(max_length=10, choices=Sex.choices, default=Sex.UNKNOWN)
    birth_date = models.DateField("date of birth", null=True, blank=True)
    birth_date_estimated = models.BooleanField("date of birth is estimated", default=False)
    deceased_at = models.DateTimeField("died", null=True, blank=True)
    phone = models.CharField("telephone", max_length=20, blank=True)
    email = models.EmailField("e-mail", blank=True)
    line = models.CharField("street and house", max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField("state or region", max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=60, blank=True)
    document_number = models.CharField("identity document", max_length=60, blank=True)
    tags = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    fhir_id = models.CharField(max_length=255, blank=True, editable=False)
    fhir_digest = models.CharField(max_length=64, blank=True, editable=False, help_text="Of what an import last wrote.")
    search = models.TextField(
        editable=False, help_text="Folded names, telephone and document; see clinical.names.fold."
    )

    objects: ClassVar = TenantManager.from_queryset(Patients)()

    class Meta(EditableModel.Meta):
        ordering = ["family_name", "given_name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "mrn"], name="patient_mrn_once"),
            models.UniqueConstraint(
                fields=["tenant", "fhir_id"], condition=~models.Q(fhir_id=""), name="patient_fhir_id_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(given_name="", family_name=""),
                name="patient_has_a_name",
                violation_error_message="Write one name at least.",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "family_name", "given_name", "id"], name="patient_by_name"),
            models.Index(fields=["tenant", "birth_date"], name="patient_by_birth_date"),
            models.Index(fields=["tenant", "phone"], name="patient_by_phone"),
            models.Index(fields=["tenant", "document_number"], name="patient_by_document"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("clinical:patient", args=[self.pk])

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search = " " + " ".join(
            filter(None, (fold(self.name), self.phone.lstrip("+"), fold(self.document_number).replace(" ", "")))
        )
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "search"}
        super().save(*args, **kwargs)

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def number(self) -> str:
        return f"P-{self.mrn:06}"

    @property
    def address(self) -> str:
        town = f"{self.postal_code} {self.city}".strip()
        return ", ".join(filter(None, (self.line, town, self.state, self.country)))

    @property
    def phone_as_written(self) -> str:
        return phones.pretty(self.phone)

    @classmethod
    @transaction.atomic
    def register(cls, *, by: Person | None, **fields: Any) -> Patient:
        """A new patient with the next number. The telephone is normalised; a wrong one raises ValidationError."""
        patient = cls(**fields)
        patient.phone = phones.normalise(patient.phone)
        patient.mrn = Counter.take("patient")
        patient.save(force_insert=True)
        return patient

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: Any) -> None:
        if "phone" in fields:
            fields["phone"] = phones.normalise(fields["phone"])
        self.lock()
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    @transaction.atomic
    def touch(self) -> None:
        """Something below the patient changed that is shown with the patient, an allergy for example."""
        self.lock()
        self.save(update_fields=[])

    @classmethod
    def duplicates_of(
        cls,
        given_name: str = "",
        family_name: str = "",
        birth_date: date | None = None,
        phone: str = "",
        document_number: str = "",
        exclude: Patient | None = None,
    ) -> list[tuple[Patient, int, list[str]]]:
        """Who this may already be: patient, score from 0 to 100, and the reasons. The most alike first."""
        from clinical.finding import Description, duplicates

        return duplicates(Description(given_name, family_name, birth_date, phone, document_number), exclude)
