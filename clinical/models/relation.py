"""Who belongs to whom, among the patients; and the coloured words by which they are marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from clinical.models.patient import Patient
from hospital.tenancy import EditableModel, TenantKey, TenantManager
from hospital.workflow import Refused, allow, needs

if TYPE_CHECKING:
    from hospital.models import Person

TAGS = "hospital.administer"


class Relations(models.QuerySet):
    def standing(self) -> Self:
        return self.filter(ended_at=None)

    def of(self, patient: Patient) -> Self:
        return self.filter(Q(patient=patient) | Q(other=patient)).select_related("patient", "other")


class PatientRelation(EditableModel):
    """`patient` is the `kind` of `other`: one row, and both pages say it, each in its own words."""

    class Kind(models.TextChoices):
        MOTHER = "mother", "Mother"
        FATHER = "father", "Father"
        PARENT = "parent", "Parent"
        CHILD = "child", "Child"
        SPOUSE = "spouse", "Spouse or partner"
        SIBLING = "sibling", "Brother or sister"
        GUARDIAN = "guardian", "Guardian"
        WARD = "ward", "Under guardianship"
        TWIN = "twin", "Twin"
        OTHER = "other", "Related"

    # What the other one is, seen from the first.
    BACK: ClassVar[dict[str, str]] = {
        Kind.MOTHER: Kind.CHILD,
        Kind.FATHER: Kind.CHILD,
        Kind.PARENT: Kind.CHILD,
        Kind.CHILD: Kind.PARENT,
        Kind.GUARDIAN: Kind.WARD,
        Kind.WARD: Kind.GUARDIAN,
    }

    patient = TenantKey("clinical.Patient", related_name="relations")
    other = TenantKey("clinical.Patient", related_name="relations_back", verbose_name="of")
    kind = models.CharField("is", max_length=8, choices=Kind.choices)
    note = models.CharField(max_length=200, blank=True)
    recorded_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    end_reason = models.CharField(max_length=200, blank=True, default="", editable=False)

    objects: ClassVar = TenantManager.from_queryset(Relations)()

    class Meta(EditableModel.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "patient", "other", "kind"], condition=Q(ended_at=None), name="relation_once"
            ),
            models.CheckConstraint(condition=~Q(patient=F("other")), name="relation_of_two"),
        ]
        indexes = [models.Index(fields=["tenant", "other"], name="relation_of_other")]

    def __str__(self) -> str:
        return f"{self.patient}, {self.get_kind_display().lower()} of {self.other}"

    def seen_from(self, patient: Patient) -> tuple[Patient, str]:
        """The other person, and what that one is to this patient."""
        if self.other_id == patient.pk:
            return self.patient, str(self.get_kind_display())
        return self.other, str(self.Kind(self.BACK.get(self.kind, self.kind)).label)

    @classmethod
    @transaction.atomic
    def record(cls, patient: Patient, other: Patient, kind: str, *, by: Person | None, note: str = "") -> Self:
        if patient.pk == other.pk:
            raise Refused("Nobody is related to themselves. Choose another patient.", status=422, field="other")
        if cls.objects.standing().filter(patient=patient, other=other, kind=kind).exists():
            raise Refused("This is recorded already.", status=422, field="other")
        row = cls(patient=patient, other=other, kind=kind, note=note.strip(), recorded_by=by)
        row.save(force_insert=True)
        row.tell()
        return row

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: str) -> None:
        self.lock()
        if self.ended_at is not None:
            raise Refused("This was ended already.")
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
        self.tell()

    @transaction.atomic
    def end(self, reason: str, *, by: Person | None) -> None:
        why = needs(reason, "Say why this no longer holds.")[:200]
        self.lock()
        if self.ended_at is not None:
            raise Refused("This was ended already.")
        self.ended_at, self.ended_by, self.end_reason = timezone.now(), by, why
        self.save(update_fields=["ended_at", "ended_by", "end_reason"])
        self.tell()

    def tell(self) -> None:
        for one in sorted((self.patient, self.other), key=lambda patient: patient.pk):
            one.touch()


class Tag(EditableModel):
    """A word by which patients are marked, with its colour."""

    class Tone(models.TextChoices):
        NEUTRAL = "neutral", "Grey"
        INFO = "info", "Blue"
        BUSY = "busy", "Violet"
        GOOD = "good", "Green"
        WARN = "warn", "Amber"
        BAD = "bad", "Red"

    name = models.CharField(max_length=30)
    tone = models.CharField("colour", max_length=10, choices=Tone.choices, default=Tone.INFO)
    is_active = models.BooleanField("offered", default=True)

    @classmethod
    def tones(cls) -> dict[str, str]:
        """The colour of each name; a word that is in no list is blue."""
        return dict(cls.objects.values_list("name", "tone"))

    @classmethod
    @transaction.atomic
    def add(cls, *, by: Person | None, **fields: str) -> Tag:
        allow(TAGS, by)
        tag = cls(**fields)
        tag.save(force_insert=True)
        return tag

    @transaction.atomic
    def change(self, *, by: Person | None, **fields: str) -> None:
        """Another name is another name on every patient who has it."""
        allow(TAGS, by)
        self.lock()
        before = self.name
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
        if self.name != before:
            for patient in Patient.objects.filter(tags__contains=[before], merged_into=None).order_by("pk"):
                patient.change(by=by, tags=[self.name if tag == before else tag for tag in patient.tags])

    class Meta(EditableModel.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="tag_once", violation_error_message="There is a tag of this name."
            )
        ]

    def __str__(self) -> str:
        return self.name
