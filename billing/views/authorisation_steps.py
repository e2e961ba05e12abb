"""The steps of an authorisation, each a form of its own; its units, its log and its letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing.forms.authorisation import (
    Appeal,
    Approve,
    Deny,
    GiveBack,
    LetterForm,
    LogForm,
    Send,
    Use,
    Wait,
    WantMore,
    Withdraw,
)
from billing.models import Authorisation, AuthorisationLetter, AuthorisationUse
from billing.models.authorisation import MANAGE, VIEW
from billing.models.authorisation_units import spoken_units
from clinical import days, filetypes
from clinical.chart import open_chart
from clinical.models import Document
from clinical.views.document import SEALED, SHOWN_PDF, sent
from hospital.context import current
from hospital.http import Request
from hospital.panel import beside_its_field
from hospital.permits import permit

S = Authorisation.Status


@dataclass(frozen=True)
class Step:
    """One button. `to` is where it leads, `before` the statuses in which it is offered (any that lead there: none named)."""

    key: str
    title: str
    submit: str
    form: Callable[..., Any]
    verb: Callable[[Authorisation], Callable[..., Any]]
    to: str
    before: tuple[str, ...] = ()


STEPS = {
    step.key: step
    for step in (
        Step("submit", "Submit to the insurer", "Submitted", Send, lambda row: row.submit, S.SUBMITTED),
        Step(
            "approve", "Approved", "Approved", Approve, lambda row: row.approve, S.APPROVED, Authorisation.UNDECIDED[1:]
        ),
        Step("deny", "Denied", "Denied", Deny, lambda row: row.deny, S.DENIED),
        Step(
            "wait", "The insurer has it", "Pending", Wait, lambda row: row.wait, S.PENDING, (S.SUBMITTED, S.MORE_INFO)
        ),
        Step("more", "More is asked for", "Note it", WantMore, lambda row: row.want_more, S.MORE_INFO),
        Step("appeal", "Appeal", "Appealed", Appeal, lambda row: row.appeal, S.PENDING, (S.DENIED,)),
        Step("withdraw", "Withdraw", "Withdraw", Withdraw, lambda row: row.withdraw, S.WITHDRAWN),
    )
}


def steps_for(row: Authorisation) -> dict[str, Any]:
    """What may be done with it now, by whoever acts."""
    ways = row.moves()
    steps = [step for step in STEPS.values() if step.to in ways and (not step.before or row.status in step.before)]
    may = current().may(MANAGE)
    return {
        "steps": steps,
        "may_edit": may and row.status == S.DRAFT,
        "may_use": may and row.has_said_yes and row.left > 0,
        "may_note": may,
        "may_renew": may and row.may_be_renewed,
    }


def opened(pk: UUID) -> Authorisation:
    rows = Authorisation.objects.select_related("patient", "payer", "policy")
    row = get_object_or_404(rows, pk=pk)
    open_chart(row.patient, page="authorisation", about={"about": str(row.pk)})
    return row


def form_of(request: Request, row: Authorisation, form: Any, title: str, submit: str, status: int = 0) -> HttpResponse:
    context = {
        "patient": row.patient,
        "authorisation": row,
        "form": form,
        "title": title,
        "submit": submit,
        "back": row.get_absolute_url(),
    }
    given = status or (422 if form.is_bound else 200)
    return render(request, "billing/authorisation/form.html", context, status=given)


def was_done(form: Any, verb: Callable[..., Any], **said: Any) -> bool:
    with beside_its_field(form):
        verb(**said)
    return not form.errors


@permit(MANAGE, "GET", "POST")
def authorisation_step(request: Request, pk: UUID, step: str) -> HttpResponse:
    row, what = opened(pk), STEPS[step]
    form = what.form(request.POST or None, initial=suggested(row))
    verb = what.verb(row)
    by = request.acting.person
    if request.method == "POST" and form.is_valid() and was_done(form, verb, by=by, **form.cleaned_data):
        messages.success(request, f"{row.number} is {row.get_status_display().lower()}.")
        return redirect(row)
    return form_of(request, row, form, f"{what.title}: {row.number}", what.submit)


def suggested(row: Authorisation) -> dict[str, Any]:
    begins = row.wanted_from or days.today()
    return {"units": row.units, "valid_from": begins, "valid_until": row.wanted_until, "payer_number": row.payer_number}


@permit(MANAGE, "GET", "POST")
def authorisation_let(request: Request, pk: UUID) -> HttpResponse:
    """It is not renewed, and nobody needs to think of it any more."""
    row = opened(pk)
    form = Withdraw(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row.let_run_out(form.cleaned_data["words"], by=request.acting.person)
        messages.success(request, f"{row.number} is not renewed.")
        return redirect(row)
    return form_of(request, row, form, f"Not renewed: {row.number}", "Save")


@permit(MANAGE, "GET", "POST")
def authorisation_use(request: Request, pk: UUID) -> HttpResponse:
    row = opened(pk)
    form = Use(request.POST or None, initial={"used_on": days.today()})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        by = request.acting.person
        if was_done(form, row.use, units=said["units"], on=said["used_on"], note=said["note"], by=by):
            messages.success(request, f"{said['units']} used of {row.number}.")
            return redirect(row)
    return form_of(request, row, form, f"Units used of {row.number}", "Save")


@permit(MANAGE, "GET", "POST")
def authorisation_give_back(request: Request, pk: UUID) -> HttpResponse:
    use = get_object_or_404(AuthorisationUse.objects.select_related("authorisation"), pk=pk)
    row = opened(use.authorisation_id)
    form = GiveBack(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row.give_back(use, form.cleaned_data["note"], by=request.acting.person)
        messages.success(request, f"{use.units} given back to {row.number}.")
        return redirect(row)
    return form_of(request, row, form, f"Give {spoken_units(use.units)} back to {row.number}", "Give back")


@permit(MANAGE, "GET", "POST")
def authorisation_log(request: Request, pk: UUID) -> HttpResponse:
    row = opened(pk)
    form = LogForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row.write_down(by=request.acting.person, **form.cleaned_data)
        messages.success(request, "It is in the log.")
        return redirect(row)
    return form_of(request, row, form, f"Log of {row.number}", "Write down")


@permit(MANAGE, "GET", "POST")
def authorisation_letter_new(request: Request, pk: UUID) -> HttpResponse:
    """Checked, hashed and scanned as every file about a patient is."""
    row = opened(pk)
    form = LetterForm(request.POST or None, request.FILES or None)
    by = request.acting.person
    if request.method == "POST" and form.is_valid() and was_done(form, attach, row=row, said=form.cleaned_data, by=by):
        messages.success(request, "The letter is filed with it.")
        return redirect(row)
    return form_of(request, row, form, f"Letter about {row.number}", "File it")


def attach(row: Authorisation, said: dict[str, Any], by: Any) -> None:
    about = {"title": said["title"], "category": Document.Category.REFERRAL}
    document = Document.upload(said["file"], patient=row.patient, by=by, visit=row.visit, **about)
    AuthorisationLetter.attach(row, document, said["direction"], by=by)


@permit(VIEW)
def authorisation_letter(request: Request, pk: UUID) -> FileResponse:
    """Whoever sees the authorisation reads its letters. Each look is written down."""
    letter = get_object_or_404(AuthorisationLetter.objects.select_related("document", "authorisation"), pk=pk)
    opened(letter.authorisation_id)
    one = letter.document
    headers = SHOWN_PDF if one.content_type == filetypes.PDF.mime else SEALED
    return sent(one, headers, attached=not one.has_preview)
