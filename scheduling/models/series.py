"""Appointments that come again: the rule, and the days that it gives."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dateutil.rrule import MONTHLY, WEEKLY, rrule
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from hospital.tenancy import EditableModel

if TYPE_CHECKING:
    from collections.abc import Iterator

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
