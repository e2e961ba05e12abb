"""What the rows of a chart have in common: a name with a code, a time as exactly as it is known, and what colleagues may do.

A row is recorded, changed, ended, or taken back as a mistake. It is never deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.utils import timezone

from hospital.tenancy import EditableModel
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from datetime import datetime

    from clinical.models.patient import Patient
    from hospital.models import Person

EDIT = "clinical.edit_chart"
MISTAKE = "entered-in-error"
# The fact that somebody asked and there is none: SNOMED CT, “No known allergy”.
NO_KNOWN_ALLERGY = "716186003"
FHIR_ID: dict[str, Any] = {"max_length": 255, "blank": True, "default": "", "editable": False}
SAID: dict[str, Any] = {"max_length": 40, "blank": True, "default": "", "editable": False}
LABEL: dict[str, Any] = {"max_length": 255, "blank": True, "default": ""}
# Of what an import last wrote: while the record stays the same, what colleagues changed here stays too.
DIGEST: dict[str, Any] = {"max_length": 64, "blank": True, "default": "", "editable": False}
UNTRUE = ("refuted", MISTAKE)


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

    def standing(self) -> Known:
        return self.true().filter(clinical_status__in=("active", "recurrence", "relapse"))

    def active(self) -> Known:
        """Without the word that there is none."""
        return self.standing().exclude(code=NO_KNOWN_ALLERGY)

    def none_known(self) -> Known:
        return self.standing().filter(code=NO_KNOWN_ALLERGY)


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


class Recorded(OfChart):
    """A row that ends, or was a mistake: then it stays, with the reason."""

    # What ends it, and what takes it back; the third is where the day of the end stands, if it has one.
    ENDED: ClassVar[dict[str, str]] = {}
    MISTAKEN: ClassVar[dict[str, str]] = {"status": MISTAKE}
    END_DAY: ClassVar[str] = ""

    note = models.TextField(blank=True, default="")
    closed_because = models.TextField("why it ended, or was a mistake", blank=True, default="", editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    closed_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        def lock(self) -> None: ...

        @property
        def is_current(self) -> bool: ...

    @property
    def is_mistake(self) -> bool:
        return all(getattr(self, name) == value for name, value in self.MISTAKEN.items())

    @classmethod
    @transaction.atomic
    def record(cls, patient: Patient, *, by: Person | None, **fields: Any) -> Self:
        allow(EDIT, by)
        return super().record(patient, by=by, **fields)

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: Any) -> None:
        allow(EDIT, by)
        self.lock()  # whoever waited for a colleague counts the versions on from there
        self.refuse_mistake()
        super().change(by=by, **fields)

    @transaction.atomic
    def end(self, *, by: Person | None, because: str = "", on: tuple[datetime, str] | None = None) -> None:
        allow(EDIT, by)
        self.lock()
        self.refuse_mistake()
        if not self.is_current:
            raise Refused("This has ended already. The list shows it among the past ones.")
        day = {f"{self.END_DAY}_at": on[0], f"{self.END_DAY}_said": on[1]} if on and self.END_DAY else {}
        self._close(by, because, **self.ENDED, **day)

    @transaction.atomic
    def take_back(self, *, by: Person | None, because: str) -> None:
        """It was entered by mistake: it counts no more, and stays to be read."""
        allow(EDIT, by)
        self.lock()
        self.refuse_mistake()
        self._close(by, because, **self.MISTAKEN)

    def refuse_mistake(self) -> None:
        if self.is_mistake:
            raise Refused("This was marked as a mistake and cannot be changed any more. Record it anew.")

    def _close(self, by: Person | None, because: str, **fields: Any) -> None:
        super().change(by=by, **fields, closed_because=because, closed_by=by, closed_at=timezone.now())
