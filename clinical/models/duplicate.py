"""Pairs of records that may be one person. A person decides; nothing is ever merged by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from clinical.models.patient import Patient
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Moves, Workflow

if TYPE_CHECKING:
    from hospital.models import Person

MERGE = "clinical.merge_patients"


class Pairs(models.QuerySet):
    def open(self) -> Self:
        return self.filter(status=PossibleDuplicate.Status.OPEN)

    def of(self, patient: Patient) -> Self:
        return self.filter(Q(one=patient) | Q(other=patient))

    def shown(self) -> Self:
        return self.select_related("one", "other", "decided_by")


class PossibleDuplicate(Workflow):
    """Two records that are alike, and what became of the question. Each pair is asked about once."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DIFFERENT = "different", "Different persons"
        MERGED = "merged", "Merged"

    class Found(models.TextChoices):
        REGISTRATION = "registration", "At registration"
        SWEEP = "sweep", "By the search through all"

    MOVES: Moves = {
        Status.OPEN: {Status.DIFFERENT: MERGE, Status.MERGED: SYSTEM},
        Status.DIFFERENT: {Status.OPEN: MERGE, Status.MERGED: SYSTEM},
        Status.MERGED: {Status.OPEN: SYSTEM},
    }

    one = TenantKey("clinical.Patient", related_name="+", editable=False)
    other = TenantKey("clinical.Patient", related_name="+", editable=False)
    score = models.PositiveSmallIntegerField(editable=False)
    reasons = ArrayField(models.CharField(max_length=80), default=list, editable=False)
    found = models.CharField(max_length=12, choices=Found.choices, editable=False)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN, editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by = models.ForeignKey(
        "hospital.Person", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects: ClassVar = TenantManager.from_queryset(Pairs)()

    class Meta(Workflow.Meta):
        ordering = ["-score", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "one", "other"], name="pair_once"),
            models.CheckConstraint(condition=Q(one__lt=models.F("other")), name="pair_in_order"),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "-score", "id"], name="pair_by_status"),
            models.Index(fields=["tenant", "other"], name="pair_of_other"),
        ]

    def __str__(self) -> str:
        return f"{self.one.number} and {self.other.number}"

    def get_absolute_url(self) -> str:
        return reverse("clinical:duplicates")

    @property
    def rank(self) -> str:
        """Text that sorts the most alike first."""
        return f"{100 - self.score:03} {self.pk}"

    @classmethod
    @transaction.atomic
    def flag(cls, a: Patient, b: Patient, score: int, reasons: list[str], *, found: str) -> PossibleDuplicate | None:
        """A new pair, or nothing if somebody was asked about it before."""
        one, other = sorted((a, b), key=lambda patient: patient.pk)
        if cls.objects.filter(one=one, other=other).exists():
            return None
        pair = cls(one=one, other=other, score=score, reasons=reasons, found=found)
        pair.start(by=None)
        return pair

    @transaction.atomic
    def dismiss(self, *, by: Person | None) -> None:
        """Two persons: never asked again."""
        self.move_to(self.Status.DIFFERENT, by=by, decided_at=timezone.now(), decided_by=by)

    @transaction.atomic
    def reopen(self, *, by: Person | None) -> None:
        self.move_to(self.Status.OPEN, by=by, decided_at=None, decided_by=None)

    @classmethod
    def settle_merge(cls, source: Patient, survivor: Patient, *, by: Person | None) -> None:
        """With the source gone, no question about it is left. Those about others are asked again of the survivor."""
        for pair in cls.objects.of(source).exclude(status=cls.Status.MERGED).order_by("pk"):
            if pair.status == cls.Status.OPEN or {pair.one_id, pair.other_id} == {source.pk, survivor.pk}:
                pair.move_to(cls.Status.MERGED, by=None, decided_at=timezone.now(), decided_by=by)

    @classmethod
    def reopen_merged(cls, source: Patient, survivor: Patient) -> None:
        """An undone merge leaves the question open, and those that ended with it."""
        for pair in cls.objects.of(source).filter(status=cls.Status.MERGED).order_by("pk"):
            partner: Any = pair.other if pair.one_id == source.pk else pair.one
            if partner.pk == survivor.pk or partner.merged_into_id is None:
                pair.move_to(cls.Status.OPEN, by=None, decided_at=None, decided_by=None)
