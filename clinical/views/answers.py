"""What follows a form that was saved, with HTMX and without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from clinical import days
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.spreadsheets import as_csv


def answered(request: Request, address: str) -> HttpResponse:
    """To another page, from wherever the form was. A page that is there already is loaded again: to go to a place in it would not."""
    if not request.htmx:
        return redirect(address)
    here = urlsplit(request.htmx.current_url_abs_path or "").path
    return HttpResponseClientRefresh() if here == urlsplit(address).path else HttpResponseClientRedirect(address)


def close(request: Request, address: str) -> HttpResponse:
    """A dialog over a list closes, and the list follows by itself; a form on its own page leads on."""
    return HttpResponse(status=204, headers={"HX-Trigger": "close-dialog"}) if request.htmx else redirect(address)


def way_back(asked: str, otherwise: str = "") -> str:
    """The address of ours that a page was asked to lead back to."""
    return asked if url_has_allowed_host_and_scheme(asked, allowed_hosts=None) else otherwise


def as_file(
    request: Request,
    name: str,
    headings: Iterable[str],
    rows: Sequence[Iterable[Any]],
    *,
    table: str,
    patient_id: UUID | None = None,
) -> HttpResponse:
    """A list as it is filtered, for a spreadsheet. Who took it is written down."""
    detail = {"rows": len(rows), "filters": request.GET.dict()}
    AuditEntry.note("export", table=table, patient_id=patient_id, detail=detail)
    return HttpResponse(
        as_csv([headings, *rows]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-{days.today()}.csv"'},
    )
