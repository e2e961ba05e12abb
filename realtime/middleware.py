"""The page says up to where it knows the log."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from hospital.context import current_or_none
from hospital.http import Request
from realtime.models import Head


class Cursor:
    """Read before the view's first query, so that the page can miss nothing: at worst it hears of something it shows."""

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if current_or_none() and not getattr(request, "htmx", False):
            request.live_cursor = Head.cursor()
        return self.get_response(request)
