"""The wall of the waiting room: tokens and rooms, and nothing about anybody. A call stays until the visit goes on, at most half an hour."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from clinical.models import QueuePlace
from hospital.http import Request
from hospital.permits import permit

SHOWN_FOR = timedelta(minutes=30)
ROOM_FOR = 12


@permit("clinical.view_board")
def board(request: Request) -> HttpResponse:
    here = QueuePlace.objects.filter(ended_at=None)
    called = here.filter(called_at__gte=timezone.now() - SHOWN_FOR).order_by("-called_at")[:ROOM_FOR]
    return render(request, "clinical/board/page.html", {"called": called, "waiting": waiting(here)})


def waiting(here) -> list[dict]:
    """The tokens that are called next, queue by queue."""
    queues: dict[str, list[QueuePlace]] = {queue: [] for queue in QueuePlace.Queue.values}
    for place in here.filter(called_at=None):
        queues[place.queue].append(place)
    return [
        {"label": QueuePlace.Queue(queue).label, "count": len(places), "places": places[:6]}
        for queue, places in queues.items()
    ]
