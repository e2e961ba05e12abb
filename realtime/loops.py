"""Alerts that nobody has acknowledged."""

from __future__ import annotations

from django.db.models import Case, DateTimeField, F, Q, When
from django.urls import reverse

from hospital.http import ActingPerson
from hospital.loops import Line, Loop
from realtime.alerts.models import ACKNOWLEDGE, Alert, Step


def waits_for(acting: ActingPerson) -> Q:
    return Q(addressed__contains=[acting.person.pk])


def line(alert: Alert, acting: ActingPerson) -> Line:
    whose = alert.answers.name if alert.answers else ""
    reached = f"Reached: {alert.get_step_display().lower()}"
    return Line(alert.title_for(acting.role), reverse("alerts:alert", args=[alert.pk]), whose=whose, note=reached)


LOOPS = (
    Loop(
        "alerts",
        "Alerts not acknowledged",
        "alert-hexagon",
        ACKNOWLEDGE,
        lambda acting: Alert.objects.open().for_role(acting.role),
        since=F("raised_at"),
        # overdue as soon as it climbs beyond the person whose it is
        due=Case(
            When(step=Step.PERSON, next_at__isnull=False, then=F("next_at")),
            default=F("raised_at"),
            output_field=DateTimeField(),
        ),
        line=line,
        on=("alert:listed", "alert:changed"),
        mine=waits_for,
        joins=("answers",),
    ),
)
