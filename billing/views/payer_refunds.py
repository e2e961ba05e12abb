"""What goes back to a payer that paid too much: asked for, decided by somebody else, paid out, and the letter with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from billing.forms.refunds import DecidePayerRefund, PayBack, SendBack
from billing.models import PayerRefund
from billing.models.payer_file import TAKE
from billing.models.refund import APPROVE
from billing.money import ZERO, spoken
from billing.overpaid import overpaid
from billing.views.owed import REFUNDS
from billing.views.remittance import found_heard
from clinical.chart import note_mention
from clinical.views.answers import answered
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.panel import beside_its_field
from hospital.permits import permit
from hospital.workflow import Refused

PAGE = 25
JOINED = ("remittance__payer", "heard__claim__patient", "heard__claim__policy", "heard__claim__visit", "requested_by")


@permit(TAKE)
def payer_refunds(request: Request) -> HttpResponse:
    """What waits for a decision, or to be paid out, and what is over: in the groups of the refunds of patients."""
    counts = PayerRefund.objects.aggregate(
        **{f"n_{name}": models.Count("pk", filter=which) for name, _, which in REFUNDS}
    )
    chosen = next((which for name, _, which in REFUNDS if name == request.GET.get("show")), REFUNDS[0][2])
    rows = PayerRefund.objects.filter(chosen).select_related(*JOINED).order_by("requested_at", "pk")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "pills": [{"value": name, "label": label, "count": counts[f"n_{name}"]} for name, label, _ in REFUNDS],
    }
    return render(request, "billing/payer_refund/list.html", context)


@permit(TAKE)
def payer_refund(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk, "refund to a payer")
    return render(request, "billing/payer_refund/page.html", {"row": row, "is_own": is_own(request, row)})


def is_own(request: Request, row: PayerRefund) -> bool:
    return row.requested_by_id == request.acting.person.pk


@permit(TAKE, "GET", "POST")
def heard_send_back(request: Request, pk: UUID) -> HttpResponse:
    """Ask for it, from the claim of a remittance that pays too much."""
    heard = found_heard(pk)
    left = overpaid([heard]).get(heard.pk, ZERO)
    if left <= 0:
        raise Refused("The payer has nothing to get back of this: it is on its claim, or went back already.")
    if heard.claim is not None:
        note_mention({heard.claim.patient}, page="send back to the payer")
    form = SendBack(request.POST or None, due=left, initial={"amount": left})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with beside_its_field(form):
            row = PayerRefund.request(heard, data["amount"], data["reason"], by=request.acting.person)
            return answered(request, row.get_absolute_url())
    whose = heard.remittance.payer or heard.remittance.payer_name or "the payer"
    words = {
        "title": f"Send back to {whose}",
        "submit": "Ask for it",
        "text": f"{spoken(left)} was paid too much. Somebody else decides, then it is paid out.",
    }
    return ask(request, heard.remittance.get_absolute_url(), form, **words)


@permit(APPROVE, "GET", "POST")
def payer_refund_decide(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk, "decide about a refund to a payer")
    form = DecidePayerRefund(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["decision"] == "approve":
            row.approve(by=request.acting.person)
        else:
            row.reject(form.cleaned_data["reason"], by=request.acting.person)
        return answered(request, row.get_absolute_url())
    words = {"title": f"Send {spoken(row.amount)} back to {row.payer}", "submit": "Decide", "text": row.reason}
    return ask(request, row.get_absolute_url(), form, **words)


@permit(TAKE, "GET", "POST")
def payer_refund_pay_out(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk, "pay a refund to a payer"), PayBack(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row.pay_out(**form.cleaned_data, by=request.acting.person)
        return answered(request, row.get_absolute_url())
    words = {"title": f"Pay {spoken(row.amount)} back to {row.payer}", "submit": "It is paid out"}
    if overpaid([row.heard]).get(row.heard_id, ZERO) < 0:
        words["warning"] = "The payer has held it back from another payment since. Ask the payer before you pay."
    return ask(request, row.get_absolute_url(), form, **words)


@permit(TAKE)
def payer_refund_letter(request: Request, pk: UUID) -> HttpResponse:
    """On paper: what is sent back, of which payment, for which claim, and why."""
    row = found(pk, "letter to a payer")
    if not row.has_letter:
        raise Refused("The letter goes with the money: it is not approved.")
    patient = row.heard.claim.patient_id if row.heard.claim else None
    AuditEntry.note("print", table=PayerRefund._meta.db_table, row_id=row.pk, patient_id=patient, detail={})
    return render(request, "billing/payer_refund/letter.html", {"row": row, "claim": row.heard.claim})


def found(pk: UUID, page: str) -> PayerRefund:
    rows = PayerRefund.objects.select_related(*JOINED, "decided_by", "paid_by", "remittance__file")
    row = get_object_or_404(rows, pk=pk)
    if row.heard.claim is not None:
        note_mention({row.heard.claim.patient}, page=page)
    return row


def ask(request: Request, back: str, form: forms.Form, **words: Any) -> HttpResponse:
    over = request.htmx.target == "dialog"
    context = {"form": form, "cancel": back, "over": over, **words}
    template = "_small_form.html" if over else "billing/payer_refund/small_form.html"
    return render(request, template, context, status=422 if form.is_bound else 200)
