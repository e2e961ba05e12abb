"""What waits for a signature, by age; and what waits for a second one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from clinical.models import Encounter
from clinical.models.encounter import COSIGN, WRITE, may_see_all
from clinical.views.answers import as_file
from hospital.http import Request
from hospital.models import Person
from hospital.permits import permit

PAGE, MOST_EXPORTED = 50, 10_000
HEADINGS = ("Number", "Patient", "Visit", "Note", "Written by", "Status", "Begun", "Age, hours")
FORSAKEN = "forsaken"


@dataclass(frozen=True)
class Unsigned:
    """One's own notes; those who lead, and administrators, may see everybody's."""

    request: Request

    @cached_property
    def sees_all(self) -> bool:
        return may_see_all(self.request.acting.person)

    @property
    def shows_all(self) -> bool:
        return self.sees_all and self.request.GET.get("whose") == "all"

    @property
    def people(self) -> Any:
        writing = Encounter.objects.unsigned().values("provider_id")
        return Person.objects.filter(pk__in=writing) if self.shows_all else Person.objects.none()

    @cached_property
    def chosen(self) -> Person | None:
        asked = self.request.GET.get("person")
        return self.people.filter(pk=asked).first() if is_key(asked) else None

    def of_whom(self, rows: Any) -> Any:
        whose = self.chosen if self.shows_all else self.request.acting.person
        return rows.filter(provider=whose) if whose else rows

    @cached_property
    def rows(self) -> Any:
        return self.of_whom(Encounter.objects.unsigned())

    @cached_property
    def forsaken(self) -> Any:
        return self.of_whom(Encounter.objects.forsaken())

    @property
    def waiting(self) -> Any:
        is_lost = self.request.GET.get("status") == FORSAKEN
        rows = self.forsaken if is_lost else narrowed(self.request, self.rows)
        return rows.shown().order_by("started_at", "pk")


@permit(WRITE)
def unsigned_notes(request: Request) -> HttpResponse:
    asked = Unsigned(request)
    context = {
        "sees_all": asked.sees_all,
        "shows_all": asked.shows_all,
        "whose": [{"value": "", "label": "Mine"}, {"value": "all", "label": "All"}] if asked.sees_all else [],
        "people": asked.people,
        "chosen": asked.chosen,
        "ages": ages_of(asked.rows),
        "statuses": [*statuses_of(), lost(asked.forsaken)],
        "page": Paginator(asked.waiting, PAGE).get_page(request.GET.get("page")),
        "list": "unsigned" if asked.shows_all else f"unsigned-{request.acting.person.pk}",
        "is_filtered": any(request.GET.get(name) for name in ("age", "status", "person", "page")),
        "query": request.GET.urlencode(),
    }
    return render(request, "clinical/encounter/unsigned.html", context)


@permit(WRITE)
def unsigned_export(request: Request) -> HttpResponse:
    """The list as it is filtered; without a word of the notes."""
    rows = [exported(note) for note in Unsigned(request).waiting[:MOST_EXPORTED]]
    return as_file(request, "unsigned-notes", HEADINGS, rows, table="clinical_encounter")


def exported(note: Encounter) -> tuple[Any, ...]:
    whose = (note.patient.number, note.patient.name, note.visit.number)
    hours = (timezone.now() - note.started_at) // timedelta(hours=1)
    begun = f"{timezone.localtime(note.started_at):%Y-%m-%d %H:%M}"
    return *whose, note.title, note.provider.name, note.get_status_display(), begun, hours


def narrowed(request: Request, rows: Any) -> Any:
    age, status = request.GET.get("age", ""), request.GET.get("status", "")
    if age in ("24", "48", "72"):
        rows = rows.older_than(int(age))
    return rows.filter(status=status) if status in Encounter.OPEN else rows


def ages_of(rows: Any) -> list[dict[str, Any]]:
    now = timezone.now()
    older = {hours: Q(started_at__lte=now - timedelta(hours=hours)) for hours in (24, 48, 72)}
    counts = rows.aggregate(all=Count("pk"), **{f"h{hours}": Count("pk", filter=late) for hours, late in older.items()})
    named = [{"value": hours, "label": f"Older than {hours} h", "count": counts[f"h{hours}"]} for hours in older]
    return [{"value": "", "label": "Any age", "count": counts["all"]}, *named]


def statuses_of() -> list[dict[str, Any]]:
    labels = dict(Encounter.Status.choices)
    named = [{"value": status.value, "label": labels[status], "count": None} for status in Encounter.OPEN]
    return [{"value": "", "label": "Any status", "count": None}, *named]


def lost(rows: Any) -> dict[str, Any]:
    """Signed, and no longer unsigned; but nobody is left to co-sign it, until somebody hands it over."""
    return {"value": FORSAKEN, "label": "Co-signer left", "count": rows.count()}


@permit(COSIGN)
def to_cosign(request: Request) -> HttpResponse:
    rows = Encounter.objects.to_cosign(request.acting.person).shown().order_by("signed_at")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "list": f"cosign-{request.acting.person.pk}",
    }
    return render(request, "clinical/encounter/to_cosign.html", context)


def is_key(value: str | None) -> bool:
    try:
        return bool(value) and bool(UUID(value))
    except ValueError:
        return False
