"""Codes and numbers that claims carry: of procedures, of the organisation, of its doctors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing.forms.claims import IdentityForm, ProcedureCodeForm, ProviderNumberForm
from billing.models import BillingIdentity, Kind, Price, ProcedureCode, ProviderNumber
from billing.models.procedure_code import CPT
from hospital.http import Request
from hospital.permits import permit

MANAGE = "billing.manage_codes"
PAGE = 50


@dataclass(frozen=True)
class Part:
    model: Any
    form: Callable[..., Any]
    one: str


PARTS = {
    "procedures": Part(ProcedureCode, ProcedureCodeForm, "procedure code"),
    "organisation": Part(BillingIdentity, IdentityForm, "billing details"),
    "doctors": Part(ProviderNumber, ProviderNumberForm, "number of a doctor"),
}
SHOWN = {"": "All", "claimed": "Claimed", "not": "Not claimed"}


@permit(MANAGE)
def claim_codes(request: Request) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[:60]
    found = ProcedureCode.objects.filter(Q(code__icontains=text) | Q(procedure__istartswith=text))
    show = request.GET.get("show", "")
    counts = found.order_by().aggregate(all=Count("pk"), claimed=Count("pk", filter=Q(is_claimed=True)))
    numbers = {"": counts["all"], "claimed": counts["claimed"], "not": counts["all"] - counts["claimed"]}
    rows = found.filter(is_claimed=show == "claimed") if show in ("claimed", "not") else found
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "pills": [{"value": key, "label": label, "count": numbers[key]} for key, label in SHOWN.items()],
        "text": text,
        "uncoded": uncoded(),
        "identity": BillingIdentity.ours(),
        "doctors": ProviderNumber.objects.select_related("person"),
    }
    return render(request, "billing/claim_codes/list.html", context)


def uncoded(most: int = 20) -> list[dict[str, str]]:
    """What has a price and no code: it would hold its claims back."""
    coded = ProcedureCode.objects.filter(kind=OuterRef("kind"), code=OuterRef("code"))
    by_itself = Q(kind=Kind.PROCEDURE, code__regex=CPT)
    priced = (
        Price.objects.exclude(Exists(coded) | by_itself).order_by("kind", "code").values_list("kind", "code").distinct()
    )
    return [{"kind": kind, "code": code, "label": str(Kind(kind).label)} for kind, code in priced[:most]]


@permit(MANAGE, "GET", "POST")
def claim_code_new(request: Request, part: str) -> HttpResponse:
    what = PARTS[part]
    if what.model is BillingIdentity and (ours := BillingIdentity.ours()):
        return redirect("billing:claim_code_edit", part=part, pk=ours.pk)
    initial = {name: request.GET[name][:60] for name in ("kind", "code") if name in request.GET}
    return edit(request, what, what.form(request.POST or None, initial=initial), f"New {what.one}")


@permit(MANAGE, "GET", "POST")
def claim_code_edit(request: Request, part: str, pk: UUID) -> HttpResponse:
    what = PARTS[part]
    row = get_object_or_404(what.model, pk=pk)
    return edit(request, what, what.form(request.POST or None, instance=row), f"Change {what.one}")


def edit(request: Request, what: Part, form: Any, title: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        row = form.save()
        messages.success(request, f"{row} is saved.")
        return redirect("billing:claim_codes")
    context = {"form": form, "title": title}
    return render(request, "billing/claim_codes/edit.html", context, status=form.status if form.is_bound else 200)
