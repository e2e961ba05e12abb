"""Insurers and the rules of each: until when to claim and to appeal, and what must be authorised before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from billing.forms.payer import AppealLevelForm, PayerForm, RuleForm
from clinical.models import AppealLevel, AuthorisationRule, Payer, Policy
from hospital.http import Request
from hospital.permits import permit

MANAGE = "billing.manage_payers"
PAGE = 50
UNKNOWN = 20
SHOWN = {"": "In use", "former": "Not in use", "all": "All"}


@dataclass(frozen=True)
class Part:
    """One sort of row below an insurer."""

    key: str
    model: Any
    form: Callable[..., Any]
    one: str


PARTS = {
    "levels": Part("levels", AppealLevel, AppealLevelForm, "level of appeal"),
    "rules": Part("rules", AuthorisationRule, RuleForm, "rule of authorisation"),
}


@permit(MANAGE)
def payers(request: Request) -> HttpResponse:
    text, show = request.GET.get("q", "").replace("\0", "").strip()[:60], request.GET.get("show", "")
    found = (
        Payer.objects.filter(Q(name__icontains=text) | Q(identifier__icontains=text)) if text else Payer.objects.all()
    )
    counts = found.aggregate(all=Count("pk"), used=Count("pk", filter=Q(is_active=True)))
    numbers = {"": counts["used"], "former": counts["all"] - counts["used"], "all": counts["all"]}
    rows = found if show == "all" else found.filter(is_active=show != "former")
    page = Paginator(counted(rows), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "text": text,
        "pills": [{"value": value, "label": label, "count": numbers[value]} for value, label in SHOWN.items()],
        "unknown": names_without_payer(),
    }
    return render(request, "billing/payer/list.html", context)


def counted(rows: QuerySet) -> QuerySet:
    return rows.annotate(
        policy_count=Count("policies", filter=Q(policies__is_active=True), distinct=True),
        level_count=Count("appeal_levels", distinct=True),
        rule_count=Count("authorisation_rules", filter=Q(authorisation_rules__is_active=True), distinct=True),
    ).order_by("name")


def names_without_payer() -> list[Any]:
    """What stands on policies in use and is in no list. Nothing of restricted charts."""
    open_ones = Policy.objects.in_use().filter(payer=None, patient__is_restricted=False)
    return list(
        open_ones.order_by().values(name=F("insurer")).annotate(count=Count("pk")).order_by("-count", "name")[:UNKNOWN]
    )


@permit(MANAGE, "GET", "POST")
def payer_new(request: Request) -> HttpResponse:
    form = PayerForm(request.POST or None, initial={"name": request.GET.get("name", "")[:120]})
    if request.method == "POST" and form.is_valid():
        payer = form.save()
        count = payer.adopt()
        policies = f" {count} {'policy is' if count == 1 else 'policies are'} linked with it." if count else ""
        messages.success(request, f"{payer} is added.{policies}")
        return redirect("billing:payer", pk=payer.pk)
    context = {"form": form, "title": "New insurer", "back": reverse("billing:payers")}
    return render(request, "billing/payer/edit.html", context, status=form.status if form.is_bound else 200)


@permit(MANAGE)
def payer(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(counted(Payer.objects.all()), pk=pk)
    context = {"payer": row, "levels": row.appeal_levels.all(), "rules": row.authorisation_rules.all()}
    return render(request, "billing/payer/show.html", context)


@permit(MANAGE, "GET", "POST")
def payer_edit(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(Payer, pk=pk)
    form = PayerForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        form.save()
        row.adopt()
        messages.success(request, f"{row} is saved.")
        return redirect("billing:payer", pk=row.pk)
    context = {"form": form, "title": f"Change {Payer.objects.get(pk=pk)}", "back": reverse("billing:payer", args=[pk])}
    return render(request, "billing/payer/edit.html", context, status=form.status if form.is_bound else 200)


@permit(MANAGE, "GET", "POST")
def payer_part_new(request: Request, pk: UUID, part: str) -> HttpResponse:
    what, of = PARTS[part], get_object_or_404(Payer, pk=pk)
    return edit_part(request, of, what, what.form(request.POST or None, payer=of), f"New {what.one}")


@permit(MANAGE, "GET", "POST")
def payer_part_edit(request: Request, pk: UUID, part: str) -> HttpResponse:
    what = PARTS[part]
    row = get_object_or_404(what.model.objects.select_related("payer"), pk=pk)
    form = what.form(request.POST or None, instance=row, payer=row.payer)
    return edit_part(request, row.payer, what, form, f"Change {what.one}")


def edit_part(request: Request, of: Payer, what: Part, form: Any, title: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        row = form.save()
        messages.success(request, f"{of}: {row} is saved.")
        return redirect("billing:payer", pk=of.pk)
    is_old = what.key == "levels" and not form.instance._state.adding
    context = {
        "form": form,
        "title": title,
        "payer": of,
        "back": reverse("billing:payer", args=[of.pk]),
        "remove": reverse("billing:payer_level_remove", args=[form.instance.pk]) if is_old else "",
    }
    return render(request, "billing/payer/edit.html", context, status=form.status if form.is_bound else 200)


@permit(MANAGE, "POST")
def payer_level_remove(request: Request, pk: UUID) -> HttpResponse:
    """What was appealed at this level keeps its deadline."""
    level = get_object_or_404(AppealLevel.objects.select_related("payer"), pk=pk)
    level.delete()
    messages.success(request, f"{level.payer} has no level {level.level} any more.")
    return redirect("billing:payer", pk=level.payer_id)
