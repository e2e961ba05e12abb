"""What follows a form that was saved, with HTMX and without."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from hospital.http import Request


def answered(request: Request, address: str) -> HttpResponse:
    """To another page, from wherever the form was. A page that is there already is loaded again: to go to a place in it would not."""
    if not request.htmx:
        return redirect(address)
    here = urlsplit(request.htmx.current_url_abs_path or "").path
    return HttpResponseClientRefresh() if here == urlsplit(address).path else HttpResponseClientRedirect(address)


def close(request: Request, address: str) -> HttpResponse:
    """A dialog over a list closes, and the list follows by itself; a form on its own page leads on."""
    return HttpResponse(status=204, headers={"HX-Trigger": "close-dialog"}) if request.htmx else redirect(address)
