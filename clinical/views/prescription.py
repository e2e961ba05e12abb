"""Prescriptions at the counter: what waits, what is in stock, and what is handed out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical import days
from clinical.allergies import allergies_against
from clinical.chart import open_chart
from clinical.copies import note_print
from clinical.forms.pharmacy import Issue, SendOutside, TakeBack, WithReason
from clinical.models import Prescription, PrescriptionLine
from hospital.http import Request
from hospital.panel import panel
from hospital.permits import permit
from hospital.workflow import Refused

VIEW, DISPENSE, PRESCRIBE = "clinical.view_prescription", "clinical.dispense", "clinical.prescribe"
SEND, OUTSIDE = "clinical.send_prescription", "outside"
ROW = "clinical/prescription/_row.html"
LATEST, ROOM_FOR = 20, 200


@permit(DISPENSE)
def dispensing(request: Request) -> HttpResponse:
    """What waits at the pharmacy, and what was settled today; or what other pharmacies have."""
    lists = sent_outside() if request.GET.get("show") == OUTSIDE else at_the_counter()
    pills = [{"value": "", "label": "Here"}, {"value": OUTSIDE, "label": "Sent outside"}]
    return render(request, "clinical/prescription/dispensing.html", {"pills": pills, **lists})


def sent_outside() -> dict[str, Any]:
    return {"outside": Prescription.objects.outside().order_by("-sent_at").shown()[:ROOM_FOR]}


def at_the_counter() -> dict[str, Any]:
    start, end = days.bounds(days.today())
    settled = Prescription.objects.filter(ended_at__gte=start, ended_at__lt=end, prescribed_at__isnull=False)
    return {
        "waiting": Prescription.objects.at_pharmacy().in_order().shown(),
        "settled": settled.order_by("-ended_at").shown()[:LATEST],
        "outside": None,
    }


@permit(VIEW)
def prescription(request: Request, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Prescription.objects.shown(), pk=pk)
    patient = open_chart(found.patient, page="prescription")
    context = {"patient": patient, "visit": found.visit, **counter_of(found)}
    return render(request, "clinical/prescription/page.html", context)


@permit(VIEW)
def prescription_print(request: Request, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Prescription.objects.shown(), pk=pk)
    before = note_print(found, found.patient_id, since=found.sent_at)
    copy = before if found.sent_at else 0
    context = {"prescription": found, "patient": found.patient, "copy": copy, "back": found.get_absolute_url()}
    return render(request, "clinical/prescription/print.html", context)


@permit(DISPENSE, "POST")
def dispense_all(request: Request, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Prescription, pk=pk)
    found.dispense_all(by=request.acting.person)
    return answer(request, found, f"{found} is dispensed.")


@permit(DISPENSE, "GET", "POST")
def line_dispense(request: Request, pk: UUID) -> HttpResponse:
    line = the_line(pk)
    form = Issue(request.POST or None, line=line)
    if request.method == "POST" and form.is_valid() and done(form, lambda: issue(line, form, request.acting.person)):
        return answer(request, line.prescription, f"{form.cleaned_data['quantity']} of {line.medicine} issued.")
    return ask(request, form, line.prescription, title=f"Issue {line.medicine}", submit="Issue")


@permit(DISPENSE, "GET", "POST")
def line_decline(request: Request, pk: UUID) -> HttpResponse:
    line = the_line(pk)
    form = WithReason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        line.decline(form.cleaned_data["reason"], by=request.acting.person)
        return answer(request, line.prescription, f"{line.medicine} is declined.")
    what = "the rest of " if line.dispensed else ""
    return ask(request, form, line.prescription, title=f"Decline {what}{line.medicine}", submit="Decline", danger=True)


@permit(DISPENSE, "GET", "POST")
def line_take_back(request: Request, pk: UUID) -> HttpResponse:
    line = the_line(pk)
    form = TakeBack(request.POST or None, line=line)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        if done(
            form, lambda: line.take_back(said["quantity"], said["batch"], said["reason"], by=request.acting.person)
        ):
            return answer(request, line.prescription, f"{said['quantity']} of {line.medicine} taken back.")
    return ask(request, form, line.prescription, title=f"Take back {line.medicine}", submit="Take back")


@permit(PRESCRIBE, "POST")
def prescription_sign(request: Request, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Prescription, pk=pk)
    found.sign(by=request.acting.person)
    return answer(request, found, f"{found} is at the pharmacy.")


@permit(PRESCRIBE, "GET", "POST")
def prescription_cancel(request: Request, pk: UUID) -> HttpResponse:
    found = the_prescription(pk)
    form = WithReason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found.cancel(form.cleaned_data["reason"], by=request.acting.person)
        return answer(request, found, f"{found} is cancelled.")
    return ask(request, form, found, title=f"Cancel {found}", submit="Cancel the prescription", danger=True)


@permit(SEND, "GET", "POST")
def prescription_send(request: Request, pk: UUID) -> HttpResponse:
    found = the_prescription(pk)
    form = SendOutside(request.POST or None, prescription=found, initial={"pharmacy": found.outside_pharmacy})
    by = request.acting.person
    if request.method == "POST" and form.is_valid() and done(form, lambda: found.send(**form.cleaned_data, by=by)):
        return answer(request, found, f"{found} is sent to {found.outside_pharmacy}.")
    return ask(request, form, found, title=f"Send {found} outside", submit="Send outside")


@permit(SEND, "GET", "POST")
def prescription_call_back(request: Request, pk: UUID) -> HttpResponse:
    found = the_prescription(pk)
    form = WithReason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found.call_back(form.cleaned_data["reason"], by=request.acting.person)
        return answer(request, found, f"{found} is back at our pharmacy.")
    return ask(request, form, found, title=f"Call {found} back", submit="Call it back")


def the_prescription(pk: UUID) -> Prescription:
    return get_object_or_404(Prescription.objects.select_related("patient", "visit"), pk=pk)


def the_line(pk: UUID) -> PrescriptionLine:
    rows = PrescriptionLine.objects.select_related("medicine", "prescription__visit", "prescription__patient")
    return get_object_or_404(rows, pk=pk)


def issue(line: PrescriptionLine, form: Issue, by: Any) -> None:
    said = form.cleaned_data
    line.dispense(said["quantity"], by=by, batch=said["batch"], reason=said["reason"])
    if form.says_never and not line.is_settled:
        line.decline(said["reason"], by=by)


def done(form: forms.Form, work: Any) -> bool:
    """Do it, or write at the field of the form why it is refused. Nothing is half done."""
    try:
        with transaction.atomic():
            work()
    except Refused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        return False
    return True


def counter_of(found: Prescription) -> dict[str, Any]:
    """What the counter needs: each line with the batches that it would be taken from, and what speaks against it."""
    allergies = list(found.patient.allergies.all())
    lines = [
        {"line": line, "against": allergies_against(line.medicine, allergies), **offer(line)}
        for line in found.lines.all()
    ]
    open_lines = [entry for entry in lines if not entry["line"].is_settled]
    return {
        "prescription": found,
        "lines": lines,
        "gated": found.status == found.Status.ACTIVE and found.visit.is_gated("pharmacy"),
        "all_there": bool(open_lines) and not any(entry["missing"] for entry in open_lines),
    }


def offer(line: PrescriptionLine) -> dict[str, Any]:
    if line.is_settled:
        return {"batches": [], "there": 0, "missing": 0}
    batches = line.medicine.propose(line.outstanding)
    there = sum(taken for _, taken in batches)
    return {"batches": batches, "there": there, "missing": line.outstanding - there}


def answer(request: Request, found: Prescription, sentence: str) -> HttpResponse:
    """After a step: the page again, or for HTMX its part that changed, with the side panel closed."""
    if not request.htmx:
        messages.success(request, sentence)
        return redirect(found)
    fresh = Prescription.objects.shown().get(pk=found.pk)
    context = {**counter_of(fresh), "patient": fresh.patient, "visit": fresh.visit, "sentence": sentence}
    response = render(request, "clinical/prescription/_answer.html", context)
    response.headers["HX-Trigger"] = "close-dialog"
    return response


def ask(request: Request, form: forms.Form, found: Prescription, **words: Any) -> HttpResponse:
    about = {"patient": open_chart(found.patient, page=words["submit"].lower()), "visit": found.visit}
    page, cancel = "clinical/prescription/form.html", found.get_absolute_url()
    return panel(request, form, page, cancel=cancel, target="#panel", **about, **words)
