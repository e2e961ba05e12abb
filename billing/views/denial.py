"""Denials: the worklist by deadline, one denial with its appeals, and how much comes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render

from billing import booking_again
from billing.appeal_words import values_for
from billing.forms.remittance import AssignDenial, DecideAppeal, Why, WriteAppeal, letters_for, may_appeal
from billing.models import Appeal, AppealLetter, Denial
from billing.models.claim import SETTLE, VIEW, WRITE_OFF
from billing.models.denial import CATEGORIES, NOTHING_MOVES, Denials, next_level
from billing.models.payer_file import TAKE
from billing.money import ZERO, spoken
from billing.views import asking
from clinical import days
from clinical.chart import note_mention, open_chart
from clinical.letters import filled
from clinical.views.answers import answered, as_file
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.permits import permit

PAGE, MOST_ROWS = 25, 5000
S = Denial.Status
GROUPS: dict[str, tuple[str, models.Q]] = {
    "": ("To do", models.Q(status=S.TO_DO)),
    "appealed": ("In appeal", models.Q(status=S.APPEALED)),
    "closed": ("Settled", ~models.Q(status__in=Denial.OPEN)),
    "all": ("All", models.Q()),
}


@permit(VIEW)
def denials(request: Request) -> HttpResponse:
    rows = narrowed(request)
    page = Paginator(chosen(rows, request.GET).with_rest(), PAGE).get_page(request.GET.get("page"))
    note_mention({row.claim.patient for row in page}, page="denials")
    counts = rows.aggregate(
        **{
            f"in_{key or 'open'}": models.Count("pk", filter=which)
            for key, (_, which) in GROUPS.items()
            if key != "all"
        },
        in_all=models.Count("pk"),
    )
    context = {
        "page": page,
        "pills": [
            {"value": key, "label": label, "count": counts[f"in_{key or 'open'}"]} for key, (label, _) in GROUPS.items()
        ],
        "categories": CATEGORIES,
        "category": request.GET.get("category", ""),
        "mine": request.GET.get("mine", ""),
        "recovery": recovery(),
    }
    return render(request, "billing/denial/list.html", context)


@permit(VIEW)
def denials_csv(request: Request) -> HttpResponse:
    rows = chosen(narrowed(request), request.GET).with_rest()[:MOST_ROWS]
    headings = (
        "Claim",
        "Patient",
        "Payer",
        "Category",
        "Codes",
        "Refused first",
        "Still due",
        "Denied",
        "Appeal until",
        "Status",
        "Assigned",
    )
    lines = [
        (
            *(row.claim.number, row.claim.patient.name, row.claim.payer.name, row.get_category_display()),
            *(
                " ".join(row.codes),
                row.amount,
                row.still_due,
                row.denied_on,
                row.deadline,
                row.get_status_display(),
                row.assigned_to,
            ),
        )
        for row in rows
    ]
    return as_file(request, "denials", headings, lines, table="billing_denial")


def narrowed(request: Request) -> Denials:
    rows = Denial.objects.shown()
    if request.GET.get("category") in dict(CATEGORIES):
        rows = rows.filter(category=request.GET["category"])
    return rows.filter(assigned_to=request.acting.person) if request.GET.get("mine") else rows


def chosen(rows: Denials, query: QueryDict) -> Denials:
    return rows.filter(GROUPS.get(query.get("show", ""), GROUPS[""])[1]).by_deadline()


def recovery() -> dict[str, Any]:
    """Of what was refused and is settled: how much was paid after all."""
    done = Denial.objects.exclude(status__in=(*Denial.OPEN, S.TAKEN_BACK))
    sums = done.aggregate(refused=models.Sum("amount", default=ZERO), back=models.Sum("recovered", default=ZERO))
    rate = int(Decimal(100) * sums["back"] / sums["refused"]) if sums["refused"] else None
    return {**sums, "rate": rate, "open": Denial.objects.open().at_risk()}


@permit(VIEW)
def denial(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    patient = open_chart(row.claim.patient, page="denial", at_work=True)
    context = {
        "row": row,
        "patient": patient,
        "appeals": row.appeals.select_related("sent_by").order_by("-level"),
        "letters": letters_for(row) if may_appeal(row) else [],
        "level": next_level(row) if row.is_open else None,
        "may_appeal": may_appeal(row),
        "unbooked": sum(booking_again.to_book(row.claim).values(), ZERO) if row.is_open else ZERO,
    }
    return render(request, "billing/denial/page.html", context)


def found(pk: UUID) -> Denial:
    return get_object_or_404(Denial.objects.shown().select_related("claim__visit", "claim__policy", "closed_by"), pk=pk)


@permit(SETTLE, "GET", "POST")
def denial_assign(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    form = AssignDenial(request.POST or None, denial=row)
    return asking.step(request, about(row), form, row.assign, title="Who looks after this denial", submit="Save")


@permit(SETTLE, "GET", "POST")
def denial_transfer(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk), Why(request.POST or None)
    parts = row.parts
    text = f"The patient is asked for {spoken(parts.of_the_patient)} of what the payer has refused of this claim."
    if parts.of_us:
        text += f" {spoken(parts.of_us)} the patient does not owe (CO): it stays open."
    if row.is_in_advance:
        text = f"{NOTHING_MOVES} The denial is settled with it."
    words = {"title": "Leave it to the patient", "submit": "The patient owes it", "text": text, "danger": True}
    return asking.step(request, about(row), form, row.transfer, **words)


@permit(WRITE_OFF, "GET", "POST")
def denial_write_off_contract(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk), Why(request.POST or None)
    parts = row.parts
    text = f"Nobody is asked for {spoken(parts.of_us)}, which the patient does not owe by the payer's word (CO)."
    if parts.of_the_patient:
        text += f" {spoken(parts.of_the_patient)}, which the patient could owe, stays open."
    words = {"title": "Write off what we bear (CO)", "submit": "Write it off", "text": text, "danger": True}
    return asking.step(request, about(row), form, row.write_off_contract, **words)


@permit(WRITE_OFF, "GET", "POST")
def denial_write_off(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk), Why(request.POST or None)
    text = f"Nobody pays the {spoken(row.rest)} that the payer has not settled of this claim."
    if row.is_in_advance:
        text = f"{NOTHING_MOVES} What the patient does not owe is refunded to the patient; its charge is waived then."
    words = {"title": "Write all of it off", "submit": "Write it off", "text": text, "danger": True}
    return asking.step(request, about(row), form, row.write_off, **words)


@permit(TAKE, "POST")
def denial_settle(request: Request, pk: UUID) -> HttpResponse:
    """With what the payer has paid for this claim, and is on no claim."""
    row = found(pk)
    amount = booking_again.settle_as_paid(row, by=request.acting.person)
    messages.success(request, f"{spoken(amount)} is put on {row.claim}.")
    return redirect(row)


@permit(SETTLE, "GET", "POST")
def appeal_new(request: Request, pk: UUID) -> HttpResponse:
    """A letter from a text of the house, to be changed before it goes."""
    row = found(pk)
    level = next_level(row)
    letter = letter_of(request.GET.get("letter", ""))
    values = values_for(row, level.name if level else "")
    start = {"subject": filled(letter.subject, values), "body": filled(letter.text, values)} if letter else {}
    form = WriteAppeal(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        sent = Appeal.send(row, form.cleaned_data["subject"], form.cleaned_data["body"], by=request.acting.person)
        return answered(request, sent.get_absolute_url())
    title = f"Appeal: {level}" if level else "Appeal"
    return asking.ask(request, about(row), form, title=title, submit="Send and print", wide=True)


def letter_of(text: str) -> AppealLetter | None:
    try:
        return AppealLetter.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None


@permit(SETTLE, "GET", "POST")
def appeal_decide(request: Request, pk: UUID) -> HttpResponse:
    appeal = get_object_or_404(Appeal, pk=pk)
    row = appeal.denial = found(appeal.denial_id)
    form = DecideAppeal(request.POST or None, initial={"decided_on": days.today()})
    words = {"title": f"Answer to the appeal: {appeal}", "submit": "Record the answer"}
    return asking.step(request, about(row), form, appeal.decide, **words)


@permit(VIEW)
def appeal_letter(request: Request, pk: UUID) -> HttpResponse:
    """On paper, as it went out."""
    appeal = get_object_or_404(Appeal.objects.select_related("sent_by"), pk=pk)
    row = found(appeal.denial_id)
    patient = open_chart(row.claim.patient, page="appeal", at_work=True)
    AuditEntry.note("print", table="billing_appeal", row_id=appeal.pk, patient_id=patient.pk, detail={})
    return render(request, "billing/denial/letter.html", {"appeal": appeal, "row": row, "patient": patient})


def about(row: Denial) -> asking.About:
    template = "billing/denial/small_form.html"
    return asking.About(row.claim.patient, "denial", template, row.get_absolute_url(), {"row": row})
