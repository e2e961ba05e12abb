"""What goes back, and what is asked no more: discounts, refunds, and payments that were a mistake."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from billing.forms import AskRefund, DecideRefund, GiveDiscount, PayOut, Waive
from billing.models import Account, Discount, Payment, Refund, Void
from billing.models.discount import left_of_limit
from billing.models.refund import refundable
from billing.money import spoken
from billing.views.patient_account import ask_patient, to_account
from billing.views.payments import ask, changed
from clinical.chart import open_chart
from clinical.copies import note_print
from clinical.models import Visit
from hospital.http import Request
from hospital.panel import beside_its_field
from hospital.permits import permit


@permit("billing.waive", "GET", "POST")
def discount_account(request: Request, pk) -> HttpResponse:
    """Ask less for a visit."""
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    account = Account(visit)
    limit = left_of_limit(account, request.acting.person)
    form = GiveDiscount(request.POST or None, due=account.due, limit=limit)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with beside_its_field(form):
            Discount.give(visit, data["amount"], data["reason"], by=request.acting.person)
            return changed(request, visit, f"{spoken(data['amount'])} less is asked.")
    return ask(request, form, visit, title=f"Discount for {visit.patient.name}", submit="Give discount")


@permit("billing.take_payment", "GET", "POST")
def ask_refund(request: Request, pk) -> HttpResponse:
    payment = payment_of(pk)
    form = AskRefund(request.POST or None, due=refundable(payment))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with beside_its_field(form):
            Refund.request(payment, data["amount"], data["reason"], by=request.acting.person)
            return settled(request, payment, f"A refund of {spoken(data['amount'])} waits for approval.")
    return ask_about(request, form, payment, title=f"Refund of {payment.number}", submit="Ask for the refund")


@permit("billing.approve_refund", "GET", "POST")
def cancel_payment(request: Request, pk) -> HttpResponse:
    payment = payment_of(pk)
    form = Waive(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return ask_about(request, form, payment, title=f"Cancel {payment.number}", submit="Cancel the payment")
    Void.cancel(payment, form.cleaned_data["reason"], by=request.acting.person)
    return settled(request, payment, f"{payment.number} is cancelled.")


@permit("billing.approve_refund", "GET", "POST")
def decide_refund(request: Request, pk) -> HttpResponse:
    refund = refund_of(pk)
    form = DecideRefund(request.POST or None)
    form.fields["decision"].help_text = f"{refund.requested_by or 'The system'} asked for it: {refund.reason}"
    if request.method == "GET" or not form.is_valid():
        title = f"Refund {spoken(refund.amount)} of {refund.payment}"
        return ask_about(request, form, refund.payment, title=title, submit="Decide")
    if form.cleaned_data["decision"] == "approve":
        refund.approve(by=request.acting.person)
        return settled(request, refund.payment, f"{spoken(refund.amount)} may be paid out.")
    refund.reject(form.cleaned_data["reason"], by=request.acting.person)
    return settled(request, refund.payment, "The refund is rejected.")


@permit("billing.take_payment", "GET", "POST")
def pay_out(request: Request, pk) -> HttpResponse:
    refund = refund_of(pk)
    form = PayOut(request.POST or None, initial={"method": refund.payment.method})
    if request.method == "POST" and form.is_valid():
        with beside_its_field(form):
            refund.pay_out(method=form.cleaned_data["method"], by=request.acting.person)
            return settled(request, refund.payment, f"{spoken(refund.amount)} is paid out.")
    return ask_about(request, form, refund.payment, title=f"Pay out {spoken(refund.amount)}", submit="Pay out")


@permit("billing.view_account")
def refund_receipt(request: Request, pk: UUID) -> HttpResponse:
    """What whoever gets the money signs. From the second print on it says that it is a copy."""
    refund = refund_of(pk)
    payment = refund.payment
    patient = open_chart(payment.patient, page="receipt of a refund", at_work=True)
    context = {
        "refund": refund,
        "payment": payment,
        "patient": patient,
        "copy": note_print(refund, payment.patient_id) if refund.is_paid_out else 0,
        "back": payment.get_absolute_url(),
    }
    return render(request, "billing/payments/refund_receipt.html", context)


def ask_about(request: Request, form: forms.Form, payment: Payment, *, title: str, submit: str) -> HttpResponse:
    """On the account that the payment belongs to: of the visit, or of the patient."""
    if payment.visit:
        return ask(request, form, payment.visit, title=title, submit=submit)
    patient = open_chart(payment.patient, page=submit.lower(), at_work=True)
    return ask_patient(request, form, patient, title=title, submit=submit)


def settled(request: Request, payment: Payment, sentence: str) -> HttpResponse:
    if payment.visit:
        return changed(request, payment.visit, sentence)
    return to_account(request, payment.patient, sentence)


def payment_of(pk) -> Payment:
    return get_object_or_404(Payment.objects.select_related("visit__patient", "patient"), pk=pk)


def refund_of(pk) -> Refund:
    rows = Refund.objects.select_related("payment__visit__patient", "payment__patient", "requested_by", "paid_by")
    return get_object_or_404(rows, pk=pk)
