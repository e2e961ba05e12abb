"""The laboratory at work: its list, the bench of one visit, and one test."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from clinical import days
from clinical.bench import BY_VERB, Step, offered
from clinical.chart import open_chart
from clinical.forms.laboratory import OrderTests, Reject, Results
from clinical.forms.visit import Reason
from clinical.models import LabOrder, Visit
from clinical.models.laboratory import Orders
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused
from realtime.render import fragment

PROCESS, ORDER, READ = "clinical.process_lab", "clinical.order_tests", "clinical.view_results"
ROW = "clinical/laboratory/_order_row.html"
AT_ONCE = 200
PILLS = (
    ("", "All open"),
    ("requested", "To collect"),
    ("collected", "To receive"),
    ("received", "To start"),
    ("in_progress", "In progress"),
    ("resulted", "To release"),
    ("released", "Released today"),
)


@permit(PROCESS)
def lab_worklist(request: Request) -> HttpResponse:
    """What waits in the laboratory: the most urgent first, then who waits longest."""
    chosen = request.GET.get("status", "")
    status = chosen if chosen in dict(PILLS) else ""
    rows = of_pill(status).shown().in_order()
    counts = counts_by_pill()
    context = {
        "orders": rows[:AT_ONCE],
        "more": max(0, counts[status] - AT_ONCE),
        "list": f"worklist-{status}" if status else "worklist",
        "status": status,
        "pills": [{"value": value, "label": label, "count": counts[value]} for value, label in PILLS],
    }
    return render(request, "clinical/laboratory/worklist.html", context)


def of_pill(status: str) -> Orders:
    if status == "released":
        return LabOrder.objects.filter(released_today())
    return LabOrder.objects.filter(status=status) if status else LabOrder.objects.open()


def released_today() -> Q:
    start, end = days.bounds(days.today())
    return Q(status__in=("released", "reviewed"), released_at__gte=start, released_at__lt=end)


def counts_by_pill() -> dict[str, int]:
    by_status = {value: Count("pk", filter=Q(status=value)) for value, _ in PILLS if value not in ("", "released")}
    rows = LabOrder.objects.filter(Q(status__in=LabOrder.OPEN) | released_today())
    counts = rows.aggregate(**by_status, released=Count("pk", filter=Q(status__in=("released", "reviewed"))))
    return {"": sum(counts.values()) - counts["released"], **counts}


@permit(PROCESS, "POST")
def lab_step(request: Request, pk: UUID) -> HttpResponse:
    """One step of one test; answered with its row."""
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    step = step_of(request)
    step.take([order], by=request.acting.person)
    if request.htmx:
        return HttpResponse(fragment(ROW, LabOrder.objects.shown().get(pk=pk), request=request))
    messages.success(request, f"{order.test}: {step.done}.")
    return redirect("clinical:lab_worklist")


def step_of(request: Request) -> Step:
    try:
        return BY_VERB[request.POST.get("step", "")]
    except KeyError:
        raise Refused("There is no such step. Open the page again.", status=400) from None


@permit(PROCESS, "GET", "POST")
def lab_visit(request: Request, pk: UUID) -> HttpResponse:
    """The bench of one visit: its specimens, and the results of all tests on one page."""
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    orders = list(visit.lab_orders.shown().prefetch_related("test__ranges").in_order())
    results = Results(orders, request if request.method == "POST" else None)
    if request.method == "POST" and results.is_valid():
        saved = results.save(by=request.acting.person)
        released = release(visit, request) if "release" in request.POST else 0
        messages.success(request, saved_words(saved, released))
        return go_on(request, visit)
    return bench(request, visit, orders, results)


def release(visit: Visit, request: Request) -> int:
    """What came out at this bench goes to the doctor."""
    ready = list(visit.lab_orders.filter(status=LabOrder.Status.RESULTED).in_order())
    BY_VERB["release"].take(ready, by=request.acting.person)
    return len(ready)


def saved_words(saved: int, released: int) -> str:
    if not saved and not released:
        return "Nothing was entered."
    parts = [f"{saved} {'result' if saved == 1 else 'results'} saved"] if saved else []
    return f"{', '.join([*parts, *([f'{released} released'] if released else [])])}."


def go_on(request: Request, visit: Visit) -> HttpResponse:
    """Back to the bench while something is open there, else to the list."""
    if visit.lab_orders.open().exists():
        return answered(request, reverse("clinical:lab_visit", args=[visit.pk]))
    return answered(request, reverse("clinical:lab_worklist"))


def bench(request: Request, visit: Visit, orders: list[LabOrder], results: Results) -> HttpResponse:
    open_chart(visit.patient, page="laboratory")
    context = {
        "visit": visit,
        "patient": visit.patient,
        "orders": orders,
        "steps": offered(orders),
        "results": results,
        "focus": request.GET.get("order", ""),
    }
    template = "clinical/laboratory/_results.html" if request.htmx else "clinical/laboratory/visit.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


@permit(PROCESS, "POST")
def lab_visit_step(request: Request, pk: UUID) -> HttpResponse:
    """One step of all tests of a visit that can take it."""
    visit = get_object_or_404(Visit, pk=pk)
    step = step_of(request)
    orders = list(visit.lab_orders.filter(status=step.status).shown().in_order())
    if not orders:
        raise Refused(f"No test of this visit can be {step.done} now. The page shows where each stands.")
    step.take(orders, by=request.acting.person)
    messages.success(request, f"{len(orders)} {step.done}.")
    return go_on(request, visit)


@permit(READ)
def lab_order(request: Request, pk: UUID) -> HttpResponse:
    people = ("collected_by", "received_by", "begun_by", "resulted_by", "released_by", "reviewed_by", "cancelled_by")
    orders = LabOrder.objects.shown().select_related(*people, "rejected_by", "recollect_of")
    order = get_object_or_404(orders, pk=pk)
    context = {
        "order": order,
        "visit": order.visit,
        "patient": open_chart(order.patient, page="laboratory test"),
        "results": order.results.select_related("entered_by", "document"),
        "recollections": order.recollections.all(),
        "entries": course(order),
    }
    return render(request, "clinical/laboratory/order.html", context)


STAGES = (
    ("ordered", "Ordered", "clipboard-list"),
    ("collected", "Collected", "test-pipe"),
    ("received", "Received", "package-import"),
    ("begun", "Started", "player-play"),
    ("resulted", "Result entered", "clipboard-text"),
    ("released", "Released", "circle-check"),
    ("reviewed", "Reviewed", "eye"),
    ("rejected", "Specimen rejected", "circle-x"),
    ("cancelled", "Cancelled", "ban"),
)


def course(order: LabOrder) -> list[dict[str, Any]]:
    """What happened to a test, as `_timeline.html` wants it."""
    texts = {"rejected": order.get_rejection_reason_display(), "cancelled": order.cancel_reason}
    return [
        {
            "at": getattr(order, f"{stage}_at"),
            "by": getattr(order, f"{stage}_by"),
            "icon": icon,
            "title": title,
            "text": texts.get(stage, ""),
        }
        for stage, title, icon in STAGES
        if getattr(order, f"{stage}_at")
    ]


@permit(PROCESS, "GET", "POST")
def lab_reject(request: Request, pk: UUID) -> HttpResponse:
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    form = Reject(request.POST or None)
    if request.method == "POST" and form.is_valid():
        again = order.reject(form.cleaned_data["reason"], by=request.acting.person)
        messages.success(request, f"{order.number} is rejected. {what_follows(order, again)}")
        return answered(request, reverse("clinical:lab_visit", args=[order.visit_id]))
    words = {"title": f"Reject the specimen: {order.test}", "submit": "Reject specimen"}
    return ask(request, order, form, words, reverse("clinical:lab_order", args=[pk]))


def what_follows(order: LabOrder, again: LabOrder | None) -> str:
    if again:
        return f"{order.test} is to be collected again as {again.number}."
    why = "is no longer offered" if order.visit.is_open else "was ordered for a visit that is over"
    return f"{order.test} {why}: it is not ordered again, and the doctors are told."


@permit(ORDER, "GET", "POST")
def lab_cancel(request: Request, pk: UUID) -> HttpResponse:
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        order.cancel(form.cleaned_data["reason"], by=request.acting.person)
        messages.success(request, f"{order.test} is cancelled.")
        return answered(request, order.visit.get_absolute_url())
    words = {"title": f"Cancel {order.test}", "submit": "Cancel the test"}
    return ask(request, order, form, words, order.visit.get_absolute_url())


def ask(request: Request, order: LabOrder, form: forms.Form, words: dict[str, str], cancel: str) -> HttpResponse:
    """A small form: in the dialog over the page, or on a page of its own."""
    over = request.htmx.target == "dialog"
    template = "clinical/laboratory/_ask.html" if over else "clinical/laboratory/ask.html"
    patient = open_chart(order.patient, page=words["submit"].lower())
    context = {"order": order, "patient": patient, "visit": order.visit, "form": form, "cancel": cancel, **words}
    return render(request, template, context, status=422 if form.is_bound else 200)


@permit(ORDER, "POST")
def lab_review(request: Request, pk: UUID) -> HttpResponse:
    order = get_object_or_404(LabOrder.objects.select_related("visit"), pk=pk)
    order.review(by=request.acting.person)
    return answered(request, f"{order.visit.get_absolute_url()}#laboratory")


@permit(ORDER, "POST")
def review_tests(request: Request, pk: UUID) -> HttpResponse:
    """The doctor has seen all that was released of a visit."""
    visit = get_object_or_404(Visit, pk=pk)
    for order in visit.lab_orders.filter(status=LabOrder.Status.RELEASED):
        order.review(by=request.acting.person)
    return answered(request, f"{visit.get_absolute_url()}#laboratory")


@permit(ORDER, "GET", "POST")
def order_tests(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    form = OrderTests(request.POST or None, visit=visit, required=True)
    if request.method == "POST" and form.is_valid():
        orders = visit.order_tests(**form.order(), by=request.acting.person)
        messages.success(request, f"{len(orders)} {'test' if len(orders) == 1 else 'tests'} ordered.")
        return answered(request, f"{visit.get_absolute_url()}#laboratory")
    patient = open_chart(visit.patient, page="order tests")
    context = {"visit": visit, "patient": patient, "form": form}
    return render(request, "clinical/laboratory/order_tests.html", context, status=422 if form.is_bound else 200)
