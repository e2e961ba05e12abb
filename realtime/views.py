from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request
from hospital.models import Role
from hospital.permits import MEMBER, permit
from realtime import figures
from realtime.management.commands.events import rows
from realtime.models import Event, Head

NEWEST = 25
COUNTED = {
    figures.OPENED: "Opened",
    figures.AGAIN: "Reconnects",
    figures.GAPS: "Gaps",
    figures.RESYNCS: "Resyncs",
    figures.SLOW: "Too slow",
}


@permit(MEMBER)
def socket(request: Request) -> HttpResponse:
    """Plain HTTP at the socket's address: hospital.asgi sends WebSocket handshakes to realtime.routing."""
    words = "This address speaks WebSocket.\n"
    return HttpResponse(words, status=426, content_type="text/plain", headers={"Upgrade": "websocket"})


@permit("hospital.view_live")
def live(request: Request) -> HttpResponse:
    """How the engine is doing, for this hospital alone: its processes and sockets, the end of its log, the catalogue."""
    head = Head.objects.first()
    told, all_asked = figures.of_all_processes(request.acting.tenant.slug)
    processes = [Process(one, head.seq if head else 0) for one in told]
    context = {
        "head": head,
        "processes": processes,
        "all_asked": all_asked,
        "roles": by_role(processes),
        "sockets": sum(process.sockets for process in processes),
        "behind": max((process.behind for process in processes), default=0),
        "counted": COUNTED.values(),
        "events": Event.objects.order_by("-seq")[:NEWEST],
        "catalogue": rows(),
    }
    return render(request, "realtime/live.html", context)


@dataclass(frozen=True)
class Process:
    """What one process told of this hospital, beside where the log stands."""

    figures: dict[str, Any]
    head: int

    @property
    def name(self) -> str:
        return self.figures["process"]

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.figures["since"])

    @property
    def sockets(self) -> int:
        return sum(role["sockets"] for role in self.figures["roles"].values())

    @property
    def behind(self) -> int:
        """Events that are in the log, and that it had not read when it told its figures."""
        seq = self.figures["seq"]
        return 0 if seq is None else max(0, self.head - seq)

    @property
    def counts(self) -> list[tuple[str, int]]:
        return [(title, self.figures["counts"].get(name, 0)) for name, title in COUNTED.items()]

    @property
    def refused(self) -> list[tuple[str, int]]:
        """By the code of the close."""
        counted = self.figures["counts"].items()
        return sorted((what.split()[1], times) for what, times in counted if what.startswith(figures.REFUSED))


def by_role(processes: Iterable[Process]) -> list[dict[str, Any]]:
    titles = dict(Role.objects.values_list("key", "title"))
    found: dict[str, dict[str, Any]] = {}
    for process in processes:
        for key, told in process.figures["roles"].items():
            one = found.setdefault(key, {"title": titles.get(key, key), **dict.fromkeys(figures.OF_A_ROLE, 0)})
            for name in ("sockets", "owing", "queued"):
                one[name] += told.get(name, 0)  # of a process of the release before, not all is known
            for name in ("events", "seconds"):
                one[name] = max(one[name], told[name])
    return sorted(found.values(), key=lambda one: one["title"])
