"""One claim: what it says, what was found, its versions and history, and every step of it."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing import booking_again
from billing.claims import answers, correcting, drafting, forwarding, others, scrubber, sending, undone
from billing.claims.scrubber import counted, current_of
from billing.forms.claims import Correct, EditClaim, GiveUp, RecordAnswer, Withdraw
from billing.models import Claim, ClaimStep, PayerMove
from billing.models.claim import MANAGE, VIEW
from billing.models.payer_move import ENDS
from billing.money import ZERO
from billing.views import asking
from clinical.chart import open_chart
from clinical.models import Encounter, Icd10Code
from clinical.views.answers import answered
from hospital.http import Request
from hospital.models import Person
from hospital.permits import permit

PAGE = "claim"


@permit(VIEW)
def claim(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    patient = open_chart(row.patient, page=PAGE, at_work=True)
    version = row.current
    context = {
        "claim": row,
        "patient": patient,
        "version": version,
        "diagnoses": Icd10Code.objects.all().titles(version.dotted) if version else [],
        "lines": version.lines.select_related("charge").order_by("position") if version else [],
        "findings": version.findings.select_related("line") if version and row.is_unsent else [],
        "versions": row.versions.select_related("batch", "frozen_by").order_by("-number"),
        "entries": entries_of(row),
        "following": row.following.all(),
        "moves": row.ways(),
        "may_answer": bool(answers.recordable(row)),
        "undone": undone.claimed_in_error(row),
        "remedy": undone.remedy(row),
        "is_void": correcting.is_void(row),
        "too_much": booking_again.to_book(row).items(),
        "became": became_of(row),
        "under_way": sending.under_way(row),
        "may_go_on": row.status in row.ANSWERED and row.order in others.NEXT and not row.following.standing().exists(),
    }
    return render(request, "billing/claim/page.html", context)


def found(pk: UUID) -> Claim:
    rows = Claim.objects.shown().select_related("policy", "previous__payer", "current__batch")
    return get_object_or_404(rows, pk=pk)


def became_of(row: Claim) -> list[tuple[str, Decimal]]:
    """What the payer has settled of it, by way, and what is due from it still; nothing before it is sent."""
    sums = PayerMove.objects.filter(claim=row).sums()
    if not any(sums.values()):
        return []
    settled = [(str(kind.label), sums[kind]) for kind in ENDS if sums[kind]]
    rest = sums[PayerMove.Kind.CLAIMED] - sum((amount for _, amount in settled), ZERO)
    return [*settled, ("Still due from the payer", rest)]


def entries_of(row: Claim) -> list[dict[str, Any]]:
    """The history, newest first, for `_timeline.html`."""
    steps = row.steps.select_related("by").order_by("-at", "-pk")
    return [entry_of(step) for step in steps]


def entry_of(step: ClaimStep) -> dict[str, Any]:
    moved = step.before and step.before != step.after
    title = step.get_after_display() if moved or not step.words else step.words
    words = step.words if moved else ""
    return {"at": step.at, "icon": "point", "title": title, "text": words, "by": step.by or "by the system"}


@permit(MANAGE, "POST")
def claim_begin(request: Request, pk: UUID) -> HttpResponse:
    """From a signed note."""
    note = get_object_or_404(Encounter.objects.shown(), pk=pk)
    made = drafting.begin(note, by=request.acting.person)
    messages.success(request, f"{made.number} is begun.")
    return redirect(made)


# --- steps of one button ----------------------------------------------------------------------


def check(row: Claim, by: Person) -> str:
    findings = scrubber.scrub(row, by=by)
    errors = sum(one.is_error for one in findings)
    if errors:
        return f"{counted(errors, 'error')} to correct."
    return f"Checked, with {counted(len(findings), 'warning')}." if findings else "Checked: nothing was found."


def ready(row: Claim, by: Person) -> str:
    scrubber.make_ready(row, by=by)
    return f"{row.number} is ready to be sent."


def take_back(row: Claim, by: Person) -> str:
    scrubber.take_back(row, by=by)
    return f"{row.number} can be changed."


def send(row: Claim, by: Person) -> str:
    (batch,) = sending.submit([row], by=by)
    return f"{row.number} goes out with {batch.number}."


def void(row: Claim, by: Person) -> str:
    correcting.confirm_void(row, by=by)
    return f"{row.number} is void."


def go_on(row: Claim, by: Person) -> str:
    made = forwarding.go_on(row, by=by)
    if made.is_forwarded:
        return f"{made.number}: {made.payer} has it from {row.payer} already."
    return f"{made.number} asks {made.payer} for the rest."


STEPS = {"check": check, "ready": ready, "take-back": take_back, "send": send, "void": void, "go-on": go_on}


@permit(MANAGE, "POST")
def claim_step(request: Request, pk: UUID, step: str) -> HttpResponse:
    row = found(pk)
    messages.success(request, STEPS[step](row, request.acting.person))
    return answered(request, row.get_absolute_url())


@permit(MANAGE, "GET", "POST")
def claim_edit(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    patient = open_chart(row.patient, page=f"{PAGE} edit")
    if request.method == "POST":
        row.lock()
    form = EditClaim(request.POST or None, claim=row, version=current_of(row))
    if request.method == "POST" and form.is_valid():
        form.save(by=request.acting.person)
        messages.success(request, f"{row.number} is changed. Check it again.")
        return redirect(row)
    status = 409 if form.stale else 422 if form.is_bound else 200
    diagnoses = Icd10Code.objects.all().titles(form.version.dotted)
    context = {"claim": row, "patient": patient, "form": form, "diagnoses": diagnoses}
    return render(request, "billing/claim/edit.html", context, status=status)


# --- steps that need words ------------------------------------------------------------------------


@permit(MANAGE, "GET", "POST")
def claim_withdraw(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk), Withdraw(request.POST or None)
    words = {"title": f"Withdraw {row.number}", "submit": "Withdraw the claim", "danger": True}
    return asking.step(request, about(row), form, row.withdraw, **words)


@permit(MANAGE, "GET", "POST")
def claim_correct(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = Correct(request.POST or None, claim=row)
    text = "Another version is begun with the words of this one. The payer finds the claim by its own number."
    words = {"title": f"Correct {row.number}", "submit": "Begin the correction", "text": text}
    return asking.step(request, about(row), form, partial(correcting.correct, row), **words)


@permit(MANAGE, "GET", "POST")
def claim_give_up(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk), GiveUp(request.POST or None)
    words = {"title": f"Give up the correction of {row.number}", "submit": "Give it up", "danger": True}
    return asking.step(request, about(row), form, partial(correcting.give_up, row), **words)


@permit(MANAGE, "GET", "POST")
def claim_answer(request: Request, pk: UUID) -> HttpResponse:
    """What came by telephone. Files go the way of files, and a refusal, which has its sums, that of remittances."""
    row = found(pk)
    form = RecordAnswer(request.POST or None, claim=row)
    text = "A payment, and a refusal, comes with its sums: type in its remittance instead."
    words = {"title": f"Answer to {row.number}", "submit": "Record the answer", "text": text}
    return asking.step(request, about(row), form, partial(answers.record, row), **words)


def about(row: Claim) -> asking.About:
    return asking.About(row.patient, PAGE, "billing/claim/small_form.html", row.get_absolute_url(), {"claim": row})
