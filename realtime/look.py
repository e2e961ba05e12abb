"""What the hub does in a thread in each turn: read the log, render, and then ask whose rights may have changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from realtime.log import Log, Page, Question
from realtime.paint import Painted, paint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a tenant's sockets want to know: the roles that are served, up to where, and who joins from where."""

    after: int
    served: dict[str, int]
    joining: list[tuple[str, str, int]]

    def wanted(self, page: Page) -> dict[str, int]:
        """From which number each role's rows must be rendered."""
        wanted = dict(self.served)
        for role, epoch, seq in self.joining:
            if epoch == str(page.epoch) and page.reaches(seq):
                wanted[role] = min(seq, wanted.get(role, seq))
        return wanted


@dataclass(frozen=True)
class Seen:
    pages: dict[UUID, Page]
    painted: dict[UUID, dict[str, list[Painted]]]  # without those tenants where it failed
    notes: list[Any]  # read after everything else


def look(database: Log, asked: dict[UUID, Asked], question: Question) -> Seen:
    """All of it in one piece of work: each change of threads waits for the scheduler, and then for the interpreter."""
    pages, notes = database.read({tenant_id: one.after for tenant_id, one in asked.items()}, question)
    seen = Seen(pages, {}, notes)
    for tenant_id, one in asked.items():
        try:
            seen.painted[tenant_id] = painted(tenant_id, pages[tenant_id], one)
        except Exception:
            log.exception("tenant %s is not served; it is tried again", tenant_id)
    if any(seen.painted.values()):
        _, seen.notes[:] = database.read({}, question)
    return seen


def painted(tenant_id: UUID, page: Page, asked: Asked) -> dict[str, list[Painted]]:
    wanted = asked.wanted(page)
    return paint(tenant_id, page.rows, wanted) if page.rows and wanted else {}
