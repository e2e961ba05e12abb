"""The page says up to where it knows the log, and which of its regions it wants anew."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from hospital.context import current_or_none
from hospital.http import Request
from realtime.models import Head
from realtime.regions import regions_asked


class Cursor:
    """Read before the view's first query, so that the page can miss nothing: at worst it hears of something it shows."""

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.live_regions = regions_asked(request)
        if current_or_none() and not (request.live_regions or getattr(request, "htmx", False)):
            request.live_cursor = Head.cursor()
        return self.get_response(request)
