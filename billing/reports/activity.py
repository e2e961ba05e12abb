"""What happened last, in the words of the event log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model, QuerySet

from realtime.catalogue import LiveEvent, catalogue
from realtime.models import Event

ICONS = {
    "patient": "user",
    "visit": "clipboard-list",
    "queue": "volume",
    "lab_order": "flask",
    "lab": "flask",
    "prescription": "pill",
    "payment": "cash",
    "stock": "packages",
    "document": "file-text",
    "user": "user-check",
}
WITH = ("patient", "visit", "person", "medicine", "test")


@dataclass(frozen=True)
class Entry:
    at: datetime
    icon: str
    title: str
    url: str


def latest(role: str, count: int = 12) -> list[Entry]:
    """The last events that this role hears and that have words, newest first. One query for each kind of row."""
    events = list(
        Event.objects.filter(roles__contains=[role], people=[], name__in=spoken_names()).order_by("-created_at", "-pk")[
            :count
        ]
    )
    rows = rows_of(events)
    known = [(event, catalogue.by_name[event.name], rows.get((event.name, event.object_id))) for event in events]
    return [entry_of(event, declared, row, role) for event, declared, row in known if row is not None]


def spoken_names() -> list[str]:
    return [event.name for event in catalogue if event.title]


def rows_of(events: list[Event]) -> dict[tuple, Model]:
    by_name: dict[str, set] = defaultdict(set)
    for event in events:
        by_name[event.name].add(event.object_id)
    return {
        (name, row.pk): row
        for name, ids in by_name.items()
        for row in readable(catalogue.by_name[name]).filter(pk__in=ids)
    }


def readable(event: LiveEvent) -> QuerySet:
    """The rows with what their titles mention."""
    keys = [field.name for field in event.model._meta.local_fields if field.many_to_one and field.name in WITH]
    return event.model._base_manager.select_related(*keys)


def entry_of(event: Event, declared: LiveEvent, row: Model, role: str) -> Entry:
    icon = ICONS.get(event.name.split(":")[0], "point")
    return Entry(event.created_at, icon, declared.title_for(row, role), declared.link_for(row))
