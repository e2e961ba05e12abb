"""The inbox of messages that other systems send: what waits for a person, and what became of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.chart import open_chart
from clinical.hl7.field_names import name_of, title_of
from clinical.hl7.intake import subjects
from clinical.hl7.reading import Unreadable, Value, read
from clinical.hl7.settling import alike, do, named
from clinical.models import Hl7Message, Hl7Sender, Patient
from clinical.models.message import MANAGE, families_of
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit

PAGE, FOUND, LONGEST_FIELD = 50, 8, 400
Status = Hl7Message.Status
STATES = {"": ("Waiting", Status.WAITING), "aside": ("Put aside", Status.ASIDE), "applied": ("Applied", Status.APPLIED)}


@permit(MANAGE)
def messages(request: Request) -> HttpResponse:
    mine = Hl7Message.objects.seen_by(request.acting)
    chosen = narrowed(mine, request)
    state = request.GET.get("state", "")
    shown = chosen if state == "all" else chosen.filter(status=STATES.get(state, STATES[""])[1])
    context = {
        "page": Paginator(shown.select_related("sender", "patient"), PAGE).get_page(request.GET.get("page")),
        "pills": pills(chosen),
        "families": [(one.value, one.label) for one in Hl7Message.Family if one.value in families_of(request.acting)],
        "reasons": [(one.value, one.label) for one in Hl7Message.Reason if one.value],
        "senders": Hl7Sender.objects.filter(pk__in=mine.order_by().values("sender").distinct()),
        "filters": {name: request.GET.get(name, "") for name in ("family", "reason", "sender", "q")},
    }
    return render(request, "clinical/message/list.html", context)


def narrowed(rows: QuerySet, request: Request) -> QuerySet:
    said = request.GET
    if said.get("family"):
        rows = rows.filter(family=said["family"])
    if said.get("reason"):
        rows = rows.filter(waits_for=said["reason"])
    if (sender := key_in(said.get("sender", ""))) is not None:
        rows = rows.filter(sender=sender)
    text = said.get("q", "").replace("\0", "").strip()[:100]
    named = Q(control_id__icontains=text) | Q(words__icontains=text) | Q(effect__icontains=text)
    return (
        rows.filter(named | Q(code__iexact=text) | Q(trigger__iexact=text) | Q(via__icontains=text)) if text else rows
    )


def key_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def pills(rows: QuerySet) -> list[dict[str, Any]]:
    counted = dict(rows.order_by().values_list("status").annotate(Count("pk")))
    found = [{"value": key, "label": label, "count": counted.get(status, 0)} for key, (label, status) in STATES.items()]
    return [*found, {"value": "all", "label": "All", "count": sum(counted.values())}]


@permit(MANAGE)
def message(request: Request, pk: UUID) -> HttpResponse:
    """With what it says, and what can be done. Who opens it is written down, as for a chart."""
    row = the_message(request, pk)
    note_reading(row)
    query = request.GET.get("q", "").replace("\0", "").strip()[:100]
    waiting = row.is_waiting
    found = list(Patient.objects.search(query)[:FOUND]) if query and waiting else []
    candidates = alike(row) if waiting and row.waits_for in ("patient", "conflict") else []
    for patient in {*found, *(one for one, _, _ in candidates)} - {row.patient}:
        open_chart(patient, page="message", at_work=True)
    context = {
        "row": row,
        "segments": segments_of(row),
        "raw": readable(row.raw),
        "query": query,
        "found": found,
        "candidates": candidates,
        "asks": asks_of(row) if waiting else [],
        "fields": [one for one in row.asks if one["subject"] == "field"],
    }
    return render(request, "clinical/message/page.html", context)


@permit(MANAGE, "POST")
def message_do(request: Request, pk: UUID) -> HttpResponse:
    row = the_message(request, pk)
    note_reading(row)
    do(row, request.POST, by=request.acting.person)
    return redirect(row)


def the_message(request: Request, pk: UUID) -> Hl7Message:
    rows = Hl7Message.objects.seen_by(request.acting).select_related("sender", "patient", "settled_by")
    return get_object_or_404(rows, pk=pk)


def note_reading(row: Hl7Message) -> None:
    whose = [row.patient] if row.patient else named(row)
    for patient in whose:
        open_chart(patient, page="message")
    if whose:
        return
    AuditEntry.note("view", table=row._meta.db_table, row_id=row.pk, patient_id=None, detail={"page": "message"})


# --- what is shown of it ------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    name: str
    title: str
    fields: list[tuple[int, str, str]]


def segments_of(row: Hl7Message) -> list[Line]:
    """Each segment with the fields that say something, by name and number."""
    try:
        parsed = read(row.raw)
    except Unreadable:
        return []
    lines = []
    for segment in parsed.segments:
        start = 3 if segment.name == "MSH" else 1
        numbers = range(start, len(segment.parsed))
        fields = [
            (number, name_of(segment.name, number), shown(segment.all(number)))
            for number in numbers
            if segment.all(number)
        ]
        lines.append(Line(segment.name, title_of(segment.name), fields))
    return lines


def shown(values: list[Value]) -> str:
    """Components with spaces between them; what is very long, such as a file, is cut."""
    pieces = []
    for value in values:
        parts = [value.part(number) for number in range(1, value.text.count(value.marks.component) + 2)]
        pieces.append(" ".join(filter(None, parts)))
    text = "; ".join(pieces)
    return f"{text[:LONGEST_FIELD]}…" if len(text) > LONGEST_FIELD else text


def readable(raw: bytes) -> str:
    """As it came, one segment a line."""
    text = raw.decode("utf-8", errors="replace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(f"{line[:LONGEST_FIELD]}…" if len(line) > 4 * LONGEST_FIELD else line for line in lines)


def asks_of(row: Hl7Message) -> list[dict[str, Any]]:
    found = []
    for one in row.asks:
        subject = subjects().get(one["subject"])
        if subject is not None:
            found.append({**one, "label": subject.label, "options": subject.options()})
    return found
