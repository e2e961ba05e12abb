"""Invoices: the list, one of them, and what is done with it."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from billing.forms import Credit, DraftInvoice, Waive
from billing.models import CreditNote, Invoice
from billing.models.invoice import WRITE, billable
from billing.paper import invoice_pdf
from billing.views.patient_account import SEE, pdf_answer
from clinical import days
from clinical.chart import open_chart
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.panel import panel
from hospital.permits import permit
from hospital.workflow import Refused

PAGE = 25
Status = Invoice.Status


def filters() -> dict[str, tuple[str, Q]]:
    return {
        "": ("To be paid", Q(status=Status.ISSUED)),
        "overdue": ("Overdue", Q(status=Status.ISSUED, due_on__lt=days.today())),
        "draft": ("Drafts", Q(status=Status.DRAFT)),
        "balanced": ("Balanced", Q(status=Status.BALANCED)),
        "cancelled": ("Cancelled", Q(status=Status.CANCELLED)),
    }


@permit(SEE)
def invoices(request: Request) -> HttpResponse:
    offered = filters()
    counts = Invoice.objects.aggregate(
        **{f"n_{name}": Count("pk", filter=chosen) for name, (_, chosen) in offered.items()}
    )
    _, chosen = offered.get(request.GET.get("show", ""), offered[""])
    rows = Invoice.objects.filter(chosen).with_due().select_related("patient").order_by("-serial", "-drafted_at")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "pills": [
            {"value": name, "label": label, "count": counts[f"n_{name}"]} for name, (label, _) in offered.items()
        ],
    }
    return render(request, "billing/invoice/list.html", context)


@permit(SEE)
def invoice(request: Request, pk: UUID) -> HttpResponse:
    return render(request, "billing/invoice/show.html", shown(found(pk, "invoice")))


@permit(WRITE, "GET", "POST")
def invoice_new(request: Request, pk: UUID) -> HttpResponse:
    """Drafted from what a patient was charged and is on no other invoice."""
    patient = open_chart(pk, page="invoice", at_work=True)
    charges = list(billable(patient))
    form = DraftInvoice(request.POST or None, charges=charges)
    if request.method == "GET" or not form.is_valid():
        cancel = reverse("billing:patient_account", args=[patient.pk])
        page, title = "billing/patient_account/form.html", f"Invoice for {patient.name}"
        return panel(request, form, page, cancel=cancel, title=title, submit="Write the draft", patient=patient)
    wanted = set(form.cleaned_data["charges"])
    chosen = [charge for charge in charges if str(charge.pk) in wanted]
    return redirect(Invoice.draft(patient, chosen, note=form.cleaned_data["note"], by=request.acting.person))


@permit(WRITE, "POST")
def invoice_issue(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk, "invoice")
    row.issue(by=request.acting.person)
    messages.success(request, f"{row.number} is issued.")
    return redirect(row)


@permit(WRITE, "GET", "POST")
def invoice_cancel(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk, "invoice"), Waive(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, row, title=f"Cancel {row.number}", submit="Cancel the invoice", danger=True)
    row.cancel(form.cleaned_data["reason"], by=request.acting.person)
    return done(request, row, "The invoice is cancelled. Its charges are still owed.")


@permit(WRITE, "GET", "POST")
def invoice_credit(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk, "invoice")
    form = Credit(request.POST or None, lines=row.current_lines() if row.serial else [])
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, row, title=f"Credit note for {row.number}", submit="Write the credit note")
    note = CreditNote.write(row, form.amounts, form.cleaned_data["reason"], by=request.acting.person)
    return done(request, row, f"{note.number} is written.")


@permit(WRITE, "GET", "POST")
def invoice_stop(request: Request, pk: UUID) -> HttpResponse:
    """Nobody is reminded of it any more."""
    row, form = found(pk, "invoice"), Waive(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, row, title=f"Stop reminding of {row.number}", submit="Stop")
    row.stop_reminders(form.cleaned_data["reason"], by=request.acting.person)
    return done(request, row, "Nobody is reminded of it any more.")


@permit(SEE)
def invoice_print(request: Request, pk: UUID) -> HttpResponse:
    row = on_paper(pk)
    AuditEntry.note("print", table=Invoice._meta.db_table, row_id=row.pk, patient_id=row.patient_id)
    context = {**shown(row), "pdf": reverse("billing:invoice_pdf", args=[pk]), "back": row.get_absolute_url()}
    return render(request, "billing/invoice/print.html", context)


@permit(SEE)
def invoice_file(request: Request, pk: UUID) -> HttpResponse:
    row = on_paper(pk)
    AuditEntry.note("print", table=Invoice._meta.db_table, row_id=row.pk, patient_id=row.patient_id)
    return pdf_answer(invoice_pdf(row, row.owed(), row.credit_notes.order_by("serial")), f"{row.number}.pdf")


@permit(SEE)
def credit_note(request: Request, pk: UUID) -> HttpResponse:
    note = get_object_or_404(CreditNote.objects.select_related("invoice__patient", "issued_by"), pk=pk)
    patient = open_chart(note.invoice.patient, page="credit note", at_work=True)
    lines = note.lines.select_related("line").order_by("line__position")
    context = {"note": note, "patient": patient, "lines": lines, "back": note.invoice.get_absolute_url()}
    return render(request, "billing/invoice/credit_note.html", context)


def found(pk: UUID, page: str) -> Invoice:
    row = get_object_or_404(Invoice.objects.select_related("patient", "issued_by", "drafted_by"), pk=pk)
    row.patient = open_chart(row.patient, page=page, at_work=True)
    return row


def on_paper(pk: UUID) -> Invoice:
    row = found(pk, "invoice on paper")
    if not row.serial:
        raise Refused("A draft is not printed. Issue it first.")
    return row


def shown(row: Invoice) -> dict:
    lines = row.current_lines()
    return {
        "invoice": row,
        "patient": row.patient,
        "lines": lines,
        "total": sum(line.total for line in lines),
        "tax": sum(line.tax for line in lines),
        "insured": sum(line.insured for line in lines),
        "owed": row.owed(),
        "notes": row.credit_notes.select_related("issued_by").order_by("serial"),
        "reminders": row.reminders.order_by("level"),
    }


def ask(request: Request, form: forms.Form, row: Invoice, **words) -> HttpResponse:
    page = "billing/patient_account/form.html"
    return panel(request, form, page, cancel=row.get_absolute_url(), patient=row.patient, **words)


def done(request: Request, row: Invoice, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect(row)
