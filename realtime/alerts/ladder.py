"""How an alert climbs. Every step is one transaction with its rows, letters and events; the clock is a column.

So a sweep that comes late takes the one step that is due by now, and a second sweep finds nothing to do.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from hospital.models import Absence, Letter, Membership, Tenant
from hospital.tenancy import acting_for
from realtime.alerts.models import Alert, Climb, Ladder, Preference, Step, Told
from realtime.alerts.reach import Addressee, Reach

log = logging.getLogger(__name__)


def begin(alert: Alert, now: datetime) -> None:
    """Raise it: to the person whose it is, or higher if nobody is there."""
    alert.raised_at = now
    reach, ladder = Reach(alert, now), Ladder.of(alert.kind)
    alert.step, people = first_with_people(reach, Step.PERSON)
    address(alert, people)
    alert.next_at = ladder.next_after(alert.step, now, now)
    alert.start(by=None)
    tell(alert, ladder, people, number=0, due_at=now, now=now, why=why_of(Step.PERSON, alert.step))


def climb(alert: Alert, now: datetime) -> None:
    """Take the step that is due by the clock. The caller holds the row."""
    reach, ladder = Reach(alert, now), Ladder.of(alert.kind)
    if alert.step == Step.ADMIN:
        return repeat(alert, ladder, reach, now)
    wanted = max(ladder.due_step(now - alert.raised_at), alert.step + 1)
    is_early = alert.next_at is None or now < alert.next_at
    due_at = now if is_early else alert.raised_at + ladder.after(wanted)
    former, (alert.step, last) = alert.step, first_with_people(reach, wanted)
    people = distinct([*(one for step in range(former + 1, wanted) for one in reach.on(step)), *last])
    new = [one for one in people if one.person.pk not in alert.addressed] or people
    why = (
        "the person is not there any more" if is_early else why_of(wanted, alert.step, passed=range(former + 1, wanted))
    )
    save(alert, ladder, new, now)
    return tell(alert, ladder, new, number=alert.climbs.count(), due_at=due_at, now=now, why=why)


def repeat(alert: Alert, ladder: Ladder, reach: Reach, now: datetime) -> None:
    people, due_at = reach.on(Step.ADMIN), alert.next_at or now
    save(alert, ladder, people, now)
    tell(alert, ladder, people, number=alert.climbs.count(), due_at=due_at, now=now, why="still not acknowledged")


def first_with_people(reach: Reach, wanted: int) -> tuple[int, list[Addressee]]:
    """The lowest step from here on where somebody is; the last, if nobody is anywhere."""
    for step in range(wanted, Step.ADMIN + 1):
        if people := reach.on(step):
            return step, people
    log.error("nobody can be told of an alert of %s: no administrator is active", reach.alert.kind)
    return Step.ADMIN, []


def why_of(wanted: int, reached: int, passed: range = range(0)) -> str:
    """What is unusual about this step: those that were due too by now, and those where nobody was."""
    also = f"together with: {names_of(passed)}" if passed else ""
    return ", ".join(
        filter(None, [also, f"nobody there: {names_of(range(wanted, reached))}" if wanted < reached else ""])
    )


def names_of(steps: range) -> str:
    return ", ".join(str(Step(step).label).lower() for step in steps)


def address(alert: Alert, people: list[Addressee]) -> None:
    alert.addressed = [*alert.addressed, *(one.person.pk for one in people if one.person.pk not in alert.addressed)]


def save(alert: Alert, ladder: Ladder, people: list[Addressee], now: datetime) -> None:
    address(alert, people)
    alert.next_at = ladder.next_after(alert.step, alert.raised_at, now)
    alert.save(update_fields=["step", "addressed", "next_at"])


def tell(
    alert: Alert, ladder: Ladder, people: list[Addressee], *, number: int, due_at: datetime, now: datetime, why: str
) -> None:
    taken = Climb.objects.create(alert=alert, number=number, step=alert.step, why=why, due_at=due_at, at=now)
    silent = Preference.without_mails([one.person.pk for one in people])
    for one in people:
        told(taken, one, Told.Channel.SCREEN)
        if alert.step >= ladder.mail_from and (one.person.pk, one.role) not in silent:
            Letter.post("alert", about=alert.pk, to=one.person.email)
            told(taken, one, Told.Channel.MAIL)


def told(taken: Climb, one: Addressee, channel: str) -> None:
    Told.objects.create(climb=taken, person=one.person, role=one.role, why=one.why, channel=channel, at=taken.at)


def distinct(people: list[Addressee]) -> list[Addressee]:
    return list({one.person.pk: one for one in reversed(people)}.values())[::-1]


# --- the sweep --------------------------------------------------------------------------


def sweep(now: datetime | None = None) -> int:
    """Every alert of every tenant whose time has come takes one step. Returns how many did."""
    return sum(sweep_in(tenant, now) for tenant in Tenant.objects.filter(is_active=True))


def sweep_in(tenant: Tenant, now: datetime | None = None) -> int:
    """Each in a transaction of its own; what another sweep holds is left to it, and one that fails stops no other."""
    climbed, tried = 0, set[UUID]()
    while True:
        with acting_for(tenant):
            alert = due(now or timezone.now()).exclude(pk__in=tried).first()
            if alert is None:
                return climbed
            tried.add(alert.pk)
            climbed += has_climbed(alert, now or timezone.now())


def has_climbed(alert: Alert, now: datetime) -> bool:
    try:
        with transaction.atomic():
            climb(alert, now)
    except Exception:
        log.exception("alert %s did not climb", alert.pk)
        return False
    return True


def due(now: datetime) -> QuerySet[Alert]:
    """Its time has come, or the person whose it is has gone since it was raised."""
    late = Q(next_at__lte=now)
    rows = Alert.objects.open().filter(late | Q(step=Step.PERSON) & ~Q(answers=None) & is_gone(now))
    return rows.order_by("next_at").select_for_update(of=("self",), skip_locked=True, no_key=True)


def is_gone(now: datetime) -> Q:
    here = Membership.objects.filter(person=OuterRef("answers"), is_active=True, person__is_active=True)
    away = Absence.objects.at(now).filter(person=OuterRef("answers"))
    return Q(~Exists(here)) | Q(Exists(away))
