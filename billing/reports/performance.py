"""How long each step takes, and what each person did."""

from __future__ import annotations

from typing import Any

from django.db.models import Aggregate, Count, F, Q, QuerySet

from billing.models import Payment
from clinical.models import Diagnosis, Examination, LabOrder, QueuePlace, StockMove, Visit
from clinical.reports.parts import Column, Figure, Report, Table, minutes
from clinical.reports.period import Period
from hospital.models import Person
from hospital.plots import Bars, Series
from hospital.spans import Median, Slowest, span

MINUTES = "minutes"
STAGES = (
    ("Collect", "ordered_at", "collected_at"),
    ("Bring to the laboratory", "collected_at", "received_at"),
    ("Measure", "received_at", "resulted_at"),
    ("Release", "resulted_at", "released_at"),
)
STEP_COLUMNS = (
    Column("Step"),
    Column("Patients", "number"),
    Column("Median wait", MINUTES),
    Column("Nine of ten", MINUTES),
    Column("Wait before", MINUTES),
    Column("With the patient", MINUTES),
)


def report(period: Period) -> Report:
    steps = by_step(period)
    turnaround = laboratory(period)
    figures = [
        *(
            Figure(
                f"Wait for {label.lower()}",
                minutes(steps[queue]["wait"]),
                MINUTES,
                minutes(steps[queue]["former_wait"]),
                better="down",
                icon="hourglass",
            )
            for queue, label in QueuePlace.Queue.choices
        ),
        Figure(
            "Test, from order to release",
            minutes(turnaround["whole"]),
            MINUTES,
            minutes(turnaround["former"]),
            better="down",
            icon="flask",
        ),
    ]
    return Report(figures, [step_table(steps), stage_table(turnaround), test_table(period), people_table(period)])


def waits(period: Period) -> dict[str, Any]:
    """What one query says about places in queues. A place that was undone is no waiting."""
    now, before = period.has("entered_at"), period.before.has("entered_at")
    wait, work = span("entered_at", "called_at"), span("called_at", "ended_at")
    return {
        "count": Count("pk", filter=now),
        "wait": Median(wait, filter=now),
        "slowest": Slowest(wait, filter=now),
        "former_wait": Median(wait, filter=before),
        "work": Median(work, filter=now),
    }


def places(period: Period) -> QuerySet:
    return QueuePlace.objects.filter(period.has("entered_at"), undone_at=None).order_by()


def by_step(period: Period) -> dict[str, dict]:
    nothing = dict.fromkeys(waits(period)) | {"count": 0}
    found = {row.pop("queue"): row for row in places(period.with_before).values("queue").annotate(**waits(period))}
    return {queue: found.get(queue, nothing) for queue in QueuePlace.Queue.values}


def step_table(steps: dict[str, dict]) -> Table:
    labels = [str(label) for label in QueuePlace.Queue.labels]
    series = [
        Series("This period", [minutes(row["wait"]) for row in steps.values()]),
        Series("Before", [minutes(row["former_wait"]) for row in steps.values()], muted=True),
    ]
    rows = [
        (
            label,
            row["count"],
            *(minutes(row[name]) for name in ("wait", "slowest", "former_wait", "work")),
        )
        for label, row in zip(labels, steps.values(), strict=True)
    ]
    return Table(
        "steps",
        "Waiting at each step",
        STEP_COLUMNS,
        rows,
        Bars("Waiting at each step, median", unit="min", labels=labels, series=series),
        wide=True,
        detailed=True,
    )


def released(period: Period) -> QuerySet:
    return LabOrder.objects.filter(period.has("ordered_at"), released_at__isnull=False).order_by()


def laboratory(period: Period) -> dict[str, Any]:
    now, before, whole = period.has("ordered_at"), period.before.has("ordered_at"), span("ordered_at", "released_at")
    stages: dict[str, Aggregate] = {}
    for place, (_, since, until) in enumerate(STAGES):
        stages |= {
            f"stage_{place}": Median(span(since, until), filter=now),
            f"slowest_{place}": Slowest(span(since, until), filter=now),
        }
    return released(period.with_before).aggregate(
        whole=Median(whole, filter=now), former=Median(whole, filter=before), **stages
    )


def stage_table(found: dict[str, Any]) -> Table:
    rows = [
        (label, minutes(found[f"stage_{place}"]), minutes(found[f"slowest_{place}"]))
        for place, (label, _, _) in enumerate(STAGES)
    ]
    series = [Series("Median", [row[1] for row in rows]), Series("Nine of ten", [row[2] for row in rows], muted=True)]
    plot = Bars("Where a test spends its time", unit="min", labels=[row[0] for row in rows], series=series)
    return Table(
        "stages",
        "Where a test spends its time",
        [Column("Stage"), Column("Median", MINUTES), Column("Nine of ten", MINUTES)],
        rows,
        plot,
    )


def test_table(period: Period) -> Table:
    whole = span("ordered_at", "released_at")
    rows = (
        released(period)
        .values(name=F("test__name"))
        .annotate(count=Count("pk"), median=Median(whole), slowest=Slowest(whole))
        .order_by("-count", "name")
    )
    columns = [Column("Test"), Column("Released", "number"), Column("Median", MINUTES), Column("Nine of ten", MINUTES)]
    return Table(
        "tests",
        "Turnaround of each test",
        columns,
        [(row["name"], row["count"], minutes(row["median"]), minutes(row["slowest"])) for row in rows],
    )


def people_table(period: Period) -> Table:
    """What each person did; one query for each kind of work."""
    work = {
        "Registered": tally(Visit.objects.filter(period.has("registered_at")), "registered_by"),
        "Examined": tally(Examination.objects.filter(period.has("examined_at")), "examined_by"),
        "Released": tally(released_in(period), "released_by"),
        "Diagnosed": tally(Diagnosis.objects.standing().filter(period.has("recorded_at")), "recorded_by", of="visit"),
        "Issued": tally(StockMove.objects.filter(period.has("at"), kind=StockMove.Kind.DISPENSE), "by", of="line"),
        "Payments": tally(Payment.objects.filter(period.has("received_at")), "received_by"),
    }
    called = {
        row["called_by"]: row
        for row in places(period)
        .exclude(called_by=None)
        .values("called_by")
        .annotate(count=Count("pk"), work=Median(span("called_at", "ended_at")))
    }
    people = Person.objects.filter(pk__in={person for done in [*work.values(), called] for person in done}).order_by(
        "name", "pk"
    )
    rows = [
        (
            person.name,
            *(done.get(person.pk, 0) for done in work.values()),
            called.get(person.pk, {}).get("count", 0),
            minutes(called.get(person.pk, {}).get("work")),
        )
        for person in people
    ]
    columns = [
        Column("Person"),
        *(Column(label, "number") for label in work),
        Column("Called", "number"),
        Column("With each", MINUTES),
    ]
    return Table("people", "What each person did", columns, rows, wide=True)


def released_in(period: Period) -> QuerySet:
    return LabOrder.objects.filter(period.has("released_at"))


def tally(rows: QuerySet, who: str, of: str = "pk") -> dict[Any, int]:
    counted = rows.filter(~Q(**{who: None})).order_by().values(who).annotate(count=Count(of, distinct=True))
    return {row[who]: row["count"] for row in counted}
