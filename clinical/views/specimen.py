"""Specimens: the round, receiving by scanner, labels, rejection, and where they are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from clinical import scanned
from clinical.chart import open_chart
from clinical.forms.specimen import Confirm, Find, Receive, RejectSpecimen, Round, Store
from clinical.labels import Bars, Label, pdf
from clinical.models import LabOrder, Patient, QueuePlace, Specimen
from clinical.models.specimen import Specimens
from clinical.views.answers import answered, as_file, way_back
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import IllegalMove, Refused

PROCESS = "clinical.process_lab"
PAGE = 50
MOST_EXPORTED = 10_000
HEADINGS = (
    *("Number", "Patient", "Name", "Specimen", "Tests", "Status", "Place"),
    *("Collected", "Received", "Stored", "Discarded"),
)
S = Specimen.Status
PILLS = (
    ("expected", "To collect"),
    ("collected", "On the way"),
    ("received", "Received"),
    ("stored", "Stored"),
    ("discard", "To discard"),
    ("rejected", "Rejected"),
    ("", "All"),
)


# --- lists ----------------------------------------------------------------------------------


@permit(PROCESS)
def specimens(request: Request) -> HttpResponse:
    rows, form, text, status = asked_for(request)
    pages, known = Paginator(rows, PAGE), counts()
    if not text:
        pages.count = known[status]
    context = {
        "page": pages.get_page(request.GET.get("page")),
        "form": form,
        "text": text,
        "status": status,
        "pills": [{"value": value, "label": label, "count": known[value]} for value, label in PILLS],
        "query": request.GET.urlencode(),
    }
    return render(request, "clinical/specimen/list.html", context)


def asked_for(request: Request) -> tuple[Specimens, Find, str, str]:
    """The rows that the address asks for, the newest first, and what narrows them."""
    chosen = request.GET.get("status", "received")
    status = chosen if chosen in dict(PILLS) else "received"
    form = Find(request.GET)
    text = form.cleaned_data["q"].strip() if form.is_valid() else ""
    rows = found(text) if text else of_pill(status)
    return rows.shown().order_by("-serial"), form, text, status


@permit(PROCESS)
def specimens_export(request: Request) -> HttpResponse:
    rows = [exported(tube) for tube in asked_for(request)[0][:MOST_EXPORTED]]
    return as_file(request, "specimens", HEADINGS, rows, table="clinical_specimen")


def exported(tube: Specimen) -> tuple[Any, ...]:
    tests = " ".join(order.test.code for order in tube.orders.all())
    place = f"{tube.rack} {tube.position}".strip()
    who = (tube.patient.number, tube.patient.name)
    return tube.number, *who, tube.type_name, tests, tube.get_status_display(), place, *map(minute, times_of(tube))


def times_of(tube: Specimen) -> tuple[datetime | None, ...]:
    return tube.collected_at, tube.received_at, tube.stored_at, tube.discarded_at


def minute(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def found(text: str) -> Specimens:
    """By the number on the tube, or by anything that finds a patient."""
    try:
        specimen = Specimen.by_accession(text)
    except Refused:
        return Specimen.objects.filter(patient__in=list(Patient.objects.search(text)[:50]))
    return Specimen.objects.filter(pk=specimen.pk) if specimen else Specimen.objects.none()


def of_pill(status: str) -> Specimens:
    if status == "discard":
        return Specimen.objects.to_discard(timezone.now())
    return Specimen.objects.filter(status=status) if status else Specimen.objects.all()


def counts() -> dict[str, int]:
    """Of each list, in two questions."""
    found = Specimen.objects.aggregate(
        all=Count("pk"), **{status: Count("pk", filter=Q(status=status)) for status in S.values}
    )
    return {**found, "": found["all"], "discard": of_pill("discard").count()}


@permit(PROCESS)
def specimen(request: Request, pk: UUID) -> HttpResponse:
    tube = get_object_or_404(Specimen.objects.shown(), pk=pk)
    context = {
        "specimen": tube,
        "visit": tube.visit,
        "patient": open_chart(tube.patient, page="specimen", at_work=True),
        "chain": tube.chain(),
        "entries": course(tube),
        "label": Label(tube),
    }
    return render(request, "clinical/specimen/page.html", context)


def course(tube: Specimen) -> list[dict[str, Any]]:
    place = f"{tube.rack} {tube.position}".strip()
    stages = (
        ("collected", "Collected", "test-pipe", ""),
        ("received", "Received", "package-import", ""),
        ("stored", "Stored", "box", place),
        ("rejected", "Rejected", "circle-x", tube.get_rejection_reason_display()),
        ("discarded", "Discarded", "trash", ""),
    )
    return [
        {"at": at, "by": getattr(tube, f"{stage}_by"), "title": title, "icon": icon, "text": text}
        for stage, title, icon, text in stages
        if (at := getattr(tube, f"{stage}_at"))
    ]


# --- labels ------------------------------------------------------------------------------------


@permit(PROCESS, "GET", "POST")
def labels(request: Request) -> HttpResponse:
    """Print the labels that are chosen; each one more is counted, and says that it is a reprint."""
    if request.method == "GET":
        messages.info(request, "Choose the specimens here, then print their labels.")
        return redirect(f"{reverse('clinical:specimens')}?status=expected")
    chosen = [key for key in request.POST.getlist("specimen") if is_key(key)]
    tubes = list(Specimen.objects.filter(pk__in=chosen).order_by("serial"))
    if not tubes:
        raise Refused("Choose at least one specimen.", status=422)
    for tube in tubes:
        tube.print_label(by=request.acting.person)
    ready = list(Specimen.objects.shown().filter(pk__in=chosen).order_by("serial"))
    if "pdf" in request.POST:
        return HttpResponse(pdf(ready), content_type="application/pdf")
    context = {"labels": [Label(tube) for tube in ready], "back": way_back(request.POST.get("back", ""))}
    return render(request, "clinical/specimen/labels.html", context)


def is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@permit(PROCESS)
def specimen_barcode(request: Request, pk: UUID) -> HttpResponse:
    tube = get_object_or_404(Specimen, pk=pk)
    return HttpResponse(Bars(tube.bars).svg, content_type="image/svg+xml")


# --- the round -----------------------------------------------------------------------------------


@permit(PROCESS, "GET", "POST")
def collection_round(request: Request) -> HttpResponse:
    """Who is to be collected, their labels, and the confirmation at the patient."""
    form = Confirm(request.POST or None)
    refused = ""
    if request.method == "POST" and form.is_valid():
        try:
            done = scanned.collect_at(form.cleaned_data["patient"], form.cleaned_data["scan"], by=request.acting.person)
        except Refused as problem:
            refused = str(problem)
            form.add_error(problem.field or None, refused)
        except IllegalMove as problem:
            refused = str(problem)
            form.add_error("scan", refused)
        else:
            messages.success(request, f"{done.number}: {done.type_name} of {done.patient.name} is collected.")
            return redirect(f"{reverse('clinical:collection_round')}?{after(request, done)}")
    return round_page(request, form, refused)


def after(request: Request, done: Specimen) -> str:
    """The same list again, with the same patient while more tubes are to be taken."""
    query = request.GET.copy()
    more = Specimen.objects.filter(visit=done.visit, status=S.EXPECTED).exists()
    query["patient"] = done.patient.number if more else ""
    return query.urlencode()


def round_page(request: Request, form: Confirm, refused: str) -> HttpResponse:
    narrow = Round(request.GET)
    where, priority = narrow.asked
    if not form.is_bound:
        form.initial = {"patient": request.GET.get("patient", "")}
    tubes = scanned.expected_today(where, priority)
    context = {
        "form": form,
        "narrow": narrow,
        "queue": where.queue,
        "refused": refused,
        "rounds": by_visit(tubes),
        "count": len(tubes),
        "pills": [
            {"value": "", "label": "Every queue"},
            *({"value": v, "label": n} for v, n in QueuePlace.Queue.choices),
        ],
        "at": request.get_full_path(),
    }
    return render(request, "clinical/specimen/round.html", context, status=422 if form.errors else 200)


def by_visit(tubes: list[Specimen]) -> list[dict[str, Any]]:
    """One stop for each patient: their tubes in the order of draw."""
    stops: dict[UUID, list[Specimen]] = {}
    for tube in tubes:
        stops.setdefault(tube.visit_id, []).append(tube)
    return [
        {
            "visit": rows[0].visit,
            "patient": rows[0].patient,
            "specimens": sorted(rows, key=lambda row: row.type.rank if row.type else 999),
        }
        for rows in stops.values()
    ]


# --- receiving -----------------------------------------------------------------------------------


@permit(PROCESS, "GET", "POST")
def receiving(request: Request) -> HttpResponse:
    """One field that keeps the focus: each scan is received at once, and answered with its line."""
    form = Receive(request.POST or None)
    scans = []
    if request.method == "POST" and form.is_valid():
        scans = [scanned.receive(form.cleaned_data["scan"], by=request.acting.person)]
        if request.headers.get("X-Scan"):
            return render(request, "clinical/specimen/_scan.html", {"scan": scans[0]})
        form = Receive()
    received = scanned.received_since_midnight(request.acting.person)
    context = {"form": form, "scans": scans, "received": received, "count": len(received)}
    status = 422 if form.errors or any(scan.outcome == "bad" for scan in scans) else 200
    return render(request, "clinical/specimen/receiving.html", context, status=status)


@permit(PROCESS, "POST")
def specimen_take_back(request: Request, pk: UUID) -> HttpResponse:
    tube = get_object_or_404(Specimen, pk=pk)
    tube.take_back(by=request.acting.person)
    messages.success(request, f"{tube.number} is not received any more.")
    return answered(request, reverse("clinical:receiving"))


# --- no good, kept, thrown away ------------------------------------------------------------------


@permit(PROCESS, "GET", "POST")
def specimen_reject(request: Request, pk: UUID) -> HttpResponse:
    tube = get_object_or_404(Specimen.objects.shown(), pk=pk)
    form = RejectSpecimen(request.POST or None, initial={"reason": request.GET.get("reason", "")})
    if request.method == "POST" and form.is_valid():
        again = tube.reject(form.cleaned_data["reason"], by=request.acting.person)
        follows = (
            f"To be collected again as {again.number}."
            if again
            else "Nothing is collected again: the doctors are told."
        )
        messages.success(request, f"{tube.number} is rejected. {follows}")
        return answered(request, reverse("clinical:specimen", args=[(again or tube).pk]))
    tests = ", ".join(str(order.test) for order in tube.orders.all() if order.status in LabOrder.REJECTABLE)
    return ask(request, tube, form, f"Reject {tube.number}", "Reject specimen", f"All its tests: {tests}.", danger=True)


@permit(PROCESS, "GET", "POST")
def specimen_store(request: Request, pk: UUID) -> HttpResponse:
    tube = get_object_or_404(Specimen.objects.shown(), pk=pk)
    form = Store(request.POST or None, initial={"rack": tube.rack, "position": tube.position})
    if request.method == "POST" and form.is_valid():
        tube.store(**form.cleaned_data, by=request.acting.person)
        messages.success(request, f"{tube.number} stands in {tube.rack} {tube.position}.")
        return answered(request, reverse("clinical:specimen", args=[pk]))
    return ask(request, tube, form, f"Store {tube.number}", "Store", "Where it can be found again.")


def ask(
    request: Request, tube: Specimen, form: forms.Form, title: str, submit: str, text: str, danger: bool = False
) -> HttpResponse:
    over = request.htmx.target == "dialog"
    context = {
        "form": form,
        "title": title,
        "submit": submit,
        "text": text,
        "danger": danger,
        "over": over,
        "patient": open_chart(tube.patient, page=submit.lower(), at_work=True),
        "visit": tube.visit,
        "cancel": reverse("clinical:specimen", args=[tube.pk]),
    }
    template = "_small_form.html" if over else "clinical/specimen/small_form.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


@permit(PROCESS, "POST")
def specimens_discard(request: Request) -> HttpResponse:
    chosen = [key for key in request.POST.getlist("specimen") if is_key(key)]
    tubes = list(Specimen.objects.filter(pk__in=chosen).order_by("serial"))
    if not tubes:
        raise Refused("Choose at least one specimen.", status=422)
    for tube in tubes:
        tube.discard(by=request.acting.person)
    what = f"{tubes[0].number} is" if len(tubes) == 1 else f"{len(tubes)} specimens are"
    messages.success(request, f"{what} discarded.")
    return answered(request, f"{reverse('clinical:specimens')}?status=discard")
