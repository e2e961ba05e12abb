"""The timeline as it was at a time: what the chart said then, as entries in the order of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from clinical.as_of import rows_at
from clinical.described import MISTAKES, Item
from clinical.models import (
    Allergy,
    Biopsy,
    Diagnosis,
    Document,
    Encounter,
    Immunization,
    LabOrder,
    MedicationStatement,
    Observation,
    OutsideEncounter,
    Patient,
    PrescriptionLine,
    Problem,
    Procedure,
    Report,
    Visit,
)
from clinical.parts import ORDERS, PARTS, items_of
from clinical.timeline import RELEASED, Entry, Timeline, is_vital
from clinical.together import attach
from hospital.context import Acting

# Of which kind a row is, its icon, and the words before its title.
KINDS_OF: dict[type, tuple[str, str, str]] = {
    Visit: ("visits", "building-hospital", "Visit: "),
    OutsideEncounter: ("visits", "building-community", ""),
    Encounter: ("notes", "notes", "Note: "),
    Diagnosis: ("problems", "stethoscope", ""),
    Problem: ("problems", "clipboard-heart", ""),
    MedicationStatement: ("medication", "pills", ""),
    PrescriptionLine: ("medication", "pill", ""),
    Immunization: ("immunisations", "vaccine", ""),
    Procedure: ("procedures", "bandage", ""),
    Allergy: ("allergies", "alert-triangle", ""),
    Document: ("documents", "file-text", ""),
    Biopsy: ("biopsies", "microscope", "Biopsy: "),
}


class PastTimeline(Timeline):
    """The same questions, answered from the rows of that time."""

    def __init__(self, patient: Patient, acting: Acting, at: datetime, **wanted: Any) -> None:
        self.acting, self.at = acting, at
        super().__init__(patient, acting, **wanted)

    @cached_property
    def life(self) -> list[Entry]:
        found = [*told(self.patient, self.acting, self.at), *measured(self.patient, self.at)]
        return sorted(found, key=lambda entry: (entry.at, entry.title), reverse=True)

    @property
    def authors(self) -> list[str]:
        return sorted({entry.by for entry in self.life if entry.by})

    def __getitem__(self, cut: slice) -> list[Entry]:
        return [entry for entry in self.life if self._fits(entry) and self.kind in ("", entry.kind)][cut]

    def _count(self) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for entry in filter(self._fits, self.life):
            found[entry.kind] += 1
        return found

    def _fits(self, entry: Entry) -> bool:
        since, until = self.wanted.period
        in_time = (not since or entry.at >= since) and (not until or entry.at < until)
        values = (f"{one.text} {one.value}" for one in entry.values)
        words = " ".join((entry.title, entry.text, entry.by, *values)).lower()
        return in_time and self.wanted.author in ("", entry.by) and self.wanted.query.lower() in words


def told(patient: Patient, acting: Acting, at: datetime) -> Iterator[Entry]:
    found = items_of(patient, PARTS, acting, at)
    attach([([item.row for item in found[ORDERS.key] if isinstance(item.row, LabOrder)], ("released_by",))])
    for key, items in found.items():
        for item in items:
            entry = of_order(item) if key == ORDERS.key else of_part(item)
            if entry and item.state != MISTAKES:
                yield entry


def of_part(item: Item) -> Entry | None:
    kind, icon, before = KINDS_OF[type(item.row)]
    if item.at is None:
        return None
    return Entry(kind, icon, item.at, item.said, f"{before}{item.title}", item.words, item.by, item.flag, item.url)


def of_order(item: Item) -> Entry | None:
    """A result from its release on; what was prescribed stands under medication."""
    row = item.row
    if not isinstance(row, LabOrder) or row.status not in RELEASED or row.released_at is None:
        return None
    title = f"{item.title}: {item.details[1]}".removesuffix(": ")
    return Entry("results", "flask", row.released_at, "", title, "", str(row.released_by or ""), item.flag, item.url)


def measured(patient: Patient, at: datetime) -> Iterator[Entry]:
    """What was measured in one moment is one entry, named by the reports that gathered it."""
    found = rows_at(patient, at, {Observation: "patient", Report: "patient"})
    attach([(found[Observation], ("recorded_by",))])
    reports = [one for one in found[Report] if one.effective_at and one.status != "entered-in-error"]
    moments: dict[tuple[datetime, bool], list[Observation]] = defaultdict(list)
    for row in sorted(found[Observation], key=lambda row: row.text):
        if row.effective_at and not row.is_mistake:
            moments[row.effective_at, is_vital(row.category)].append(row)
    for (moment, vital), rows in moments.items():
        names = ", ".join(sorted(one.text for one in reports if one.effective_at == moment and one.results))
        title, kind, icon = (
            ("Vital signs", "vitals", "heart-rate-monitor") if vital else (names or "Results", "results", "test-pipe")
        )
        by, values = str(rows[0].recorded_by or ""), [row for row in rows if row.value]
        yield Entry(kind, icon, moment, "", title, "", by, "", "", values=values)
    for one in reports:
        if not one.results:
            said, text = one.effective_said, one.conclusion
            yield Entry("results", "report-medical", one.effective_at, said, one.text, text, "", "", "")
