"""One test: its course, its versions, and what is decided about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from clinical.chart import open_chart
from clinical.forms.lab_order import OrderTests
from clinical.forms.laboratory import Call, CorrectResult, Reject
from clinical.forms.visit import Reason
from clinical.lab_release import colleagues_who_release
from clinical.models import Correction, CriticalCall, LabOrder, LabResult, Visit
from clinical.privacy import unlock
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused

PROCESS, ORDER, READ = "clinical.process_lab", "clinical.order_tests", "clinical.view_results"


@permit(READ)
def lab_order(request: Request, pk: UUID) -> HttpResponse:
    people = ("collected_by", "received_by", "begun_by", "resulted_by", "released_by", "reviewed_by", "cancelled_by")
    orders = LabOrder.objects.shown().select_related(*people, "rejected_by", "recollect_of", "delta_confirmed_by")
    order = get_object_or_404(orders, pk=pk)
    context = {
        "order": order,
        "visit": order.visit,
        "patient": open_chart(order.patient, page="laboratory test", at_work=True),
        "results": versions_for(request, order),
        "recollections": order.recollections.all(),
        "waiting": order.corrections.filter(status="waiting").select_related("result__entered_by").first(),
        "calls": order.calls.select_related("by"),
        "releasers": colleagues_who_release(request.acting.person),
        "entries": course(order),
    }
    return render(request, "clinical/laboratory/order.html", context)


def versions_for(request: Request, order: LabOrder) -> list[LabResult]:
    """The laboratory sees every version, others what was released."""
    rows = order.results.select_related("entered_by", "document")
    if request.acting.may(PROCESS):
        return list(rows)
    former = order.corrections.filter(status=Correction.Status.RELEASED).values("former")
    return list(rows.filter(Q(pk=order.result_id) | Q(pk__in=former))) if order.is_released else []


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
    patient = open_chart(order.patient, page=words["submit"].lower(), at_work=True)
    context = {"order": order, "patient": patient, "visit": order.visit, "form": form, "cancel": cancel, **words}
    return render(request, template, context, status=422 if form.is_bound else 200)


@permit(ORDER, "GET", "POST")
def order_tests(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    patient = open_chart(visit.patient, page="order tests")
    form = OrderTests(request.POST or None, visit=visit, required=True)
    if request.method == "POST" and form.is_valid():
        orders = visit.order_tests(**form.order(), by=request.acting.person)
        messages.success(request, f"{len(orders)} {'test' if len(orders) == 1 else 'tests'} ordered.")
        return answered(request, f"{visit.get_absolute_url()}#laboratory")
    context = {"visit": visit, "patient": patient, "form": form}
    return render(request, "clinical/laboratory/order_tests.html", context, status=422 if form.is_bound else 200)


# --- after the result -------------------------------------------------------------------


@permit(PROCESS, "GET", "POST")
def lab_correct(request: Request, pk: UUID) -> HttpResponse:
    """A new version of what was released."""
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    unlock(order.patient)
    form = CorrectResult(request.POST or None, order=order)
    if request.method == "POST" and form.is_valid() and form.apply(by=request.acting.person):
        messages.success(request, form.words)
        return answered(request, reverse("clinical:lab_order", args=[pk]))
    words = {"title": f"Correct {order.test}", "submit": "Correct the result"}
    return ask(request, order, form, words, reverse("clinical:lab_order", args=[pk]))


@permit(PROCESS, "POST")
def lab_correction(request: Request, pk: UUID, step: str) -> HttpResponse:
    """The second person releases a correction, or somebody takes it back."""
    waiting = get_object_or_404(Correction.objects.select_related("order__visit", "result", "former"), pk=pk)
    verb = {"release": waiting.release, "withdraw": waiting.withdraw}[step]
    verb(by=request.acting.person)
    messages.success(request, "The correction is released." if step == "release" else "The correction is withdrawn.")
    return redirect("clinical:lab_order", pk=waiting.order_id)


@permit(PROCESS, "GET", "POST")
def lab_delta(request: Request, pk: UUID) -> HttpResponse:
    """Why a value so far from the last one can be believed."""
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        order.confirm_delta(form.cleaned_data["reason"], by=request.acting.person)
        messages.success(request, f"{order.test} is confirmed.")
        return answered(request, reverse("clinical:lab_visit", args=[order.visit_id]))
    words = {
        "title": f"Confirm {order.test} {order.result}, {order.result.delta if order.result else ''}",
        "submit": "Confirm",
    }
    return ask(request, order, form, words, reverse("clinical:lab_visit", args=[order.visit_id]))


@permit(PROCESS, "GET", "POST")
def lab_call(request: Request, pk: UUID) -> HttpResponse:
    """A critical value was told to somebody on the telephone."""
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    form = Call(request.POST or None, initial={"called": order.ordered_by.name if order.ordered_by else ""})
    if request.method == "POST" and form.is_valid() and recorded(order, form, request):
        return answered(request, reverse("clinical:lab_order", args=[pk]))
    words = {"title": f"Call about {order.test} {order.result}", "submit": "Record the call"}
    return ask(request, order, form, words, reverse("clinical:lab_order", args=[pk]))


def recorded(order: LabOrder, form: Call, request: Request) -> bool:
    try:
        call = CriticalCall.record(order, by=request.acting.person, **form.cleaned_data)
    except Refused as refused:
        form.add_error(refused.field or None, str(refused))
        return False
    messages.success(request, f"{call}.")
    return True
