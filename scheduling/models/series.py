"""Appointments that come again: the rule, and the days that it gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from dateutil.rrule import MONTHLY, WEEKLY, rrule
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse

from hospital.tenancy import EditableModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clinical.models import Patient
    from hospital.models import Person
    from scheduling.models.appointment import Appointment
    from scheduling.models.provider import AppointmentType, Provider

MOST = 60


class Series(EditableModel):
    """Every so many weeks or months, on the weekday or day of the month of the first one."""

    class Every(models.TextChoices):
        WEEK = "week", "Weeks"
        MONTH = "month", "Months"

    unit = models.CharField(max_length=5, choices=Every.choices, default=Every.WEEK)
    interval = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(12)])
    times = models.PositiveSmallIntegerField(
        "how many times", default=4, validators=[MinValueValidator(2), MaxValueValidator(MOST)]
    )

    class Meta(EditableModel.Meta):
        ordering = ["-created_at"]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        every = self.unit if self.interval == 1 else f"{self.interval} {self.unit}s"
        return f"Every {every}, {self.times} times"

    def get_absolute_url(self) -> str:
        return reverse("scheduling:series", args=[self.pk])

    def days(self, first: date) -> list[date]:
        """The days, beginning with the first. A month without such a day has its last one instead."""
        return list(self._days(first))

    def _days(self, first: date) -> Iterator[date]:
        if self.unit == self.Every.WEEK:
            rule = rrule(WEEKLY, dtstart=first, interval=self.interval, count=self.times)
        else:
            # Of the days up to the wanted one, the last that the month has: RFC 5545, BYSETPOS.
            wanted = range(min(first.day, 28), first.day + 1)
            rule = rrule(
                MONTHLY,
                dtstart=first.replace(day=1),
                interval=self.interval,
                count=self.times,
                bymonthday=tuple(wanted),
                bysetpos=-1,
            )
        return (moment.date() for moment in rule)

    @transaction.atomic
    def book(
        self,
        patient: Patient,
        type: AppointmentType,
        provider: Provider,
        times: Iterable[datetime],
        *,
        by: Person | None,
        **fields: Any,
    ) -> list[Appointment]:
        """All of them or none."""
        from scheduling.models.appointment import Appointment

        self.save(force_insert=True)
        return [Appointment.book(patient, type, provider, at, by=by, series=self, **fields) for at in times]

    @transaction.atomic
    def move(
        self, moves: Iterable[tuple[Appointment, datetime]], *, by: Person | None, provider: Provider, reason: str = ""
    ) -> list[Appointment]:
        """Each to its new time, all or none. All give up theirs first, since one may come to where another was."""
        from scheduling.models.booking import hold_together

        moves = list(moves)
        hold_together(provider, *(row.provider for row, _ in moves), *(row.patient for row, _ in moves))
        for row, _ in moves:
            row.give_up(reason, by=by)
        made = [row.begin_again(at, by=by, provider=provider) for row, at in moves]
        for row, _ in moves:
            row.offer_time()
        return made

    @transaction.atomic
    def cancel(self, rows: Iterable[Appointment], reason: str, *, by: Person | None) -> None:
        from scheduling.models.booking import hold_together

        rows = list(rows)
        hold_together(*(row.provider for row in rows), *(row.patient for row in rows))
        for row in rows:
            row.cancel(reason, by=by)

    def to_come(self, since: Appointment | None = None) -> list[Appointment]:
        """Those that are booked still: all, or from this one on."""
        rows = self.appointments.filter(status="booked").shown().order_by("begins_at")
        return list(rows.filter(begins_at__gte=since.begins_at) if since else rows)
