"""Who is away, and who stands in: alerts follow the cover at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models import F, Func, Q
from django.utils import timezone

from hospital.models.people import Person
from hospital.tenancy import EditableModel, TenantManager
from hospital.workflow import Refused

OVERLAPS = "This person is already away in a part of that time. End the other absence first, or choose other times."

# Beyond the calendar's ends lie moments that the database knows and Python cannot read.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
YEARS = "Choose a day between the years 2000 and 2200."
SANE = [MinValueValidator(EARLIEST, YEARS), MaxValueValidator(LATEST, YEARS)]


class Span(Func):
    function = "tstzrange"
    output_field = DateTimeRangeField()


class Absences(models.QuerySet):
    def at(self, moment: datetime) -> Absences:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=moment), ended_at=None, begins_at__lte=moment)

    def not_over(self, moment: datetime) -> Absences:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=moment), ended_at=None)


class Absence(EditableModel):
    """A person is away from one moment to another, or until further notice. Ended early, the row stays for the history."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    begins_at = models.DateTimeField("away from", default=timezone.now, validators=SANE)
    ends_at = models.DateTimeField(
        "until", null=True, blank=True, help_text="Empty: until further notice.", validators=SANE
    )
    covered_by = models.ForeignKey(
        Person,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="covered by",
        help_text="Somebody in the same role. Without a cover, alerts go to all colleagues in the role.",
    )
    declared_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = TenantManager.from_queryset(Absences)()

    class Meta(EditableModel.Meta):
        ordering = ["begins_at"]
        constraints = [
            ExclusionConstraint(
                name="absence_overlaps",
                expressions=[
                    ("tenant", RangeOperators.EQUAL),
                    ("person", RangeOperators.EQUAL),
                    (Span("begins_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(ended_at=None),
                violation_error_message=OVERLAPS,
            ),
            models.CheckConstraint(
                name="absence_ends_after_it_begins",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("begins_at")),
                violation_error_message="The end must be after the beginning.",
            ),
            models.CheckConstraint(
                name="absence_in_years_that_can_be_read",
                condition=Q(begins_at__range=(EARLIEST, LATEST))
                & (Q(ends_at=None) | Q(ends_at__range=(EARLIEST, LATEST))),
                violation_error_message=YEARS,
            ),
            models.CheckConstraint(
                name="absence_is_covered_by_another",
                condition=Q(covered_by=None) | ~Q(covered_by=F("person")),
                violation_error_message="Nobody covers for themselves.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} away from {self.begins_at:%Y-%m-%d %H:%M}"

    def validate_constraints(self, exclude: Any = None) -> None:
        """With every field: Django fails on an exclusion whose condition names one that a form leaves out."""
        if not {"begins_at", "ends_at"} & {*(exclude or ())}:
            super().validate_constraints()

    @classmethod
    def away(cls, people: Iterable[UUID | None], moment: datetime) -> dict[UUID, UUID | None]:
        """Those of these people who are away then, each with the cover."""
        return dict(cls.objects.at(moment).filter(person__in=people).values_list("person_id", "covered_by_id"))

    def declare(self, *, by: Person | None) -> None:
        """Of two that overlap and come at once, the second is refused."""
        self.declared_by = by
        try:
            with transaction.atomic():
                self.save(force_insert=True)
        except IntegrityError as error:
            if "absence_overlaps" not in str(error):
                raise
            raise Refused(OVERLAPS) from error

    @transaction.atomic
    def end(self) -> None:
        self.lock()
        if self.ended_at or (self.ends_at and self.ends_at <= timezone.now()):
            raise Refused("This absence is over already.")
        self.ended_at = timezone.now()
        self.save(update_fields=["ended_at"])
