"""The money of a patient over all visits: what is due, deposits, invoices, and the statement."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from billing.forms import Deposit, TakeForVisits, UseDeposit
from billing.models import Purse
from billing.money import spoken
from billing.paper import statement_pdf
from billing.statement import Statement, statement_of
from clinical.chart import open_chart
from clinical.models import Patient
from clinical.reports.period import PRESETS, chosen
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.panel import beside_its_field, panel
from hospital.permits import permit

SEE, TAKE = "billing.view_account", "billing.take_payment"


@permit(SEE)
def patient_account(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="account", at_work=True)
    period, preset, form = chosen(request.GET)
    context = {
        "patient": patient,
        "purse": Purse(patient),
        "statement": statement_of(patient, period),
        "invoices": patient.invoices.with_due().order_by("-drafted_at")[:20],
        "presets": PRESETS,
        "preset": preset,
        "period": period,
        "form": form,
    }
    return render(request, "billing/patient_account/page.html", context)


@permit(TAKE, "GET", "POST")
def take_for_visits(request: Request, pk: UUID) -> HttpResponse:
    """One payment for what is due on several visits."""
    patient = open_chart(pk, page="payment", at_work=True)
    form = TakeForVisits(request.POST or None, owing=Purse(patient).owing)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        keys, by = [UUID(key) for key in data["visits"]], request.acting.person
        with beside_its_field(form):
            payment = Purse.take(
                patient, data["amount"], keys, method=data["method"], reference=data["reference"], by=by
            )
            return to_account(request, patient, f"{payment.number}: {spoken(payment.amount)} received.")
    return ask_patient(request, form, patient, title=f"Payment of {patient.name}", submit="Take payment")


@permit(TAKE, "GET", "POST")
def take_deposit(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="deposit", at_work=True)
    form = Deposit(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return ask_patient(request, form, patient, title=f"Deposit of {patient.name}", submit="Take the deposit")
    data = form.cleaned_data
    payment = Purse.deposit(
        patient, data["amount"], method=data["method"], reference=data["reference"], by=request.acting.person
    )
    return to_account(request, patient, f"{payment.number}: {spoken(payment.amount)} deposited.")


@permit(TAKE, "GET", "POST")
def use_deposit(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="deposit", at_work=True)
    purse = Purse(patient)
    form = UseDeposit(request.POST or None, owing=purse.owing, most=purse.deposited)
    if request.method == "POST" and form.is_valid():
        keys = [UUID(key) for key in form.cleaned_data["visits"]]
        with beside_its_field(form):
            used = Purse.use(patient, form.cleaned_data["amount"], keys, by=request.acting.person)
            return to_account(request, patient, f"{spoken(used)} of the deposit is used.")
    return ask_patient(request, form, patient, title=f"Use the deposit of {patient.name}", submit="Use it")


@permit(SEE)
def statement_print(request: Request, pk: UUID) -> HttpResponse:
    statement, query = asked_statement(request, pk)
    context = {
        "statement": statement,
        "patient": statement.patient,
        "pdf": f"{reverse('billing:statement_pdf', args=[pk])}?{query}",
        "back": reverse("billing:patient_account", args=[pk]),
    }
    return render(request, "billing/patient_account/statement.html", context)


@permit(SEE)
def statement_file(request: Request, pk: UUID) -> HttpResponse:
    statement, _ = asked_statement(request, pk)
    return pdf_answer(statement_pdf(statement), f"statement-{statement.patient.number}.pdf")


def asked_statement(request: Request, pk: UUID) -> tuple[Statement, str]:
    patient = open_chart(pk, page="statement", at_work=True)
    AuditEntry.note("print", table=Patient._meta.db_table, row_id=patient.pk, patient_id=patient.pk)
    period, _, _ = chosen(request.GET)
    return statement_of(patient, period), f"first={period.first}&last={period.last}"


def ask_patient(
    request: Request, form: forms.Form, patient: Patient, *, title: str, submit: str, danger: bool = False
) -> HttpResponse:
    cancel = reverse("billing:patient_account", args=[patient.pk])
    page = "billing/patient_account/form.html"
    return panel(request, form, page, cancel=cancel, title=title, submit=submit, patient=patient, danger=danger)


def to_account(request: Request, patient: Patient, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect("billing:patient_account", patient.pk)


def pdf_answer(content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
