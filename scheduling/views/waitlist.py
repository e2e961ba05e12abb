"""Who waits for an earlier time, and what is offered to whom."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request
from hospital.permits import permit
from scheduling.models import Wish

WAITING = (Wish.Status.WAITING, Wish.Status.OFFERED)


@permit("scheduling.book")
def waitlist(request: Request) -> HttpResponse:
    wishes = Wish.objects.filter(status__in=WAITING).shown()
    return render(request, "scheduling/waitlist/page.html", {"wishes": wishes})
