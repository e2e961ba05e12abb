"""Who waits for an earlier time, and what is offered to whom."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from clinical.chart import open_chart
from clinical.models import Patient
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused
from scheduling.forms.waitlist import Wait
from scheduling.models import Appointment, Offer, Wish

BOOK = "scheduling.book"
PAGE, FOUND = 50, 12
Status = Wish.Status


def filters() -> dict[str, tuple[str, Q]]:
    """Those whose days have passed are asked no more, and wait in a list of their own."""
    current = Q(last_day__gte=timezone.localdate())
    return {
        "": ("Waiting", Q(status__in=(Status.WAITING, Status.OFFERED)) & (current | Q(status=Status.OFFERED))),
        "offered": ("Offered", Q(status=Status.OFFERED)),
        "over": ("Days have passed", Q(status=Status.WAITING) & ~current),
        "booked": ("Booked", Q(status=Status.BOOKED)),
        "withdrawn": ("Withdrawn", Q(status=Status.WITHDRAWN)),
    }


@permit(BOOK)
def waitlist(request: Request) -> HttpResponse:
    offered = filters()
    counts = Wish.objects.aggregate(
        **{f"count_{name}": Count("pk", filter=chosen) for name, (_, chosen) in offered.items()}
    )
    shown = request.GET.get("show", "")
    shown = shown if shown in offered else ""
    rows = Wish.objects.filter(offered[shown][1]).shown()
    if shown in ("booked", "withdrawn"):
        rows = rows.order_by("-updated_at")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "pills": [
            {"value": name, "label": label, "count": counts[f"count_{name}"]} for name, (label, _) in offered.items()
        ],
        "shown": shown,
    }
    return render(request, "scheduling/waitlist/page.html", context)


@permit(BOOK, "GET", "POST")
def wish_new(request: Request) -> HttpResponse:
    """For a patient, or instead of an appointment that they have; without either, whom is asked first."""
    instead_of = the_appointment(request)
    patient = instead_of.patient if instead_of else the_patient(request)
    if patient is None:
        return render(request, "scheduling/waitlist/find.html", found_for(request))
    form = Wait(request.POST or None, patient=patient, instead_of=instead_of)
    if request.method == "POST" and form.is_valid():
        form.instance.add(by=request.acting.person)
        messages.success(request, f"{patient.name} is on the waitlist.")
        return redirect("scheduling:waitlist")
    context = {"form": form, "patient": open_chart(patient, page="waitlist", at_work=True), "instead_of": instead_of}
    return render(request, "scheduling/waitlist/new.html", context, status=422 if request.method == "POST" else 200)


def the_appointment(request: Request) -> Appointment | None:
    pk = uuid_of(request.GET.get("appointment", ""))
    if pk is None:
        return None
    found = get_object_or_404(Appointment.objects.shown(), pk=pk)
    if found.status != Appointment.Status.BOOKED:
        raise Refused(f"This appointment is {found.get_status_display().lower()}: no earlier one can replace it.")
    return found


def the_patient(request: Request) -> Patient | None:
    pk = uuid_of(request.GET.get("patient", ""))
    return get_object_or_404(Patient, pk=pk) if pk else None


def found_for(request: Request) -> dict[str, object]:
    query = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = Patient.objects.filter(deceased_at=None).search(query)[:FOUND] if query else []
    return {"query": query, "found": found}


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@permit(BOOK, "POST")
def wish_withdraw(request: Request, pk: UUID) -> HttpResponse:
    return carried_out(request, lambda: the_wish(pk).withdraw(by=request.acting.person), "Withdrawn from the waitlist.")


@permit(BOOK, "POST")
def wish_again(request: Request, pk: UUID) -> HttpResponse:
    return carried_out(request, lambda: the_wish(pk).wait_again(by=request.acting.person), "On the waitlist again.")


@permit(BOOK, "POST")
def offer_accept(request: Request, pk: UUID) -> HttpResponse:
    made = the_offer(pk).accept(by=request.acting.person)
    messages.success(request, f"{made.number} is booked: {made.patient.name}, {made.when_in_words}.")
    return redirect(made)


@permit(BOOK, "POST")
def offer_decline(request: Request, pk: UUID) -> HttpResponse:
    return carried_out(
        request, lambda: the_offer(pk).decline(by=request.acting.person), "Declined. The next in order is asked."
    )


def carried_out(request: Request, verb: Callable[[], None], words: str) -> HttpResponse:
    verb()
    messages.success(request, words)
    return redirect("scheduling:waitlist")


def the_wish(pk: UUID) -> Wish:
    return get_object_or_404(Wish.objects.select_related("patient", "type"), pk=pk)


def the_offer(pk: UUID) -> Offer:
    return get_object_or_404(Offer.objects.select_related("wish__patient", "wish__type", "provider", "location"), pk=pk)
