"""How long biopsies take, what is overdue, and how often the eye and the microscope agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Left
from django.utils import timezone

from clinical.models import Biopsy, BiopsyReview, PathologyLab, PathologyReport
from clinical.models.biopsy import Malignancy
from clinical.reports.parts import Column, Figure, Linked, Report, Table, percent
from clinical.reports.period import Period
from hospital.models import Person
from hospital.plots import Bars, Series
from hospital.seals import shown
from hospital.spans import Median, Slowest, span

NUMBER, PERCENT = "number", "percent"
AWAY = span("sent_at", "back_at")
WHOLE = span("ordered_at", "closed_at")
BACK = Q(sent_at__isnull=False, back_at__isnull=False)
CLOSED = Q(status="closed", closed_at__isnull=False)
COUNTED = {
    "ordered": Count("pk"),
    "back": Count("pk", filter=BACK),
    "median": Median(AWAY, filter=BACK),
    "slowest": Slowest(AWAY, filter=BACK),
    "whole": Median(WHOLE, filter=CLOSED),
    "closed": Count("pk", filter=CLOSED),
    "late": Count("pk", filter=Q(late_tier__gt=0)),
    "failed": Count("pk", filter=Q(lost_at__isnull=False) | Q(unsatisfactory_at__isnull=False)),
}
COLUMNS = (
    Column("Ordered", NUMBER),
    Column("With a result", NUMBER),
    Column("Days at the laboratory, median", NUMBER),
    Column("Nine of ten", NUMBER),
    Column("Days from order to end, median", NUMBER),
    Column("Overdue now", NUMBER),
    Column("Lost or no good", NUMBER),
)
RECENT, SHOWN = timedelta(days=90), 25


@dataclass(frozen=True)
class Asked:
    """What the report is about. What is not said is all of it."""

    period: Period
    laboratory: PathologyLab | None = None
    doctor: Person | None = None
    reads_results: bool = False

    @property
    def before(self) -> Asked:
        return replace(self, period=self.period.before)

    def rows(self) -> QuerySet:
        """Ordered in the period; what was cancelled was never one."""
        wanted = {"laboratory": self.laboratory, "ordered_by": self.doctor}
        said = {name: value for name, value in wanted.items() if value}
        rows = answered().filter(self.period.has("ordered_at"), **said)
        return rows.exclude(status=Biopsy.Status.CANCELLED).order_by()


def answered() -> QuerySet:
    """With `back_at`: when the laboratory's first final report was here. A correction makes no laboratory slower."""
    final = PathologyReport.objects.filter(biopsy=OuterRef("pk"), is_preliminary=False).order_by("number")
    return Biopsy.objects.timed().annotate(back_at=Subquery(final.values("entered_at")[:1]))


def at_a_glance() -> dict[str, Any]:
    """For the head of the log: what is late now by tier, and how long laboratories took lately."""
    now = timezone.now()
    tiers = {f"tier{tier}": Count("pk", filter=Q(late_tier=tier)) for tier in (1, 2, 3)}
    lately = BACK & Q(back_at__gte=now - RECENT)
    counts = (
        answered()
        .order_by()
        .aggregate(**tiers, median=Median(AWAY, filter=lately), slowest=Slowest(AWAY, filter=lately))
    )
    late = sum(counts[name] for name in tiers)
    return {**counts, "late": late, "median": in_days(counts["median"]), "slowest": in_days(counts["slowest"])}


def in_days(length: timedelta | None) -> str:
    return "" if length is None else f"{length / timedelta(days=1):.1f}"


def report(asked: Asked) -> Report:
    now, before = asked.rows().aggregate(**COUNTED), asked.before.rows().aggregate(**COUNTED)
    figures = [
        Figure("Ordered", now["ordered"], NUMBER, before["ordered"], icon="scissors"),
        Figure("Days at the laboratory, median", in_days(now["median"]) or None, icon="hourglass"),
        Figure("Nine of ten within, days", in_days(now["slowest"]) or None, icon="clock"),
        Figure("Days from order to end, median", in_days(now["whole"]) or None, icon="repeat"),
        Figure("Overdue now", now["late"], NUMBER, better="down", icon="alert-triangle"),
    ]
    tables = [
        by(asked, "laboratories", "Laboratory", "laboratory__name"),
        by(asked, "doctors", "Doctor", "ordered_by__name"),
        by(asked, "types", "Type", "kind"),
        late_table(asked),
    ]
    if asked.reads_results:
        agreed = agreement(asked)
        figures.append(
            Figure("Eye and microscope agree", percent(agreed["agree"], agreed["coded"]), PERCENT, icon="microscope")
        )
        tables += [correlation(asked), differing(asked)]
    return Report(figures, tables)


def by(asked: Asked, key: str, heading: str, field: str) -> Table:
    found = asked.rows().values(name=F(field)).annotate(**COUNTED).order_by("-ordered", "name")
    labels = dict(Biopsy.Kind.choices)
    rows = [(str(labels.get(row["name"], row["name"]) or "Nobody"), *cells(row)) for row in found]
    title = f"Turnaround by {heading.lower()}"
    series = [
        Series("Median", [length(row[3]) for row in rows[:8]]),
        Series("Nine of ten", [length(row[4]) for row in rows[:8]], muted=True),
    ]
    plot = (
        Bars(title, unit="days", labels=[row[0] for row in rows[:8]], series=series) if key == "laboratories" else None
    )
    return Table(key, title, [Column(heading), *COLUMNS], rows, plot, wide=True, detailed=True)


def cells(row: dict[str, Any]) -> tuple:
    return (
        row["ordered"],
        row["back"],
        in_days(row["median"]),
        in_days(row["slowest"]),
        in_days(row["whole"]),
        row["late"],
        row["failed"],
    )


def length(days: str) -> float | None:
    return float(days) if days else None


# --- what the doctor thought, and what it was ------------------------------------------------------


def coded(asked: Asked) -> QuerySet:
    """Those with a coded diagnosis at both ends: of the review, else of the report."""
    review = BiopsyReview.objects.filter(biopsy=OuterRef("pk"), report=OuterRef("report")).order_by("-at")
    found = Coalesce(Subquery(review.values("coded__icd10")[:1]), "report__coded__icd10", Value(""))
    name = Coalesce(Subquery(review.values("diagnosis")[:1]), "report__diagnosis")
    return asked.rows().exclude(clinical_code="").annotate(icd10=found, found=name).exclude(icd10="")


SAME = Q(clinical_code__startswith=Left("icd10", 3))


def agreement(asked: Asked) -> dict[str, int]:
    """They agree where both are of one category of ICD-10-CM, its first three characters."""
    return coded(asked).aggregate(coded=Count("pk"), agree=Count("pk", filter=SAME))


THOUGHT = Case(
    When(clinical_code="", then=Value("")),
    When(clinical_code__regex=r"^(C|D03)", then=Value(Malignancy.MALIGNANT)),  # melanoma in situ is a melanoma
    When(clinical_code__startswith="D0", then=Value(Malignancy.PRE_MALIGNANT)),
    When(clinical_code__regex=r"^D(3[7-9]|4[0-9])", then=Value(Malignancy.UNCERTAIN)),
    default=Value(Malignancy.BENIGN),
    output_field=CharField(),
)
LEVELS = tuple(level for level in Malignancy if level)


def correlation(asked: Asked) -> Table:
    """What the code of the clinical diagnosis suspects, against what was found."""
    found = asked.rows().exclude(malignancy="").annotate(thought=THOUGHT).values("thought")
    counted = {level.value: Count("pk", filter=Q(malignancy=level)) for level in LEVELS}
    rows = [
        (str(Malignancy(row["thought"]).label), *(row[level.value] for level in LEVELS))
        for row in found.annotate(**counted).order_by("thought")
    ]
    columns = [Column("Suspected"), *(Column(f"Found: {level.label.lower()}", NUMBER) for level in LEVELS)]
    empty = "No result is coded in this period."
    return Table("correlation", "Suspected and found", columns, rows, wide=True, empty=empty)


def differing(asked: Asked) -> Table:
    """Where the two are not of one category: read again, these teach most."""
    rows = [
        (
            Linked.to(row.number, row.get_absolute_url()),
            f"{row.clinical_code} {row.clinical_diagnosis}".strip(),
            shown(row.report, row.found),
            row.get_malignancy_display(),
            row.ordered_by.name if row.ordered_by else "",
        )
        for row in coded(asked)
        .exclude(SAME)
        .select_related("report__biopsy", "report__document", "ordered_by")
        .order_by("-resulted_at")[:SHOWN]
    ]
    columns = [Column("Number"), Column("Clinical diagnosis"), Column("Found"), Column("Level"), Column("Doctor")]
    empty = "No coded result differs from its clinical diagnosis."
    return Table("differing", "Clinical and pathological diagnosis differ", columns, rows, wide=True, empty=empty)


def late_table(asked: Asked) -> Table:
    late = asked.rows().filter(late_tier__gt=0).select_related("laboratory", "ordered_by")
    rows = [
        (
            Linked.to(row.number, row.get_absolute_url()),
            row.get_status_display(),
            row.laboratory.name,
            row.ordered_by.name if row.ordered_by else "",
            row.tier,
            row.days_waited,
        )
        for row in late.order_by("-late_tier", "first_due")[:SHOWN]
    ]
    columns = [
        Column("Number"),
        Column("Status"),
        Column("Laboratory"),
        Column("Doctor"),
        Column("Tier", NUMBER),
        Column("Days", NUMBER),
    ]
    return Table("late", "Overdue now", columns, rows, wide=True, empty="Nothing is overdue.")
