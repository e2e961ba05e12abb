from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.dispatch import Signal
from django.urls import reverse
from django.utils import timezone

from clinical import days, phones
from clinical.models.restriction import Restrictable
from clinical.names import fold
from hospital.models import AuditEntry, Counter
from hospital.seals import raw
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, needs

if TYPE_CHECKING:
    from hospital.models import Person

# Sent inside the transaction with `instance` and `by`, so that whoever planned something for the patient calls it off.
died = Signal()
LETTERS = (
    "Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo", "Lima",
    "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform", "Victor", "Whiskey",
    "X-ray", "Yankee", "Zulu",
)  # fmt: skip


class Patients(models.QuerySet):
    def search(self, text: str) -> Self:
        """By name (typing errors forgiven), number, telephone, document, or date of birth in any common format."""
        from clinical.finding import search

        return search(self, text)


class Patient(Restrictable, EditableModel):
    """Somebody who is treated here. Never deleted: a record that was merged into another one points there."""

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
    deceased_estimated = models.BooleanField("the time of death is estimated", default=False)
    deceased_said_by = models.CharField("who says so", max_length=120, blank=True, default="")
    deceased_recorded_at = models.DateTimeField(null=True, editable=False)
    deceased_recorded_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    is_unidentified = models.BooleanField("not identified yet", default=False, editable=False)
    photo = models.CharField(max_length=200, blank=True, default="", editable=False, help_text="Where it is kept.")
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
    merged_into = TenantKey("self", null=True, editable=False, related_name="merged_from")
    formerly = models.TextField(
        editable=False,
        blank=True,
        default="",
        help_text="The search text of the records that were merged into this one.",
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
            models.Index(fields=["tenant", "id"], condition=models.Q(is_restricted=True), name="patient_restricted"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("clinical:patient", args=[self.pk])

    @raw()
    def _words_to_find_it_by(self) -> str:
        document = fold(self.document_number).replace(" ", "")
        return " " + " ".join(filter(None, (fold(self.name), self.phone.lstrip("+"), document, self.formerly)))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search = self._words_to_find_it_by()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "search"}
        super().save(*args, **kwargs)

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def knows_birth_date(self) -> bool:
        """An estimated one stands in the chart only: nobody can say it."""
        return self.birth_date is not None and not self.birth_date_estimated

    @property
    def number(self) -> str:
        return f"P-{self.mrn:06}"

    @property
    def address(self) -> str:
        town = f"{self.postal_code} {self.city}".strip()
        return ", ".join(filter(None, (self.line, town, self.state, self.country)))

    @property
    def current(self) -> Patient:
        """The record that stands for this person today: itself, or the one that it was merged into."""
        found = self
        while found.merged_into is not None:
            found = found.merged_into
        return found

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
        patient.flag_duplicates()
        return patient

    def flag_duplicates(self) -> None:
        """For the worklist. The number is taken already, so all who were registered before are seen."""
        from clinical.likeness import Description, duplicates
        from clinical.models.duplicate import PossibleDuplicate

        if self.is_unidentified or self.is_restricted:
            return
        for other, score, reasons in duplicates(Description.of(self), self):
            PossibleDuplicate.flag(self, other, score, reasons, found=PossibleDuplicate.Found.REGISTRATION)

    @classmethod
    @transaction.atomic
    def register_unknown(cls, *, by: Person | None, **fields: Any) -> Patient:
        """Somebody who cannot say who they are, under a name of the day: Unknown Kilo 3."""
        today = days.today()
        letter = LETTERS[today.toordinal() % len(LETTERS)]
        number = Counter.take(f"unknown {today.isoformat()}")
        name = {"given_name": "Unknown", "family_name": f"{letter} {number}"}
        return cls.register(by=by, is_unidentified=True, **name, **fields)

    @transaction.atomic
    def record_death(self, at: datetime, *, by: Person | None, said_by: str, estimated: bool = False) -> None:
        """What is planned for the patient ends: see the receivers of `died`. Papers, results and bills go on."""
        who = needs(said_by, "Write who says that the patient has died.", field="said_by")[:120]
        if at > timezone.now():
            raise Refused("This time is still to come.", status=422, field="at")
        self.lock()
        if self.deceased_at is not None:
            raise Refused("The death is recorded already. Take it back first if it was wrong.")
        self.change(
            by=by,
            deceased_at=at,
            deceased_estimated=estimated,
            deceased_said_by=who,
            deceased_recorded_at=timezone.now(),
            deceased_recorded_by=by,
        )
        died.send(type(self), instance=self, by=by)

    @transaction.atomic
    def undo_death(self, reason: str, *, by: Person | None) -> None:
        """A mistake. The audit keeps why; what was cancelled stays cancelled."""
        why = needs(reason, "Say why this is taken back.")
        self.lock()
        if self.deceased_at is None:
            raise Refused("No death is recorded.")
        nothing = {"deceased_recorded_at": None, "deceased_recorded_by": None}
        self.change(by=by, deceased_at=None, deceased_estimated=False, deceased_said_by="", **nothing)
        table, detail = self._meta.db_table, {"reason": why}
        AuditEntry.note("death taken back", table=table, row_id=self.pk, patient_id=self.pk, detail=detail)

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: Any) -> None:
        if "phone" in fields:
            fields["phone"] = phones.normalise(fields["phone"])
        self.lock()
        if self.merged_into_id is not None:
            raise Refused(f"{self.number} was merged into {self.current.number}. Change the details there.")
        if self.is_unidentified and {"given_name", "family_name"} & fields.keys():
            fields["is_unidentified"] = False
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
        email: str = "",
    ) -> list[tuple[Patient, int, list[str]]]:
        """Who this may already be: patient, score from 0 to 100, and the reasons. The most alike first."""
        from clinical.likeness import Description, duplicates

        return duplicates(Description(given_name, family_name, birth_date, phone, document_number, email), exclude)
