"""Couriers' lists: packed by scanner, signed when they leave, and signed when they arrive."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical import biopsy_scans
from clinical.chart import note_mention
from clinical.forms.biopsy import BeginManifest, ReceiveManifest, ScanPart, SendManifest
from clinical.models import Biopsy, CourierManifest, ManifestItem, Patient
from clinical.models.biopsy import COLLECT, VIEW
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused

PAGE, PAPER = 50, "courier's list"
S = CourierManifest.Status


@permit(VIEW, "GET", "POST")
def manifests(request: Request) -> HttpResponse:
    form = BeginManifest(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = CourierManifest.begin(form.cleaned_data["laboratory"], by=request.acting.person)
        return redirect(made)
    status = request.GET.get("status", "")
    known = dict(CourierManifest.objects.order_by().values_list("status").annotate(Count("pk")))
    rows = CourierManifest.objects.shown()
    rows = rows.filter(status=status) if status in S.values else rows
    pills = [{"value": "", "label": "All", "count": sum(known.values())}]
    pills += [{"value": value, "label": label, "count": known.get(value, 0)} for value, label in S.choices]
    context = {"page": Paginator(rows, PAGE).get_page(request.GET.get("page")), "pills": pills, "form": form}
    return render(request, "clinical/biopsy/manifests.html", context, status=422 if form.errors else 200)


@permit(VIEW)
def manifest(request: Request, pk: UUID) -> HttpResponse:
    return page_of(request, found(pk))


def found(pk: UUID) -> CourierManifest:
    return get_object_or_404(CourierManifest.objects.shown(), pk=pk)


def items_of(row: CourierManifest) -> list[ManifestItem]:
    return list(row.items.select_related("part__biopsy__patient", "added_by").order_by("added_at"))


def patients_of(items: list[ManifestItem]) -> set[Patient]:
    return {item.part.biopsy.patient for item in items}


def page_of(request: Request, row: CourierManifest, **more: Any) -> HttpResponse:
    items = items_of(row)
    waiting = Biopsy.objects.filter(status=Biopsy.Status.COLLECTED, laboratory=row.laboratory).shown()
    left = without(waiting, items) if row.is_packing else []
    note_mention({*patients_of(items), *(one.patient for one in left)}, page=PAPER)
    context = {
        "manifest": row,
        "items": items,
        "form": ScanPart(),
        "waiting": left,
        "send": SendManifest(request=request),
        "receive": ReceiveManifest(request=request, items=items, initial={"arrived": there_already(items)}),
        "is_sender": row.sent_by_id == request.acting.person.pk,
        **more,
    }
    bound = any(getattr(form, "errors", None) for form in more.values())
    return render(request, "clinical/biopsy/manifest.html", context, status=422 if bound else 200)


def there_already(items: list[ManifestItem]) -> list[str]:
    """What was received by scanner before the list is signed."""
    return [str(item.pk) for item in items if item.part.received_at]


def without(waiting: Any, items: list[ManifestItem]) -> list[Biopsy]:
    listed = {item.part.biopsy_id for item in items}
    return [row for row in waiting.order_by("serial")[:PAGE] if row.pk not in listed]


@permit(COLLECT, "POST")
def manifest_scan(request: Request, pk: UUID) -> HttpResponse:
    """A container goes into the bag. A scanner gets its line, a person the page."""
    row, form = found(pk), ScanPart(request.POST)
    text = form.cleaned_data["scan"] if form.is_valid() else request.POST.get("scan", "")
    scan = biopsy_scans.pack(row, text, by=request.acting.person)
    if request.headers.get("X-Scan"):
        return render(request, "clinical/biopsy/_scan.html", {"scan": scan})
    if scan.outcome == "bad":
        form.add_error("scan", scan.words)
        return page_of(request, found(pk), form=form)
    return redirect(row)


@permit(COLLECT, "POST")
def manifest_add(request: Request, pk: UUID, biopsy: UUID) -> HttpResponse:
    """All containers of a biopsy, by hand."""
    row = found(pk)
    wanted = get_object_or_404(Biopsy, pk=biopsy)
    listed = set(row.items.values_list("part_id", flat=True))
    for part in wanted.specimens.exclude(pk__in=listed).select_related("biopsy__laboratory"):
        row.add(part, by=request.acting.person)
    return answered(request, row.get_absolute_url())


@permit(COLLECT, "POST")
def manifest_take_out(request: Request, pk: UUID) -> HttpResponse:
    item = get_object_or_404(ManifestItem.objects.select_related("manifest"), pk=pk)
    item.manifest.take_out(item, by=request.acting.person)
    return answered(request, item.manifest.get_absolute_url())


@permit(COLLECT, "POST")
def manifest_send(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = SendManifest(request.POST, request=request)
    if form.is_valid():
        said = form.cleaned_data
        try:
            row.send(said["count"], said["courier"], by=request.acting.person)
        except Refused as problem:
            form.add_error(problem.field or None, str(problem))
        else:
            messages.success(request, f"{row.number} is on its way.")
            return answered(request, row.get_absolute_url())
    return page_of(request, found(pk), send=form)


@permit(COLLECT, "POST")
def manifest_receive(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = ReceiveManifest(request.POST, request=request, items=items_of(row))
    if form.is_valid():
        said = form.cleaned_data
        try:
            row.receive(said["count"], said["arrived"], said["taken_by"], by=request.acting.person)
        except Refused as problem:
            form.add_error(problem.field or None, str(problem))
        else:
            told = messages.warning if row.differences else messages.success
            told(request, f"{row.number} is received. {row.differences or 'Both ends agree.'}")
            return answered(request, row.get_absolute_url())
    return page_of(request, found(pk), receive=form)


@permit(COLLECT, "POST")
def manifest_cancel(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    row.cancel(by=request.acting.person)
    messages.success(request, f"{row.number} is cancelled. What was on it can go on another list.")
    return answered(request, row.get_absolute_url())


@permit(VIEW)
def manifest_print(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    items = items_of(row)
    note_mention(patients_of(items), page=PAPER)
    context = {"manifest": row, "items": items, "back": row.get_absolute_url()}
    return render(request, "clinical/biopsy/manifest_print.html", context)
