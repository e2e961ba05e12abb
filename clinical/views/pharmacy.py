"""The stock: what is there, what is low or expires, and the ledger of each medicine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.forms.pharmacy import Count as CountForm
from clinical.forms.pharmacy import Lock, Receive, Transfer, WriteOff
from clinical.models import Batch, Medicine
from clinical.views.prescription import done
from hospital.http import Request
from hospital.panel import panel
from hospital.permits import permit

VIEW, MANAGE = "clinical.view_stock", "clinical.manage_stock"
PAGE = 50
FILTERS = {
    "low": ("Low", Q(usable__lte=F("low_at"), usable__gt=0)),
    "out": ("Out of stock", Q(usable=0)),
    "expiring": ("Expiring", Q(expiring__gt=0)),
    "locked": ("Locked or expired", Q(locked__gt=0)),
}


@permit(VIEW)
def stock(request: Request) -> HttpResponse:
    query = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = Medicine.objects.look_up(query).with_usable()
    wanted = {f"count_{name}": Count("pk", filter=chosen) for name, (_, chosen) in FILTERS.items()}
    counts = found.aggregate(count_all=Count("pk"), **wanted)
    shown = found.filter(FILTERS[request.GET["show"]][1]) if request.GET.get("show") in FILTERS else found
    batches = Prefetch("batches", Batch.objects.filter(on_hand__gt=0))
    context = {
        "page": Paginator(shown.prefetch_related(batches), PAGE).get_page(request.GET.get("page")),
        "query": query,
        "pills": [
            {"value": "", "label": "All", "count": counts["count_all"]},
            *(
                {"value": name, "label": label, "count": counts[f"count_{name}"]}
                for name, (label, _) in FILTERS.items()
            ),
        ],
    }
    return render(request, "clinical/pharmacy/stock.html", context)


@permit(VIEW)
def medicine(request: Request, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Medicine, pk=pk)
    moves = found.moves.select_related("batch", "by", "line__prescription")
    batches = list(found.batches.all())
    context = {
        "medicine": found,
        "batches": [batch for batch in batches if batch.on_hand],
        "empty_batches": sum(not batch.on_hand for batch in batches),
        "page": Paginator(moves, PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "clinical/pharmacy/medicine.html", context)


@permit(MANAGE, "GET", "POST")
def receive(request: Request, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Medicine, pk=pk)
    form = Receive(request.POST or None)

    def verb(said: dict, by: Any) -> None:
        Batch.receive(found, by=by, **said)

    return carry_out(request, form, found, verb, title="Receive stock", submit="Receive")


@permit(MANAGE, "GET", "POST")
def write_off(request: Request, pk: UUID) -> HttpResponse:
    batch = the_batch(pk)
    form = WriteOff(request.POST or None, initial={"quantity": batch.on_hand if batch.is_expired else None})

    def verb(said: dict, by: Any) -> None:
        batch.write_off(said["quantity"], said["reason"], by=by)

    return carry_out(
        request, form, batch.medicine, verb, title=f"Write off lot {batch.lot}", submit="Write off", danger=True
    )


@permit(MANAGE, "GET", "POST")
def count(request: Request, pk: UUID) -> HttpResponse:
    batch = the_batch(pk)
    form = CountForm(request.POST or None)

    def verb(said: dict, by: Any) -> None:
        batch.count(said["counted"], by=by, reason=said["reason"])

    return carry_out(request, form, batch.medicine, verb, title=f"Count lot {batch.lot}", submit="Save the count")


@permit(MANAGE, "GET", "POST")
def transfer(request: Request, pk: UUID) -> HttpResponse:
    batch = the_batch(pk)
    form = Transfer(request.POST or None)

    def verb(said: dict, by: Any) -> None:
        batch.transfer(said["quantity"], said["location"], by=by, reason=said["reason"])

    return carry_out(request, form, batch.medicine, verb, title=f"Move lot {batch.lot}", submit="Move")


@permit(MANAGE, "GET", "POST")
def lock(request: Request, pk: UUID) -> HttpResponse:
    batch = the_batch(pk)
    form = Lock(request.POST or None, initial={"state": batch.state})

    def verb(said: dict, by: Any) -> None:
        batch.set_state(said["state"], said["reason"], by=by)

    return carry_out(request, form, batch.medicine, verb, title=f"Lock or free lot {batch.lot}", submit="Save")


def the_batch(pk: UUID) -> Batch:
    return get_object_or_404(Batch.objects.select_related("medicine"), pk=pk)


def carry_out(request: Request, form: forms.Form, found: Medicine, verb: Callable, **words: Any) -> HttpResponse:
    """Ask, do, and show the medicine as it is then. The form stands beside the page when HTMX asks for it."""
    if (
        request.method == "POST"
        and form.is_valid()
        and done(form, lambda: verb(form.cleaned_data, request.acting.person))
    ):
        messages.success(request, f"{found}: {Medicine.objects.get(pk=found.pk).stock.usable} in stock.")
        return reload(request, found)
    page, cancel = "clinical/pharmacy/form.html", found.get_absolute_url()
    return panel(request, form, page, cancel=cancel, target="#panel", medicine=found, **words)


def reload(request: Request, found: Medicine) -> HttpResponse:
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": found.get_absolute_url()})
    return redirect(found)
