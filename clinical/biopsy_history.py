"""The whole story of one biopsy, as an inspector asks for it: who had it when, what was said, who was told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clinical.biopsy_readers import first_reads
from clinical.measure import plain
from clinical.models import Biopsy, PathologyNotice, PathologyReport
from hospital.models import Person
from realtime.alerts.models import Alert

CHARTS = ("report__biopsy", "report__document", "former__biopsy", "former__document")  # whose a notice is


@dataclass(frozen=True)
class Line:
    """One thing that happened. `kind` is custody, said or told."""

    kind: str
    at: datetime
    what: str
    who: str = ""
    where: str = ""
    note: str = ""


def story(biopsy: Biopsy) -> list[Line]:
    """In the order in which it happened."""
    lines = [*custody(biopsy), *reports(biopsy), *reviews(biopsy), *tellings(biopsy), *notices(biopsy), *alerts(biopsy)]
    return sorted(lines, key=lambda line: line.at)


def name_of(person: Person | None) -> str:
    return person.name if person else "The system"


def custody(biopsy: Biopsy) -> Iterator[Line]:
    for step in biopsy.custody.select_related("by", "part__biopsy"):
        what = f"{step.what}: {step.part.name}, {step.part.number}" if step.part else step.what
        yield Line("custody", step.at, what, name_of(step.by), step.place, step.note)


def versions(biopsy: Biopsy) -> list[PathologyReport]:
    return list(biopsy.reports.select_related("entered_by", "biopsy", "document").order_by("number"))


def reports(biopsy: Biopsy) -> Iterator[Line]:
    for report in versions(biopsy):
        first = "Report" if report.number == 1 else f"Corrected report, version {report.number}"
        what = f"{first}: {report.diagnosis}" if report.diagnosis else first
        note = f"{report.get_source_display()}. {report.reason}".strip()
        who = report.entered_by.name if report.entered_by else ""
        yield Line("said", report.entered_at, what, who, report.sender, note)


def measures(report: PathologyReport) -> list[tuple[str, str]]:
    """Each measure that a report has, by name, as the page shows it."""
    closest = f"closest {plain(report.margin_mm)} mm" if report.margin_mm is not None else ""
    said = (
        ("Margins", ", ".join(filter(None, (report.get_margins_display() if report.margins else "", closest)))),
        ("Breslow", f"{plain(report.breslow_mm)} mm" if report.breslow_mm is not None else ""),
        (
            "By thickness and ulceration" if report.ulceration else "By thickness",
            f"{report.stage_by_thickness}, AJCC 8" if report.stage_by_thickness else "",
        ),
        ("Clark", report.get_clark_display() if report.clark else ""),
        ("Mitoses", f"{plain(report.mitoses)} per mm²" if report.mitoses is not None else ""),
        ("Ulceration", report.get_ulceration_display() if report.ulceration else ""),
        (
            "Stage",
            f"{report.stage}{', which its measures contradict' if report.stage_differs else ''}"
            if report.stage
            else "",
        ),
    )
    return [(name, words) for name, words in said if words]


def as_they_came(biopsy: Biopsy) -> list[dict[str, Any]]:
    """Each version in full, the first one first."""
    return [{"report": row, "measures": measures(row)} for row in versions(biopsy)]


def reviews(biopsy: Biopsy) -> Iterator[Line]:
    for review in biopsy.reviews.select_related("by", "report__biopsy", "report__document"):
        said = (review.get_follow_up_display(), review.note, review.plan, review.referral, review.staging)
        note = "; ".join(words.rstrip(". ") for words in said if words)
        yield Line("said", review.at, f"Reviewed: {review.diagnosis}", name_of(review.by), note=note)


def tellings(biopsy: Biopsy) -> Iterator[Line]:
    for one in biopsy.tellings.select_related("by", "report__biopsy", "report__document"):
        what = f"{one.get_kind_display()}: {one.whom}" if one.whom else one.get_kind_display()
        yield Line("told", one.at, what, name_of(one.by), one.get_way_display(), one.words or one.subject)


def notices(biopsy: Biopsy) -> Iterator[Line]:
    """Whoever had read a report that was corrected."""
    found = PathologyNotice.objects.filter(report__biopsy=biopsy).select_related("person", *CHARTS)
    for notice in found:
        what = f"Told of the correction to version {notice.report.number}"
        yield Line("told", notice.created_at, what, notice.person.name, note=notice.why)
        if notice.acknowledged_at:
            yield Line("told", notice.acknowledged_at, f"Looked at version {notice.report.number}", notice.person.name)


def alerts(biopsy: Biopsy) -> Iterator[Line]:
    """Each person whom an alert about it reached, and what was answered."""
    found = Alert.objects.filter(object_id=biopsy.pk).select_related("acknowledged_by")
    for alert in found.prefetch_related("climbs__told__person"):
        for climb in alert.climbs.all():
            for told in climb.told.all():
                yield Line(
                    "told", told.at, "Alert", told.person.name, told.get_channel_display(), climb.get_step_display()
                )
        if alert.acknowledged_at:
            answer = f"{alert.get_done_display()}. {alert.done_text}"
            yield Line("told", alert.acknowledged_at, "Alert acknowledged", name_of(alert.acknowledged_by), note=answer)


def readers(biopsy: Biopsy) -> list[Line]:
    """Who read what was found, each person with the first time for each way."""
    reads = first_reads(biopsy)
    people = Person.objects.in_bulk([one.person for one in reads])
    return [Line("told", one.at, f"{one.how[0].upper()}{one.how[1:]}", people[one.person].name) for one in reads]
