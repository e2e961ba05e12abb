"""Turns rows of the log into what a role's pages get: each fragment is rendered once per role, in one thread."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Model

from hospital.middleware import script_prefix
from hospital.models import Role, Tenant
from hospital.seals import is_closed
from hospital.tenancy import acting_for
from realtime.catalogue import LiveEvent, Loudness, catalogue
from realtime.log import Row
from realtime.render import render

log = logging.getLogger(__name__)

# Queries of the ORM must not hold up the event loop, and one thread keeps the order.
thread = ThreadPoolExecutor(1, thread_name_prefix="live-render")
REMEMBERED = 1.0  # seconds
tenants: dict[UUID, tuple[float, Tenant]] = {}


@dataclass(frozen=True)
class Painted:
    """One event as a role sees it. Without words it is only a number, so that the role's chain holds."""

    row: Row
    key: tuple[str, UUID]
    html: str
    words: dict[str, Any]
    louder: dict[str, Any] | None = None  # the words for those who hear it more loudly than their role

    def for_person(self, person: UUID) -> Painted:
        return replace(self, words=self.louder) if self.louder and self.row.is_louder_for(person) else self


def paint(tenant_id: UUID, rows: list[Row], wanted: dict[str, int]) -> dict[str, list[Painted]]:
    """For each wanted role, what it hears of the rows after a number. Raises when the database is away."""
    try:
        return Painter(tenant_of(tenant_id), rows).for_roles(wanted)
    except (OperationalError, InterfaceError):
        connection.close()
        raise


def tenant_of(tenant_id: UUID) -> Tenant:
    """Its name, currency and hours, which may be a second old. Rights are asked anew in each turn."""
    known = tenants.get(tenant_id)
    if known is None or time.monotonic() - known[0] > REMEMBERED:
        known = tenants[tenant_id] = time.monotonic(), Tenant.objects.get(pk=tenant_id)
    return known[1]


def frame(prev: int, seq: int, painted: Iterable[Painted]) -> str:
    """The newest form of each fragment, once, and the events in their order."""
    painted = [item for item in painted if item.words]
    newest = {item.key: item.html for item in painted if item.html}
    content = {"prev": prev, "seq": seq, "html": list(newest.values()), "events": [item.words for item in painted]}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


class Painter:
    def __init__(self, tenant: Tenant, rows: list[Row]) -> None:
        self.tenant, self.rows = tenant, rows
        self.objects: dict[type, dict[UUID, Any]] = {}

    def for_roles(self, wanted: dict[str, int]) -> dict[str, list[Painted]]:
        """One transaction for all of them, and one question for their permissions, asked anew in each turn."""
        with acting_for(self.tenant), script_prefix(f"/{self.tenant.slug}/"):
            return {role.key: self.for_role(role, wanted[role.key]) for role in Role.objects.with_keys(wanted)}

    def for_role(self, role: Role, after: int) -> list[Painted]:
        heard = [row for row in self.rows if row.seq > after and role.key in row.roles]
        if not heard:
            return []
        fragments: dict[tuple[str, UUID], str] = {}
        with acting_for(self.tenant, None, role):
            return [self.one(row, role, fragments) if may_be_told(role, row) else mute(row) for row in heard]

    def one(self, row: Row, role: Role, fragments: dict[tuple[str, UUID], str]) -> Painted:
        """A fragment that cannot be rendered becomes an event without one, and the pages fetch their regions again."""
        event = catalogue.by_name.get(row.name)
        words: dict[str, Any] = {"seq": row.seq, "name": row.name}
        words |= {"about": str(row.patient_id)} if row.patient_id else {}
        key = (event.template if event else "", row.object_id)
        try:
            with transaction.atomic():
                if event is None:
                    raise LookupError(f"{row.name} is not in the catalogue of this release")
                if event.tells and not event.tells(self.object(event, row), role):
                    return mute(row)
                if is_closed(self.object(event, row)):
                    words |= {"refetch": True}  # who has opened it would be shown less than the page shows
                elif event.template and key not in fragments:
                    fragments[key] = render(event.template, self.object(event, row))
                louder = words | self.loud_words(event, row, role.key, personal_level(row))
                words |= self.loud_words(event, row, role.key, row.loudness[role.key])
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("%s %s could not be rendered for %s", row.name, row.object_id, role.key)
            louder = words | {"refetch": True} | bare_words(row, personal_level(row))
            words |= {"refetch": True} | bare_words(row, row.loudness[role.key])
        return Painted(row, key, fragments.get(key, ""), words, louder)

    def object(self, event: LiveEvent, row: Row) -> Any:
        if event.model not in self.objects:
            self.objects[event.model] = self.objects_of(event.model)
        return self.objects[event.model][row.object_id]

    def objects_of(self, model: type[Model]) -> dict[UUID, Any]:
        """All that the rows tell of, at once; where the model says what a row of a list needs, with that."""
        names = {event.name for event in catalogue.by_model[model]}
        found = model._base_manager.filter(pk__in={row.object_id for row in self.rows if row.name in names}).order_by()
        return {one.pk: one for one in (found.shown() if hasattr(found, "shown") else found)}

    def loud_words(self, event: LiveEvent, row: Row, role: str, level: str) -> dict[str, str]:
        if level == Loudness.INFO:
            return {}
        object = self.object(event, row)
        return {**bare_words(row, level), "title": event.title_for(object, role), "link": event.link_for(object)}


def may_be_told(role: Role, row: Row) -> bool:
    """Looked up anew for each turn: a permission that was taken away counts from the next event on."""
    event = catalogue.by_name.get(row.name)
    return event is None or event.is_for(role.permissions)


def mute(row: Row) -> Painted:
    return Painted(row, ("", row.object_id), "", {})


def personal_level(row: Row) -> str:
    """How loudly those hear it who hear it more loudly than their role."""
    return next((level for key, level in row.loudness.items() if key not in row.roles), Loudness.INFO)


def bare_words(row: Row, level: str) -> dict[str, str]:
    if level == Loudness.INFO:
        return {}
    noun, _, verb = row.name.replace("_", " ").partition(":")
    return {"loudness": level, "title": f"{noun.capitalize()} {verb}", "link": ""}
