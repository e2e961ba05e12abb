"""What the frame of every page says: the alerts that wait for this person, how many notices are unread,
and what waits at the places of the sidebar. One query, and a second where an alert waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from hospital.http import Request
from hospital.models import Role
from hospital.waiting import Number, current_question
from realtime.alerts.models import ACKNOWLEDGE, NEW, Alert
from realtime.alerts.notices import KEPT, names_for

SHOWN = 3
MANY = 99

ASK = """
    SELECT ARRAY(SELECT a.id FROM realtime_alert a WHERE a.tenant_id = m.tenant AND a.status = 'raised' AND m.person = ANY (a.addressed)),
        coalesce(p.quiet, '{}'), (SELECT count(*) FROM (
        SELECT FROM realtime_event e WHERE e.tenant_id = m.tenant AND e.loud AND e.seq > greatest(p.read_through, past.seq, 0)
            AND e.name = ANY (%(names)s) AND e.loudness ? m.role
            AND coalesce(e.loudness ->> m.person::text, e.loudness ->> m.role) IN ('notice', 'critical') AND (e.people = '{}' OR m.person = ANY (e.people))
            AND NOT EXISTS (SELECT FROM realtime_read r WHERE r.tenant_id = m.tenant AND r.person_id = m.person AND r.event_id = e.id)
        ORDER BY e.seq DESC LIMIT %(many)s) AS unread),
        coalesce((SELECT h.seq FROM realtime_head h WHERE h.tenant_id = m.tenant), 0)
    FROM (SELECT %(tenant)s::uuid AS tenant, %(person)s::uuid AS person, %(role)s::text AS role) AS m
    LEFT JOIN realtime_preference p ON p.tenant_id = m.tenant AND p.person_id = m.person AND p.role = m.role
    LEFT JOIN LATERAL (SELECT o.seq FROM realtime_event o WHERE o.tenant_id = m.tenant AND o.loud
        AND o.created_at <= now() - CASE WHEN p.id IS NULL THEN %(new)s ELSE %(kept)s END
        ORDER BY o.created_at DESC, o.seq DESC LIMIT 1) AS past ON true
"""


WITH_NUMBERS = "SELECT asked.*, {numbers} FROM ({asked}) AS asked"


@dataclass(frozen=True)
class Waiting:
    """An alert as this person sees it: in the acting role, or only that there is one, in another of the own roles."""

    alert: Alert
    title: str
    role_key: str = ""
    role_title: str = ""


@dataclass(frozen=True)
class Frame:
    waiting: list[Waiting]
    unread: int
    quiet: list[str]
    seq: int  # of the log, when the unread were counted
    numbers: dict[str, Number]  # beside the places of the sidebar

    @property
    def shown(self) -> list[Waiting]:
        return self.waiting[:SHOWN]

    @property
    def more(self) -> int:
        return len(self.waiting) - SHOWN

    @property
    def others(self) -> int:
        """Where there is room for one."""
        return max(0, len(self.waiting) - 1)

    @property
    def unread_words(self) -> str:
        return f"{MANY}+" if self.unread > MANY else str(self.unread)


def frame_of(request: Request) -> Frame | None:
    """None for a wall board: nobody sits before it."""
    if not request.acting.may(ACKNOWLEDGE):
        return None
    ids, quiet, unread, seq, numbers = asked(request)
    alerts = Alert.objects.filter(pk__in=ids).order_by("raised_at") if ids else []
    return Frame([waiting(request, alert) for alert in alerts], unread, quiet, seq, numbers)


def waiting(request: Request, alert: Alert) -> Waiting:
    if title := alert.title_for(request.acting.role):
        return Waiting(alert, title)
    role = role_for(request, alert)
    return Waiting(alert, "", role.key, role.title) if role else Waiting(alert, "")


def role_for(request: Request, alert: Alert) -> Role | None:
    """The first of the person's own roles in which it can be read."""
    return next((role for role in request.my_roles if alert.title_for(role)), None)


def asked(request: Request) -> tuple[list[UUID], list[str], int, int, dict[str, Number]]:
    acting = request.acting
    who: dict[str, Any] = {"tenant": acting.tenant.pk, "person": acting.person.pk, "role": acting.role.key}
    bounds = {"new": NEW, "kept": KEPT, "many": MANY + 1, "names": names_for(acting.role)}
    waits = current_question()
    with connection.cursor() as cursor:
        cursor.execute(WITH_NUMBERS.format(numbers=waits.sql, asked=ASK), who | bounds | waits.values)
        ids, quiet, unread, seq, counts = cursor.fetchone()
    return ids, quiet, unread, seq, waits.numbers(counts)
