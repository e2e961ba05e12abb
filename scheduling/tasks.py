"""What the clock brings about. Each is also a `manage.py` command.

A sweep finds rows by columns, so that one that was not run for a while finds everything later. Each row is settled in a
transaction of its own, which looks again whether there is still something to do: two sweeps at once share the work, and
what fails for one row or one organisation stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from hospital.celery import app
from hospital.models import Tenant
from hospital.tenancy import acting_for
from scheduling import letters
from scheduling.models import Appointment, AppointmentImport, Hold, ImportLine, Location, Offer

log = logging.getLogger(__name__)
AT_ONCE = 20.0  # seconds that one run of an import may take; the next one goes on
TOLD_EVERY = 20  # lines
Found = Callable[[], list[UUID]]
Settle = Callable[[UUID], bool]


# --- who did not come ---------------------------------------------------------------------


@app.task
def mark_no_shows() -> tuple[int, int]:
    return swept(missed, mark_missed)


def missed() -> list[UUID]:
    return [pk for location in Location.objects.all() for pk in overdue_at(location).values_list("pk", flat=True)]


def overdue_at(location: Location) -> QuerySet[Appointment]:
    """Those whom somebody still expects, although they were marked once, have until the end of the day."""
    now = timezone.now()
    today = now.astimezone(location.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    late = Q(awaited_at=None, begins_at__lte=now - timedelta(minutes=location.no_show_minutes))
    rows = Appointment.objects.filter(location=location, status=Appointment.Status.BOOKED)
    return rows.filter(late | Q(begins_at__lt=today, awaited_at__isnull=False))


def mark_missed(pk: UUID) -> bool:
    appointment = Appointment.objects.select_related("location").get(pk=pk)
    appointment.lock()
    if not overdue_at(appointment.location).filter(pk=pk).exists():
        return False
    appointment.miss(by=None)
    return True


# --- what is held too long ----------------------------------------------------------------


@app.task
def end_holds() -> tuple[int, int]:
    return swept(holds_over, end_hold)


def holds_over() -> list[UUID]:
    return list(Hold.objects.over_unnoticed().values_list("pk", flat=True))


def end_hold(pk: UUID) -> bool:
    hold = Hold.objects.get(pk=pk)
    hold.lock()
    if hold.ended_at:
        return False
    hold.end()
    return True


@app.task
def lapse_offers() -> tuple[int, int]:
    return swept(offers_over, lapse_offer)


def offers_over() -> list[UUID]:
    return list(Offer.objects.over_unnoticed().order_by("expires_at").values_list("pk", flat=True))


def lapse_offer(pk: UUID) -> bool:
    offer = Offer.objects.select_related("wish", "hold", "provider", "location").get(pk=pk)
    offer.lock()
    if offer.outcome:
        return False
    offer.lapse()
    return True


# --- what is to come ----------------------------------------------------------------------


@app.task
def remind_patients() -> tuple[int, int]:
    return swept(to_remind, remind)


def to_remind() -> list[UUID]:
    now, found = timezone.now(), list[UUID]()
    for location in Location.objects.exclude(reminder_hours=0):
        rows = Appointment.objects.filter(
            location=location,
            status=Appointment.Status.BOOKED,
            reminded_at=None,
            begins_at__gt=now,
            begins_at__lte=now + timedelta(hours=location.reminder_hours),
            patient__deceased_at=None,
            patient__is_restricted=False,
        ).exclude(patient__email="")
        found += rows.values_list("pk", flat=True)
    return found


def remind(pk: UUID) -> bool:
    return letters.remind(Appointment.objects.select_related("patient").get(pk=pk))


# --- files with appointments --------------------------------------------------------------


@app.task
def import_lines(tenant_id: str, import_id: str) -> int:
    """Some lines of one file; the beat sees to it that the others follow."""
    tenant = Tenant.objects.get(pk=tenant_id, is_active=True)
    return take_lines(tenant, UUID(import_id), until=monotonic() + AT_ONCE)


@app.task
def continue_imports() -> int:
    """What was begun and not ended, because a worker died or there is much of it."""
    until, taken = monotonic() + AT_ONCE, 0
    for tenant in Tenant.objects.filter(is_active=True):
        with acting_for(tenant):
            running = AppointmentImport.objects.filter(status=AppointmentImport.Status.RUNNING)
            keys = list(running.order_by("started_at").values_list("pk", flat=True))
        for pk in keys:
            taken += take_lines(tenant, pk, until=until)
    return taken


def take_lines(tenant: Tenant, pk: UUID, *, until: float | None = None) -> int:
    """Settle lines until there is none, or the time is over. Lines that another process has in its hands are left to it."""
    taken = last = 0
    while until is None or monotonic() < until:
        number = take_line(tenant, pk, last)
        if number is None:
            break
        taken, last = taken + 1, number
        if taken % TOLD_EVERY == 0:
            recount(tenant, pk)
    recount(tenant, pk)
    return taken


def take_line(tenant: Tenant, pk: UUID, after: int) -> int | None:
    """Its number, or nothing if no line waits."""
    line = None
    try:
        with acting_for(tenant):
            waiting = ImportLine.objects.waiting().filter(of=pk, of__status="running", number__gt=after)
            line = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True).first()
            if line is None:
                return None
            line.take()
    except Exception:
        if line is None:
            raise
        log.exception("line %s of the import %s of %s was not booked", line.number, pk, tenant.slug)
        with acting_for(tenant):
            line.fail()
    return line.number


def recount(tenant: Tenant, pk: UUID) -> None:
    with acting_for(tenant):
        AppointmentImport.objects.get(pk=pk).recount()


# --- how a sweep goes ---------------------------------------------------------------------


def swept(find: Found, settle: Settle) -> tuple[int, int]:
    """How many rows were settled, and how many could not be."""
    done = failed = 0
    for tenant in Tenant.objects.filter(is_active=True):
        for pk in found_in(tenant, find):
            outcome = settled(tenant, pk, settle)
            done, failed = done + (outcome is True), failed + (outcome is None)
    return done, failed


def found_in(tenant: Tenant, find: Found) -> list[UUID]:
    try:
        with acting_for(tenant):
            return find()
    except Exception:
        log.exception("%s was not looked through: %s", tenant.slug, find.__name__)
        return []


def settled(tenant: Tenant, pk: UUID, settle: Settle) -> bool | None:
    """Whether there was something to do; nothing, if it could not be done."""
    try:
        with acting_for(tenant):
            return settle(pk)
    except Exception:
        log.exception("row %s of %s was left for the next time: %s", pk, tenant.slug, settle.__name__)
        return None
