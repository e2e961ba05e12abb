"""While PostgreSQL is away, or busy beyond patience: 503 in plain words, nothing half done, and nothing typed is lost."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import psycopg
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

T = TypeVar("T")
AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
COLLISIONS = ("40P01", "40001")  # a deadlock, and two transactions that cannot both be
TRIES = 3
AFTER = 5  # seconds

log = logging.getLogger(__name__)


def broken(request: HttpRequest) -> HttpResponse:
    """What Django calls when an error reached it, from a view or from any middleware."""
    error = sys.exc_info()[1]
    return away(request) if is_outage(error) else server_error(request)


def is_outage(error: BaseException | None) -> bool:
    return any(isinstance(each, AWAY) for each in chain(error))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it came from: the cause of one raised while cleaning up is below it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def away(request: HttpRequest) -> HttpResponse:
    """No database is asked for this page. A form that was sent can be sent again from it, with the same key."""
    headers = {"Retry-After": str(AFTER)}
    if request.headers.get("HX-Request"):
        return HttpResponse("The records cannot be reached.\n", status=503, headers=headers, content_type="text/plain")
    context = {"address": request.get_full_path(), "is_form": request.method == "POST", "fields": fields_of(request)}
    return HttpResponse(render_to_string("503.html", {**context, "after": AFTER}), status=503, headers=headers)


def fields_of(request: HttpRequest) -> list[tuple[str, str]]:
    """Nothing without a key, which makes sending it twice safe; nor where a file or a password would be missing."""
    if "form_key" not in request.POST or request.FILES or any("password" in name for name in request.POST):
        return []
    return [(name, value) for name, values in request.POST.lists() for value in values]


def persistently(work: Callable[[], T], forget: Callable[[], object]) -> T:
    """Do it again when others were in the way. `work` is one transaction or savepoint, so nothing of it is left."""
    for turn in range(1, TRIES):
        try:
            return work()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in COLLISIONS:
                raise
            log.warning("tried again, %s: %s", turn, type(error.__cause__).__name__)
            forget()
    return work()
