"""What the doctor found, coded in ICD-10-CM, and what the doctor has written so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from clinical.models.code import Icd10Code
from hospital.context import current
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, allow

if TYPE_CHECKING:
    from clinical.models.visit import Visit
    from hospital.models import Person


class Diagnoses(models.QuerySet):
    def standing(self) -> Diagnoses:
        """Those that were not taken back."""
        return self.filter(withdrawn_at=None)


class Diagnosis(EditableModel):
    class Certainty(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        SUSPECTED = "suspected", "Suspected"
        RULED_OUT = "ruled_out", "Ruled out"

    visit = TenantKey("clinical.Visit", related_name="diagnoses")
    patient = TenantKey("clinical.Patient", related_name="diagnoses")
    code = models.CharField(max_length=10)
    title = models.CharField(max_length=250)
    certainty = models.CharField(max_length=10, choices=Certainty.choices, default=Certainty.CONFIRMED)
    is_primary = models.BooleanField(default=False)
    note = models.TextField(blank=True, default="")
    recorded_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(default=timezone.now)
    withdrawn_by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    objects: ClassVar = TenantManager.from_queryset(Diagnoses)()

    class Meta(EditableModel.Meta):
        verbose_name_plural = "diagnoses"
        ordering = ["-is_primary", "recorded_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "visit", "code"], condition=models.Q(withdrawn_at=None), name="diagnosis_code_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "visit"],
                condition=models.Q(is_primary=True, withdrawn_at=None),
                name="diagnosis_primary_once",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "patient", "-recorded_at"], name="diagnosis_of_patient")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @classmethod
    @transaction.atomic
    def record(cls, visit: Visit, diagnoses: list[dict[str, Any]], *, by: Person | None) -> list[Diagnosis]:
        """Make these the visit's diagnoses. Each has `code`, and may have `certainty`, `is_primary`, `note`.

        One that is no longer among them is taken back, not deleted. Called by `Visit.diagnose`, which holds the visit.
        """
        allow("clinical.diagnose", by)
        wanted = {entry["code"]: entry for entry in with_titles(with_one_primary(diagnoses))}
        kept = {row.code: row for row in cls.objects.standing().filter(visit=visit)}
        for code in kept.keys() - wanted.keys():
            kept.pop(code).withdraw(by=by)
        former_first = sorted(wanted.values(), key=lambda entry: entry["is_primary"])
        return [cls._put(visit, kept.get(entry["code"]), entry, by) for entry in former_first]

    @classmethod
    def _put(cls, visit: Visit, row: Diagnosis | None, entry: dict[str, Any], by: Person | None) -> Diagnosis:
        if row is None:
            return cls.objects.create(visit=visit, patient_id=visit.patient_id, recorded_by=by, **entry)
        changed = [name for name, value in entry.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, entry[name])
        if changed:
            row.save(update_fields=changed)
        return row

    def withdraw(self, *, by: Person | None) -> None:
        self.withdrawn_by, self.withdrawn_at = by, timezone.now()
        self.save(update_fields=["withdrawn_by", "withdrawn_at"])


def with_one_primary(diagnoses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Exactly one is the primary one; the first is, if nobody says so. What is ruled out cannot be."""
    if not diagnoses:
        raise Refused("Record at least one diagnosis.", status=422, field="code")
    codes = [entry["code"] for entry in diagnoses]
    if twice := next((code for code in codes if codes.count(code) > 1), ""):
        raise Refused(f"{twice} is there twice. Remove one of them.", status=422, field="code")
    possible = [entry for entry in diagnoses if entry.get("certainty") != Diagnosis.Certainty.RULED_OUT]
    chosen = next((entry for entry in possible if entry.get("is_primary")), possible[0] if possible else diagnoses[0])
    return [
        {
            "code": entry["code"],
            "certainty": entry.get("certainty") or Diagnosis.Certainty.CONFIRMED,
            "note": entry.get("note", ""),
            "is_primary": entry is chosen,
        }
        for entry in diagnoses
    ]


def with_titles(diagnoses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The title comes from the classification as it is now, and stays with the diagnosis."""
    known = Icd10Code.objects.in_bulk([entry["code"] for entry in diagnoses])
    for entry in diagnoses:
        code = known.get(entry["code"])
        if code is None:
            raise Refused(f"{entry['code']} is not a code of ICD-10-CM.", status=422, field="code")
        if not code.billable:
            raise Refused(f"{code} is a group of diagnoses. Choose one inside it.", status=422, field="code")
    return [{**entry, "title": known[entry["code"]].title} for entry in diagnoses]


class ConsultationDraft(EditableModel):
    """What a doctor typed on the consultation page and did not sign yet: the fields of the form, as they stood."""

    visit = TenantKey("clinical.Visit", related_name="consultation_drafts")
    person = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, related_name="+")
    fields = models.JSONField(default=dict)

    class Meta(EditableModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "visit", "person"], name="consultation_draft_once")]

    def __str__(self) -> str:
        return f"Draft of {self.person}"

    @classmethod
    def keep(cls, visit: Visit, fields: dict[str, Any], *, by: Person) -> ConsultationDraft:
        draft, _ = cls.objects.update_or_create(visit=visit, person=by, defaults={"fields": fields})
        return draft

    @classmethod
    def of(cls, visit: Visit) -> ConsultationDraft | None:
        """The draft of the acting person: nobody sees what somebody else has not signed."""
        return cls.objects.filter(visit=visit, person=current().person).first()
