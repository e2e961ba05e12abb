"""What follows a form that was saved, with HTMX and without."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect


def answered(request: HttpRequest, address: str) -> HttpResponse:
    """To another page, from wherever the form was."""
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def close(request: HttpRequest, address: str) -> HttpResponse:
    """A dialog over a list closes, and the list follows by itself; a form on its own page leads on."""
    return HttpResponse(status=204, headers={"HX-Trigger": "close-dialog"}) if request.htmx else redirect(address)
