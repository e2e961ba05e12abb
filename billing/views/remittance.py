"""Remittances: what waits to be posted, the preview, the matching, and those that are typed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from billing import booking_again, remitting
from billing.claims import forwarding
from billing.claims.scrubber import counted
from billing.forms.remittance import MOST_CLAIMS, MatchClaim, TypedRemittance, Why
from billing.likely import likely
from billing.models import Claim, PayerRefund, Remittance, RemittanceClaim
from billing.models.payer_file import TAKE
from billing.money import ZERO
from billing.overpaid import overpaid, taken_twice
from clinical.chart import note_mention
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import IllegalMove, Refused

PAGE = 25
S = Remittance.Status


def groups() -> dict[str, tuple[str, models.Q]]:
    waits = models.Exists(RemittanceClaim.objects.unmatched().filter(remittance=models.OuterRef("pk")))
    return {
        "": ("To post", models.Q(status=S.READ)),
        "unmatched": ("Claims to match", models.Q(waits)),
        "posted": ("Posted", models.Q(status=S.POSTED)),
        "aside": ("Put aside", models.Q(status=S.ASIDE)),
        "all": ("All", models.Q()),
    }


@permit(TAKE)
def remittances(request: Request) -> HttpResponse:
    found = groups()
    rows = Remittance.objects.select_related("payer", "file").annotate(
        claim_count=models.Count("claims"),
        unmatched=models.Count("claims", filter=models.Q(claims__status=RemittanceClaim.Status.UNMATCHED)),
    )
    rows = rows.order_by("-received_at", "-pk")
    counts = Remittance.objects.aggregate(
        **{
            f"in_{key or 'open'}": models.Count("pk", filter=which) for key, (_, which) in found.items() if key != "all"
        },
        in_all=models.Count("pk"),
    )
    chosen = found.get(request.GET.get("show", ""), found[""])[1]
    context = {
        "page": Paginator(rows.filter(chosen), PAGE).get_page(request.GET.get("page")),
        "pills": [
            {"value": key, "label": label, "count": counts[f"in_{key or 'open'}"]} for key, (label, _) in found.items()
        ],
    }
    return render(request, "billing/remittance/list.html", context)


@permit(TAKE)
def remittance(request: Request, pk: UUID) -> HttpResponse:
    """What it says and what posting it will do, claim by claim; afterwards, what it did."""
    return shown(request, pk)


def shown(request: Request, pk: UUID, *, at: UUID | None = None, refused: str = "") -> HttpResponse:
    """With why a step `at` one of its claims was refused, on the part of the list where that claim stands (409)."""
    row = get_object_or_404(Remittance.objects.select_related("payer", "file", "posted_by", "entered_by"), pk=pk)
    heard = remitting.heard_in(row)
    planned = {plan.heard.pk: plan for plan in remitting.planned_for(heard)} if row.status == S.READ else {}
    place = next((place for place, one in enumerate(heard) if one.pk == at), None)
    page = Paginator(heard, PAGE).get_page(request.GET.get("page") if place is None else place // PAGE + 1)
    alike = likely([one for one in page if one.status == RemittanceClaim.Status.UNMATCHED])
    offered = {claim.patient for found in alike.values() for claim in found}
    note_mention(offered | {one.claim.patient for one in page if one.claim}, page="remittance")
    loose = overpaid(page) if row.is_posted else {}
    backs = by_heard(PayerRefund.objects.filter(heard__in=list(page)).order_by("requested_at", "pk"))
    sent_on = forwarding.what_to_do(page)
    cards = [
        {
            "heard": one,
            "plan": planned.get(one.pk),
            "alike": alike.get(one.pk, ()),
            "loose": max(loose.get(one.pk, ZERO), ZERO),
            "backs": backs.get(one.pk, ()),
            "sent_on": sent_on.get(one.pk, ""),
        }
        for one in page
    ]
    context = {"row": row, "cards": cards, "page": page, "twice": taken_twice(row), "at": at, "refused": refused}
    return render(request, "billing/remittance/page.html", context, status=409 if refused else 200)


def by_heard(refunds: Iterable[PayerRefund]) -> dict[UUID, list[PayerRefund]]:
    found: dict[UUID, list[PayerRefund]] = {}
    for one in refunds:
        found.setdefault(one.heard_id, []).append(one)
    return found


@permit(TAKE, "POST")
def remittance_post(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(Remittance, pk=pk)
    done = remitting.post(row, by=request.acting.person)
    left = row.claims.unmatched().count()
    words = f"{row} is posted on {counted(sum(not one.problem for one in done), 'claim')}."
    waiting = f" {left} {'waits' if left == 1 else 'wait'} to be matched." if left else ""
    messages.success(request, f"{words}{waiting}")
    return redirect(row)


@permit(TAKE, "GET", "POST")
def remittance_aside(request: Request, pk: UUID) -> HttpResponse:
    row, form = get_object_or_404(Remittance, pk=pk), Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        remitting.put_aside(row, form.cleaned_data["reason"], by=request.acting.person)
        return answered(request, row.get_absolute_url())
    return ask(request, row, form, title=f"Put {row} aside", submit="Put it aside")


@permit(TAKE, "POST")
def remittance_back(request: Request, pk: UUID) -> HttpResponse:
    row = get_object_or_404(Remittance, pk=pk)
    remitting.take_up(row, by=request.acting.person)
    return redirect(row)


@permit(TAKE, "GET", "POST")
def heard_match(request: Request, pk: UUID) -> HttpResponse:
    heard = found_heard(pk)
    form = MatchClaim(request.POST or None)
    if request.method == "POST" and form.is_valid():
        remitting.match(heard, form.cleaned_data["claim"], by=request.acting.person)
        return answered(request, heard.remittance.get_absolute_url())
    return ask(request, heard.remittance, form, title="Which claim of ours is it", submit="It is this one")


@permit(TAKE, "POST")
def heard_unmatch(request: Request, pk: UUID) -> HttpResponse:
    heard = found_heard(pk)
    remitting.unmatch(heard, by=request.acting.person)
    return redirect(heard.remittance)


@permit(TAKE, "GET", "POST")
def heard_again(request: Request, pk: UUID) -> HttpResponse:
    """What is refused is said on the page itself, which goes on following what happens: so it can be asked for here too."""
    heard = found_heard(pk)
    if request.method != "POST":
        return shown(request, heard.remittance_id, at=heard.pk)
    try:
        plan = booking_again.book_again(heard, by=request.acting.person)
    except (Refused, IllegalMove) as why:
        return shown(request, heard.remittance_id, at=heard.pk, refused=str(why))
    messages.success(request, f"{plan.paid} is put on {plan.claim}.")
    return redirect(heard.remittance)


@permit(TAKE, "GET", "POST")
def heard_leave(request: Request, pk: UUID) -> HttpResponse:
    heard, form = found_heard(pk), Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        remitting.leave(heard, form.cleaned_data["reason"], by=request.acting.person)
        return answered(request, heard.remittance.get_absolute_url())
    text = "Its money stays under “paid by payers, on no claim yet”."
    return ask(request, heard.remittance, form, title="It is none of our claims", submit="Leave it", text=text)


def found_heard(pk: UUID) -> RemittanceClaim:
    return get_object_or_404(RemittanceClaim.objects.select_related("remittance"), pk=pk)


def ask(request: Request, row: Remittance, form: forms.Form, **words: Any) -> HttpResponse:
    over = request.htmx.target == "dialog"
    context = {"row": row, "form": form, "cancel": row.get_absolute_url(), "over": over, **words}
    template = "_small_form.html" if over else "billing/remittance/small_form.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


@permit(TAKE, "GET", "POST")
def remittance_new(request: Request) -> HttpResponse:
    """On paper: choose the claims, then say of each line what the payer says."""
    asked = [part for part in request.GET.get("claims", "").replace(",", " ").split() if part][:MOST_CLAIMS]
    pairs = [(number, Claim.objects.by_control_number(number)) for number in asked]
    claims = list({claim.pk: claim for _, claim in pairs if claim}.values())
    typed = TypedRemittance(request.POST or None, claims)
    if request.method == "POST" and claims and typed.is_valid():
        value = typed.value()
        known = remitting.known_as(value)
        if known is not None:
            messages.info(request, f"The payment {known.trace} is here already.")
        return redirect(known or remitting.take_in(value, file=None, by=request.acting.person))
    note_mention({claim.patient for claim in claims}, page="remittance typed in")
    context = {
        "typed": typed,
        "asked": request.GET.get("claims", ""),
        "unknown": [number for number, claim in pairs if claim is None],
    }
    return render(request, "billing/remittance/new.html", context, status=422 if request.method == "POST" else 200)
