"""Cash drawers: one's own, and those that were closed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from billing.forms import CloseDrawer, MoveCash, OpenDrawer
from billing.models import Drawer
from billing.money import exact
from hospital.http import Request
from hospital.models import AuditEntry
from hospital.panel import beside_its_field, panel
from hospital.permits import permit
from hospital.workflow import Refused

TAKE = "billing.take_payment"
PAGE = 25
LATEST = 50
FILTERS = (
    ("", "All", Q()),
    ("open", "Open", Q(closed_at=None)),
    ("different", "With a difference", ~Q(counted=F("expected")) & Q(closed_at__isnull=False)),
)


@permit(TAKE)
def drawers(request: Request) -> HttpResponse:
    counts = Drawer.objects.aggregate(**{f"n_{name}": Count("pk", filter=chosen) for name, _, chosen in FILTERS})
    chosen = next((chosen for name, _, chosen in FILTERS if name == request.GET.get("show")), Q())
    rows = Drawer.objects.filter(chosen).select_related("person")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "pills": [{"value": name, "label": label, "count": counts[f"n_{name}"]} for name, label, _ in FILTERS],
        "own": Drawer.objects.open().filter(person=request.acting.person).first(),
    }
    return render(request, "billing/drawer/list.html", context)


@permit(TAKE, "GET", "POST")
def drawer_open(request: Request) -> HttpResponse:
    form = OpenDrawer(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, reverse("billing:drawers"), title="Open your drawer", submit="Open it")
    row = Drawer.open_for(request.acting.person, form.cleaned_data["amount"])
    return done(request, row, f"{row.number} is open.")


@permit(TAKE)
def drawer(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    context = {
        "drawer": row,
        "flows": row.flows if row.closed_at else [],
        "moves": row.moves.select_related("moved_by"),
        "pieces": [(coin, count) for coin, count in row.pieces.items()],
        "payments": row.payments.select_related("patient").order_by("-serial")[:LATEST],
        "refunds": row.refunds.select_related("payment").order_by("-paid_at", "-pk")[:LATEST],
    }
    return render(request, "billing/drawer/show.html", context)


@permit(TAKE, "GET", "POST")
def drawer_move(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk), MoveCash(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with beside_its_field(form):
            row.move(form.signed, form.cleaned_data["reason"], by=request.acting.person)
            return done(request, row, "It is written down.")
    return ask(request, form, at(row), title=f"Put into or take out of {row.number}", submit="Write it down")


@permit(TAKE, "GET", "POST")
def drawer_close(request: Request, pk: UUID) -> HttpResponse:
    row, form = found(pk), CloseDrawer(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with beside_its_field(form):
            row.close(form.pieces, form.cleaned_data["reason"], by=request.acting.person)
            return done(request, row, f"{row.number} is closed.")
    words = {"title": f"Count and close {row.number}", "submit": "Close the drawer"}
    return panel(request, form, "billing/drawer/close.html", cancel=at(row), never_optional=True, **words)


@permit(TAKE)
def drawer_print(request: Request, pk: UUID) -> HttpResponse:
    """The close of a day on paper. Nothing of it is told before the drawer is counted; each print is noted."""
    row = found(pk)
    if row.closed_at is None:
        raise Refused(f"{row.number} is open. Count and close it first, then print it.")
    AuditEntry.note("print", table=Drawer._meta.db_table, row_id=row.pk)
    context = {
        "drawer": row,
        "flows": row.flows,
        "moves": row.moves.select_related("moved_by"),
        "pieces": [(coin, count, exact(coin) * count) for coin, count in row.pieces.items()],
        "back": at(row),
    }
    return render(request, "billing/drawer/print.html", context)


def found(pk: UUID) -> Drawer:
    return get_object_or_404(Drawer.objects.select_related("person", "closed_by"), pk=pk)


def at(row: Drawer) -> str:
    return reverse("billing:drawer", args=[row.pk])


def ask(request: Request, form: forms.Form, cancel: str, **words: Any) -> HttpResponse:
    return panel(request, form, "billing/drawer/form.html", cancel=cancel, **words)


def done(request: Request, row: Drawer, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect(at(row))
