"""A patient's whole life as one list, newest first: many tables, two queries, and one more for what was measured.

Each source turns its rows into the same columns, and the database puts them in order and cuts out the page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, DateTimeField, F, Q, QuerySet, TextField, UUIDField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat
from django.urls import reverse
from django.utils import timezone

from clinical.models import LabOrder, Observation, Patient
from clinical.unit_words import shown_unit
from hospital.context import Acting, current

NOTHING = Value("")
KINDS = {
    "visits": "Visits",
    "notes": "Notes",
    "problems": "Problems",
    "medication": "Medication",
    "results": "Results",
    "biopsies": "Biopsies",
    "vitals": "Vital signs",
    "immunisations": "Immunisations",
    "procedures": "Procedures",
    "allergies": "Allergies",
    "documents": "Documents",
}
Expression = Combinable | str


@dataclass(frozen=True)
class Wanted:
    """What the whole life is narrowed to."""

    query: str = ""
    author: str = ""
    period: tuple[datetime | None, datetime | None] = (None, None)


@dataclass(frozen=True)
class Source:
    """Rows of one table, as entries. `find` are the columns that the search looks into."""

    kind: str
    icon: str
    rows: Callable[[Patient], QuerySet]
    at: str
    title: Expression
    find: tuple[str, ...]
    said: Expression = NOTHING
    text: Expression = NOTHING
    by: Expression = NOTHING
    flag: Expression = NOTHING
    link: str = ""
    target: str = "pk"
    permission: str = ""
    category: str = ""  # of observations: those of one moment are one entry

    def found(self, patient: Patient, wanted: Wanted) -> QuerySet:
        rows = self.rows(patient).filter(**{f"{self.at}__isnull": False}).order_by()
        words = Q()
        for name in self.find:
            words |= Q(**{f"{name}__icontains": wanted.query})
        since, until = wanted.period
        if since:
            rows = rows.filter(**{f"{self.at}__gte": since})
        if until:
            rows = rows.filter(**{f"{self.at}__lt": until})
        if wanted.author:
            rows = rows.annotate(wanted_by=as_text(self.by)).filter(wanted_by=wanted.author)
        return rows.filter(words) if wanted.query else rows

    def columns(self, number: int) -> dict[str, Any]:
        words = {name: as_text(getattr(self, name)) for name in ("said", "title", "text", "by", "flag")}
        target = Cast(F(self.target) if self.link else Value(None), UUIDField())
        return {"source": Value(number), "moment": Cast(F(self.at), DateTimeField()), "target": target, **words}


@dataclass
class Entry:
    kind: str
    icon: str
    at: datetime
    said: str
    title: str
    text: str
    by: str
    flag: str
    url: str
    category: str = ""
    values: list[Observation] = field(default_factory=list)


def as_text(expression: Expression) -> Any:
    return Cast(Coalesce(expression, NOTHING, output_field=TextField()), TextField())


def words(*parts: Expression) -> Concat:
    return Concat(*parts, output_field=TextField())


def observed(category: Q) -> Callable[[Patient], QuerySet]:
    return lambda patient: patient.observations.true().filter(category, parent=None)


VITAL = Q(category=Observation.Category.VITAL_SIGNS)
SENT_TO = Case(When(sent_at__isnull=False, then=Concat(Value(". Sent to "), "outside_pharmacy")), default=NOTHING)
RELEASED = (LabOrder.Status.RELEASED, LabOrder.Status.REVIEWED)
SOURCES = (
    Source(
        "visits",
        "building-hospital",
        lambda patient: patient.visits.all(),
        "registered_at",
        words(Value("Visit: "), "complaint"),
        ("complaint",),
        by="doctor__name",
        link="clinical:visit",
        permission="clinical.view_visit",
    ),
    Source(
        "visits",
        "building-community",
        lambda patient: patient.outside_encounters.exclude(status="entered-in-error"),
        "started_at",
        "text",
        ("text", "reason", "practitioner__name", "organisation__name"),
        said="started_said",
        text="reason",
        by=Coalesce("practitioner__name", "organisation__name"),
    ),
    Source(
        "biopsies",
        "microscope",
        lambda patient: patient.biopsies.all(),
        "ordered_at",
        words(Value("Biopsy: "), "question"),
        ("question", "clinical_diagnosis"),
        text="clinical_diagnosis",
        by="ordered_by__name",
        link="clinical:biopsy",
        permission="clinical.view_biopsy",
    ),
    Source(
        "notes",
        "notes",
        lambda patient: patient.encounters.counted(),
        "started_at",
        words(Value("Note: "), "template__name"),
        ("template__name", "provider__name"),
        text="visit__complaint",
        by="provider__name",
        link="clinical:encounter",
    ),
    Source(
        "problems",
        "stethoscope",
        lambda patient: patient.diagnoses.standing(),
        "recorded_at",
        words("code", Value(" "), "title"),
        ("code", "title", "note"),
        text="note",
        by="recorded_by__name",
        link="clinical:visit",
        target="visit_id",
    ),
    Source(
        "problems",
        "clipboard-heart",
        lambda patient: patient.problems.true(),
        "onset_at",
        "text",
        ("text", "code"),
        said="onset_said",
        text="clinical_status",
        by="recorded_by__name",
    ),
    Source(
        "medication",
        "pills",
        lambda patient: patient.medication_statements.exclude(status="entered-in-error"),
        "authored_at",
        "text",
        ("text", "dosage", "reason"),
        said="authored_said",
        text=words("dosage", Value(" "), "reason"),
        by=Coalesce("practitioner__name", "recorded_by__name"),
    ),
    Source(
        "medication",
        "pill",
        lambda patient: patient.prescriptions.exclude(status__in=("draft", "cancelled")).filter(lines__isnull=False),
        "prescribed_at",
        words("lines__medicine__name", Value(" "), "lines__medicine__strength"),
        ("lines__medicine__name",),
        text=words("lines__dose", Value(" "), "lines__frequency", Value(" "), "lines__instructions", SENT_TO),
        by="prescribed_by__name",
        link="clinical:visit",
        target="visit_id",
        permission="clinical.view_prescription",
    ),
    Source(
        "results",
        "flask",
        lambda patient: patient.lab_orders.filter(status__in=RELEASED),
        "released_at",
        words("test__name", Value(": "), "result__value_text", Value(" "), shown_unit("result__unit")),
        ("test__name", "result__value_text", "result__note"),
        text="result__note",
        by="released_by__name",
        flag="result__flag",
        link="clinical:lab_order",
        permission="clinical.view_results",
    ),
    Source(
        "results",
        "report-medical",
        lambda patient: patient.reports.filter(results=[]).exclude(status="entered-in-error"),
        "effective_at",
        "text",
        ("text", "conclusion"),
        said="effective_said",
        text="conclusion",
    ),
    Source(
        "results",
        "test-pipe",
        observed(~VITAL),
        "effective_at",
        Value("Results"),
        ("text", "value_text"),
        by="recorded_by__name",
        category="other",
    ),
    Source(
        "vitals",
        "heart-rate-monitor",
        observed(VITAL),
        "effective_at",
        Value("Vital signs"),
        ("text", "value_text"),
        by="recorded_by__name",
        category=Observation.Category.VITAL_SIGNS,
    ),
    Source(
        "immunisations",
        "vaccine",
        lambda patient: patient.immunizations.exclude(status="entered-in-error"),
        "occurred_at",
        "text",
        ("text", "lot", "given_by"),
        said="occurred_said",
        text="status_reason",
        by="recorded_by__name",
    ),
    Source(
        "procedures",
        "bandage",
        lambda patient: patient.procedures.exclude(status="entered-in-error"),
        "performed_at",
        "text",
        ("text", "reason"),
        said="performed_said",
        text="reason",
        by="recorded_by__name",
    ),
    Source(
        "allergies",
        "alert-triangle",
        lambda patient: patient.allergies.true(),
        "recorded_at",
        "substance",
        ("substance", "reaction"),
        said="recorded_said",
        text="reaction",
        by="recorded_by__name",
    ),
    Source(
        "documents",
        "file-text",
        lambda patient: patient.documents.filed().newest().seen_by(current()),
        "uploaded_at",
        "title",
        ("title", "name"),
        by="uploaded_by__name",
        link="clinical:document",
        permission="clinical.view_document",
    ),
)


class Timeline:
    """What a Paginator wants: a count and slices."""

    def __init__(
        self,
        patient: Patient,
        acting: Acting,
        *,
        kind: str = "",
        query: str = "",
        author: str = "",
        period: tuple[datetime | None, datetime | None] = (None, None),
    ) -> None:
        self.patient, self.kind, self.author = patient, kind, author
        self.wanted = Wanted(query, author, period)
        seen = enumerate(SOURCES)
        self.sources = [(n, one) for n, one in seen if not one.permission or acting.may(one.permission)]
        self.counts = self._count()

    @property
    def pills(self) -> list[dict[str, Any]]:
        named = [{"value": kind, "label": label, "count": self.counts[kind]} for kind, label in KINDS.items()]
        return [{"value": "", "label": "Everything", "count": sum(self.counts.values())}, *named]

    @property
    def authors(self) -> list[str]:
        """Everybody whose entries there are, whatever is chosen."""
        parts = [
            source.found(self.patient, Wanted()).annotate(its_by=as_text(source.by)).values_list("its_by").distinct()
            for _, source in self.sources
            if source.by is not NOTHING
        ]
        return sorted({name for (name,) in parts[0].union(*parts[1:]) if name}) if parts else []

    def count(self) -> int:
        return self.counts[self.kind] if self.kind else sum(self.counts.values())

    def __getitem__(self, cut: slice) -> list[Entry]:
        chosen = [(n, one) for n, one in self.sources if not self.kind or one.kind == self.kind]
        parts = [self._entries(n, one) for n, one in chosen]
        rows = (
            parts[0].union(*parts[1:], all=True).order_by("-its_moment", "its_source", "its_title")[cut]
            if parts
            else []
        )
        return self._with_values([self._entry(*row) for row in rows])

    def _count(self) -> dict[str, int]:
        parts = []
        for n, one in self.sources:
            how = Count(one.at, distinct=True) if one.category else Count("*")
            rows = one.found(self.patient, self.wanted).annotate(its_source=Value(n)).values("its_source")
            parts.append(rows.annotate(its_count=how).values_list("its_source", "its_count"))
        found: dict[str, int] = defaultdict(int)
        for n, count in parts[0].union(*parts[1:], all=True):
            found[SOURCES[n].kind] += count
        return found

    def _entries(self, number: int, source: Source) -> QuerySet:
        columns = {f"its_{name}": expression for name, expression in source.columns(number).items()}
        rows = source.found(self.patient, self.wanted).annotate(**columns).values_list(*columns)
        return rows.distinct() if source.category else rows

    def _entry(self, number: int, at: datetime, target: Any, *said: str) -> Entry:
        source = SOURCES[number]
        url = reverse(source.link, args=[target]) if target else ""
        words, title, text, by, flag = (one.strip() for one in said)
        return Entry(source.kind, source.icon, at, words, title, text, by, flag, url, source.category)

    def _with_values(self, entries: list[Entry]) -> list[Entry]:
        """The observations of the moments on this page, components too, in one query."""
        moments = [entry.at for entry in entries if entry.category]
        if moments:
            values = defaultdict(list)
            for row in self.patient.observations.true().filter(effective_at__in=moments).order_by("text"):
                values[row.effective_at, is_vital(row.category)].append(row)
            titles = self._titles(moments)
            for entry in entries:
                if entry.category == "other":
                    entry.title = ", ".join(titles[entry.at]) or entry.title
                if entry.category:
                    entry.values = [row for row in values[entry.at, is_vital(entry.category)] if row.value]
        return entries

    def _titles(self, moments: list[datetime]) -> dict[datetime | None, list[str]]:
        """The reports that gathered what was measured then."""
        titles: dict[datetime | None, list[str]] = defaultdict(list)
        for report in self.patient.reports.filter(effective_at__in=moments).exclude(results=[]).order_by("text"):
            titles[report.effective_at].append(report.text)
        return titles


def is_vital(category: str) -> bool:
    return category == Observation.Category.VITAL_SIGNS


def by_year(entries: list[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    years: dict[int, list[Entry]] = {}
    for entry in entries:
        years.setdefault(timezone.localtime(entry.at).year, []).append(entry)
    yield from years.items()
