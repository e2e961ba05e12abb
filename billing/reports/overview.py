"""The first look: what came in, who came, how long they waited."""

from __future__ import annotations

from django.db.models import Count

from billing.models import JournalLine
from billing.reports import patients, performance, revenue, visits
from billing.reports.sums import RECEIVED, total
from clinical.models import Patient, QueuePlace, Visit
from clinical.reports.parts import Figure, Report, minutes
from clinical.reports.period import Period


def report(period: Period) -> Report:
    daily = period.by_day(Visit.objects.all(), "registered_at", Count("pk"))
    money = period.by_day(JournalLine.objects.money(), "entry__at", RECEIVED)
    registered = period.by_day(Patient.objects.all(), "created_at", Count("pk"))
    ends, stay, steps = visits.by_status(period), visits.stays(period), performance.by_step(period)
    first = steps[QueuePlace.Queue.EXAMINATION]
    figures = [
        visits.count_figure(period, daily),
        patients.registered_figure("Patients registered", period, registered),
        Figure(
            "Received",
            total(money(period)),
            "money",
            total(money(period.before)),
            icon="cash",
        ),
        Figure(
            "Wait for examination",
            minutes(first["wait"]),
            "minutes",
            minutes(first["former_wait"]),
            better="down",
            icon="hourglass",
            note="median",
        ),
        visits.stay_figure(stay, "median"),
        visits.gone_figure(period, daily, ends),
    ]
    return Report(
        figures,
        [
            visits.by_day(period, daily),
            revenue.daily_table(period, money),
            performance.step_table(steps),
            visits.status_table(ends),
        ],
    )
