"""Taking money: the open accounts, the payment form, and the receipt."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing.forms import SetPrice, TakePayment, Waive
from billing.models import Account, Charge, JournalLine, Payment, Purse, ReceiptPrint, Refund
from billing.models.account import open_accounts
from billing.money import ZERO, spoken
from billing.reports.sums import RECEIVED
from clinical import days
from clinical.chart import open_chart
from clinical.models import Visit
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.panel import beside_its_field, panel
from hospital.permits import permit
from hospital.seals import shown

PAGE = 25
LATEST = 8


@permit("billing.view_account")
def payments(request: Request) -> HttpResponse:
    """Who owes what, oldest first, and what came in today."""
    accounts = open_accounts()
    counts = accounts.aggregate(
        all=models.Count("pk"),
        owed=models.Sum("due"),
        **{f"with_{name}": models.Count("pk", filter=chosen) for name, _, chosen in FILTERS},
    )
    chosen = next((condition for name, _, condition in FILTERS if name == request.GET.get("show")), models.Q())
    rows = accounts.filter(chosen).select_related("patient").order_by("registered_at", "pk")
    start, end = days.bounds(days.today())
    today = Payment.objects.filter(received_at__gte=start, received_at__lt=end)
    money = JournalLine.objects.money().of_patients().filter(entry__at__gte=start, entry__at__lt=end)
    by_method = dict(money.order_by().values_list("account__key").annotate(sum=RECEIVED))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    for visit in page:
        visit.borne = visit.total - visit.paid - visit.due  # what the insurer is asked for, and what was let off
    context = {
        "page": page,
        "pills": [
            {"value": "", "label": "All open", "count": counts["all"]},
            *({"value": name, "label": label, "count": counts[f"with_{name}"]} for name, label, _ in FILTERS),
        ],
        "due": counts["owed"] or ZERO,
        "received": sum(by_method.values(), ZERO),
        "methods": [(f"{label} today", by_method.get(method, ZERO)) for method, label in Payment.Method.choices],
        "refunds": Refund.objects.filter(status__in=(Refund.Status.REQUESTED, Refund.Status.APPROVED))
        .select_related("payment__visit", "payment__patient", "requested_by")
        .order_by("requested_at", "pk")[:PAGE],
        "latest": today.select_related("patient", "received_by").order_by("-serial")[:LATEST],
    }
    return render(request, "billing/payments/payments.html", context)


FILTERS = (
    ("unpaid", "Nothing paid", models.Q(payment=Visit.Payment.UNPAID)),
    ("partial", "Partly paid", models.Q(payment=Visit.Payment.PARTIAL, paid__gt=0)),
    ("share", "Patient's part unpaid", models.Q(payment=Visit.Payment.PARTIAL, paid=0)),
    ("unpriced", "Without a price", models.Q(unpriced=True)),
    ("over", "Visit is over", models.Q(status__in=Visit.OVER)),
)


@permit("billing.take_payment", "GET", "POST")
def take_payment(request: Request, pk) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    form = TakePayment(request.POST or None, due=Account(visit).due)
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, visit, title=f"Payment of {visit.patient.name}", submit="Take payment")
    data = form.cleaned_data
    payment = Payment.take(
        visit, data["amount"], method=data["method"], reference=data["reference"], by=request.acting.person
    )
    if request.htmx:
        return render(
            request,
            "billing/account/_taken.html",
            {"payment": payment, "visit": visit, "rest": Account(visit).due, "is_behind": is_behind(request, visit)},
        )
    messages.success(request, f"{payment.number}: {spoken(payment.amount)} received.")
    return redirect(visit)


@permit("billing.waive", "GET", "POST")
def waive_account(request: Request, pk) -> HttpResponse:
    """Let go of all that is due on a visit."""
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    form = Waive(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, visit, title=f"Waive {spoken(Account(visit).due)}", submit="Waive")
    Account(visit).waive(form.cleaned_data["reason"], by=request.acting.person)
    return changed(request, visit, "What was due is waived.")


@permit("billing.waive", "GET", "POST")
def waive_charge(request: Request, pk) -> HttpResponse:
    charge = get_object_or_404(Charge.objects.select_related("visit__patient"), pk=pk)
    form = Waive(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, charge.visit, title=f"Waive {charge.text}", submit="Waive")
    charge.waive(form.cleaned_data["reason"], by=request.acting.person)
    return changed(request, charge.visit, f"{charge.text} is waived.")


@permit("billing.waive", "GET", "POST")
def price_charge(request: Request, pk) -> HttpResponse:
    charge = get_object_or_404(Charge.objects.select_related("visit__patient"), pk=pk)
    form = SetPrice(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with beside_its_field(form):
            charge.set_price(form.cleaned_data["unit_price"], form.cleaned_data["reason"], by=request.acting.person)
            return changed(request, charge.visit, f"{charge.text} costs {spoken(charge.amount)}{asked_less(charge)}.")
    return ask(request, form, charge.visit, title=f"Price of {charge.text}", submit="Set price")


def asked_less(charge: Charge) -> str:
    let_off = charge.discounts.aggregate(sum=models.Sum("amount"))["sum"] or ZERO
    return f", and {spoken(charge.amount - let_off)} is asked for it" if let_off else ""


@permit("billing.view_account")
def receipt(request: Request, pk) -> HttpResponse:
    """A receipt can be printed again; each time is noted."""
    payment = get_object_or_404(Payment.objects.with_free().select_related("patient", "visit", "received_by"), pk=pk)
    AuditEntry.note("print", table=Payment._meta.db_table, row_id=payment.pk, patient_id=payment.patient_id)
    lines = (
        payment.allocations.order_by()
        .values("charge__text", "charge__quantity", "charge__visit__serial")
        .annotate(part=models.Sum("amount"), at=models.Min("charge__charged_at"))
        .filter(part__gt=0)
        .order_by("at")
    )
    context = {
        "payment": payment,
        "lines": [{**line, "charge__text": shown(payment, line["charge__text"])} for line in lines],
        "due": Account(payment.visit).due if payment.visit else Purse(payment.patient).due,
        "free": payment.free,
        "copy": ReceiptPrint.count(payment),
        "is_cancelled": payment.voids.exists(),
        "refunds": payment.refunds.filter(status=Refund.Status.PAID_OUT).order_by("paid_at"),
        "back": payment.get_absolute_url(),
    }
    return render(request, "billing/payments/receipt.html", context)


def ask(request: Request, form: forms.Form, visit: Visit, *, title: str, submit: str) -> HttpResponse:
    about = {"patient": open_chart(visit.patient, page=submit.lower(), at_work=True), "visit": visit}
    page, cancel = "billing/account/form.html", visit.get_absolute_url()
    return panel(request, form, page, cancel=cancel, title=title, submit=submit, **about)


def changed(request: Request, visit: Visit, sentence: str) -> HttpResponse:
    if request.htmx:
        response = render(
            request,
            "billing/account/_changed.html",
            {"visit": visit, "sentence": sentence, "is_behind": is_behind(request, visit)},
        )
        response.headers["HX-Trigger"] = "close-dialog"
        return response
    messages.success(request, sentence)
    return redirect(visit)


def is_behind(request: Request, visit: Visit) -> bool:
    """Whether the page from which HTMX asks is the visit's own, so that its account can be renewed at once."""
    return (request.htmx.current_url_abs_path or "").partition("?")[0] == visit.get_absolute_url()
