"""Who comes here: new and returning patients, their ages, and what they have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.db.models import Count, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Value

from clinical.models import Diagnosis, Patient, Visit
from clinical.reports.parts import Column, Figure, Report, Table, daily_table, percent
from clinical.reports.period import Period
from hospital.plots import Bars, Series, Spark

AGES = (
    (0, "0"),
    (1, "1 to 4"),
    (5, "5 to 14"),
    (15, "15 to 24"),
    (25, "25 to 44"),
    (45, "45 to 64"),
    (65, "65 to 79"),
    (80, "80 and over"),
)
TOP = 15


class Age(Func):
    """Whole years on a day, as a birthday counts them."""

    template = "EXTRACT(YEAR FROM AGE(%(expressions)s))::int"
    output_field = IntegerField()

    def __init__(self, born: str, on: date) -> None:
        super().__init__(Value(on), F(born))


def report(period: Period) -> Report:
    registered = period.by_day(Patient.objects.all(), "created_at", Count("pk"))
    seen, former = seen_in(period), seen_in(period.before)
    figures = [
        registered_figure("Registered", period, registered),
        Figure("Seen", seen["all"], former=former["all"], icon="users"),
        Figure("Seen for the first time", seen["new"], former=former["new"]),
        Figure(
            "Returning",
            percent(seen["all"] - seen["new"], seen["all"]),
            "percent",
            percent(former["all"] - former["new"], former["all"]),
        ),
    ]
    by_day = daily_table("registered", "Patients registered by day", "Registered", "patients", period, registered)
    return Report(figures, [by_day, age_table(period), diagnosis_table(period)])


def registered_figure(label: str, period: Period, registered: Callable) -> Figure:
    spark = Spark(registered(period), "Registered by day")
    now, former = sum(registered(period)), sum(registered(period.before))
    return Figure(label, now, former=former, icon="user-plus", spark=spark)


def visits_in(period: Period) -> QuerySet:
    return Visit.objects.filter(period.has("registered_at")).exclude(status=Visit.Status.CANCELLED).order_by()


def seen_in(period: Period) -> dict[str, int]:
    """Patients with a visit, and those of them who had none before."""
    earlier = Visit.objects.filter(patient=OuterRef("patient"), registered_at__lt=period.start).exclude(
        status=Visit.Status.CANCELLED
    )
    rows = visits_in(period).annotate(known=Exists(earlier))
    return rows.aggregate(
        all=Count("patient", distinct=True), new=Count("patient", distinct=True, filter=Q(known=False))
    )


def age_table(period: Period) -> Table:
    """Each patient once, at the age on the last day."""
    rows = (
        visits_in(period)
        .values(sex=F("patient__sex"), age=Age("patient__birth_date", period.last))
        .annotate(count=Count("patient", distinct=True))
    )
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        place = (group_of(row["age"]), row["sex"])
        found[place] = found.get(place, 0) + row["count"]
    groups = [label for _, label in AGES] + (["unknown"] if any(group == "unknown" for group, _ in found) else [])
    sexes = [
        choice
        for choice in Patient.Sex.choices
        if choice[0] in ("female", "male") or any(sex == choice[0] for _, sex in found)
    ]
    series = [Series(label, [found.get((group, sex), 0) for group in groups]) for sex, label in sexes]
    plot = Bars("Patients seen, by age and sex", unit="patients", labels=groups, series=series, stacked=True)
    counts = [[found.get((group, sex), 0) for sex, _ in sexes] for group in groups]
    rows_of_table = [(group, *of_group, sum(of_group)) for group, of_group in zip(groups, counts, strict=True)]
    return Table(
        "ages",
        "Patients seen, by age and sex",
        [Column("Age"), *(Column(label, "number") for _, label in sexes), Column("Together", "number")],
        rows_of_table,
        plot,
    )


def group_of(age: int | None) -> str:
    return "unknown" if age is None else next((label for least, label in reversed(AGES) if age >= least), AGES[0][1])


def diagnosis_table(period: Period) -> Table:
    standing = Diagnosis.objects.standing().exclude(certainty=Diagnosis.Certainty.RULED_OUT)
    now, before = period.has("recorded_at"), period.before.has("recorded_at")
    rows = (
        standing.filter(period.with_before.has("recorded_at"))
        .order_by()
        .values("code", "title")
        .annotate(count=Count("visit", distinct=True, filter=now), former=Count("visit", distinct=True, filter=before))
    )
    found = [
        (row["code"], row["title"], row["count"], row["former"])
        for row in rows.filter(count__gt=0).order_by("-count", "code")[:TOP]
    ]
    columns = [Column("Code"), Column("Diagnosis"), Column("Visits", "number"), Column("Before", "number")]
    return Table("diagnoses", f"The {TOP} most frequent diagnoses", columns, found)
