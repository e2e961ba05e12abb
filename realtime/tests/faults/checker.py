"""What people were told, against what the database holds."""

from __future__ import annotations

import math
from collections.abc import Iterator

from billing.models import Payment
from clinical.models import Patient, QueuePlace, Visit
from hospital.models import AuditEntry
from hospital.tests.hospital import Hospital
from realtime.models import Event, Head
from realtime.tests.faults.pages import Jump, Page
from realtime.tests.faults.writers import FAIL, OK, Operation

ALLOWED = {OK: (1, 1), FAIL: (0, 0)}


def wrong_writes(hospital: Hospital, operations: list[Operation]) -> Iterator[str]:
    """Nothing that was acknowledged is lost, and nothing happened twice."""
    for operation in operations:
        low, high = ALLOWED.get(operation.result, (0, 1))
        found = effects(operation)
        if not low <= found <= high:
            yield f"{operation.kind} {operation.mark} was told {operation.result} {operation.answers} and is there {found} times"
        if any(500 <= status < 502 or status > 504 for status in operation.answers):
            yield f"{operation.kind} {operation.mark} was answered {operation.answers}"


def effects(operation: Operation) -> int:
    mark = operation.mark
    if operation.kind == "visit":
        visits, patients = Visit.objects.filter(complaint=mark), Patient.objects.filter(given_name=mark[:8].title())
        return max(visits.count(), patients.count())
    if operation.kind == "pay":
        return Payment.objects.filter(reference=mark).count()
    if operation.kind == "move":
        return QueuePlace.objects.filter(reason=mark).count()
    return AuditEntry.objects.filter(table=QueuePlace._meta.db_table, after__called_to=mark).count()


def wrong_log(hospital: Hospital) -> Iterator[str]:
    """Dense, up to the head, and about things that are there."""
    numbers = list(Event.objects.order_by("seq").values_list("seq", flat=True))
    head = Head.objects.get().seq
    if numbers != list(range(1, head + 1)):
        yield f"the log of {hospital.tenant.slug} is not dense: {len(numbers)} events, head {head}"
    about = set(Event.objects.filter(name__startswith="visit:").values_list("object_id", flat=True))
    if phantoms := about - set(Visit.objects.values_list("pk", flat=True)):
        yield f"{len(phantoms)} events of {hospital.tenant.slug} are about nothing"


def wrong_stories(pages: list[Page]) -> Iterator[str]:
    """Each page heard what its role hears, in order, once; except what a resync made it fetch."""
    rows = list(Event.objects.order_by("seq").values_list("seq", "name", "roles", "people"))
    for page in pages:
        heard = [item for item in page.heard if isinstance(item, str)]
        due = [
            name
            for seq, name, roles, people in rows
            if page.began < seq <= page.seq and page.role in roles and not people and not within(seq, page.jumps)
        ]
        if heard != due:
            yield f"{page.role} on {page.path} heard {len(heard)} events of {len(due)}: {heard[-5:]} / {due[-5:]}"


def within(seq: int, jumps: list[Jump]) -> bool:
    return any(jump.before < seq <= jump.after for jump in jumps)


def foreign_words(pages: list[Page], hospitals: list[Hospital]) -> Iterator[str]:
    """No page got a byte about another hospital's patients: each family name there is the hospital's own mark."""
    for page in pages:
        text = "".join(page.received)
        for hospital in hospitals:
            if hospital.tenant.slug != page.tenant and hospital.mark in text:
                yield f"{page.path} was told of {hospital.tenant.slug}"


def lags(hospital: Hospital, pages: list[Page], since: float, until: float) -> list[float]:
    """Seconds from a write to the moment when a page had it, of what was written in between and the page hears."""
    written = {
        seq: (at.timestamp(), roles)
        for seq, at, roles in Event.objects.filter(people=[]).values_list("seq", "created_at", "roles")
        if since <= at.timestamp() <= until
    }
    return [
        when - written[seq][0]
        for page in pages
        for seq, when in page.heard_when.items()
        if seq in written and page.role in written[seq][1]
    ]


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))] if ordered else 0.0
