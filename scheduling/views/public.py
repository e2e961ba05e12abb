"""Pages for patients, who have no log-in: an appointment that comes near, and an earlier time that is offered.

Whoever opens an address changes nothing by it: programs that look through e-mail open every one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from hospital.models import Tenant
from hospital.tenancy import acting_for
from hospital.workflow import IllegalMove, Refused
from scheduling import icalendar
from scheduling.forms.waitlist import Cancel
from scheduling.letters import where
from scheduling.links import APPOINTMENT, OFFER, Link, opened
from scheduling.models import Appointment, Offer
from scheduling.models.booking import hold_together
from scheduling.views.feed import as_file

Asked = HttpRequest


@require_http_methods(["GET", "HEAD", "POST"])
def answer_appointment(request: Asked, tenant: str, secret: str) -> HttpResponse:
    with entered(tenant, APPOINTMENT, secret) as (organisation, link):
        if link.is_over:
            return over(request, organisation)
        form = Cancel(request.POST if request.POST.get("answer") == "cancel" else None)
        refusal, status = "", 200
        if request.method == "POST":
            refusal, status = said(lambda: answer(link, request.POST.get("answer", ""), form))
        appointment = the_appointment(link)
        context = {
            "appointment": appointment,
            "is_answered": is_answered(appointment),
            "where": where(appointment),
            "calendar": f"{request.path}appointment.ics",
        }
        page = {**context, "form": form, "refusal": refusal, "tenant": organisation}
        with timezone.override(appointment.location.zone):
            return render(request, "scheduling/public/appointment.html", page, status=status)


@require_safe
def appointment_calendar(request: Asked, tenant: str, secret: str) -> HttpResponse:
    with entered(tenant, APPOINTMENT, secret) as (organisation, link):
        if link.is_over:
            return over(request, organisation)
        appointment = the_appointment(link)
        return as_file(icalendar.file_of(appointment, for_patient=True), "appointment.ics")


@require_http_methods(["GET", "HEAD", "POST"])
def answer_offer(request: Asked, tenant: str, secret: str) -> HttpResponse:
    with entered(tenant, OFFER, secret) as (organisation, link):
        if link.is_over:
            return over(request, organisation)
        refusal, status = "", 200
        if request.method == "POST":
            refusal, status = said(lambda: answer_to_offer(link, request.POST.get("answer", "")))
        offer = the_offer(link)
        context = {"offer": offer, "refusal": refusal, "tenant": organisation}
        with timezone.override(offer.location.zone):
            return render(request, "scheduling/public/offer.html", context, status=status)


def answer(link: Link, word: str, form: Cancel) -> None:
    appointment = the_appointment(link)
    hold_together(appointment.provider, appointment.patient)  # as the desk does, which may cancel it at this moment
    appointment.lock()
    if is_answered(appointment):
        raise Refused("This appointment was answered already.")
    if word == "confirm":
        appointment.confirm()
    elif word == "cancel" and form.is_valid():
        appointment.cancel(f"The patient: {form.cleaned_data['reason']}", by=None)
    else:
        raise Refused("Nothing was changed. Choose one of the answers below.", status=422)


def answer_to_offer(link: Link, word: str) -> None:
    offer = the_offer(link)
    if word == "accept":
        offer.accept(by=None)
    elif word == "decline":
        offer.decline(by=None)
    else:
        raise Refused("Nothing was changed. Choose one of the answers below.", status=422)


def is_answered(appointment: Appointment) -> bool:
    return appointment.status != Appointment.Status.BOOKED or appointment.confirmed_at is not None


def said(work: Callable[[], None]) -> tuple[str, int]:
    """Do it wholly or not at all: why not, and the status of the answer."""
    try:
        with transaction.atomic():
            work()
    except Refused as refused:
        return str(refused), refused.status
    except IllegalMove:
        return "This has changed in the meantime. Below you see how it is now.", 409
    return "", 200


@contextmanager
def entered(slug: str, purpose: str, secret: str) -> Iterator[tuple[Tenant, Link]]:
    """Into the organisation, as the system itself, for whoever has a genuine link."""
    organisation = Tenant.objects.filter(slug=slug, is_active=True).first()
    if organisation is None:
        raise Http404
    link = opened(purpose, organisation, secret)
    if link is None:
        raise Http404
    with acting_for(organisation):
        yield organisation, link


def the_appointment(link: Link) -> Appointment:
    return the(Appointment.objects.shown(), link)


def the_offer(link: Link) -> Offer:
    return the(Offer.objects.select_related("wish__patient", "wish__type", "provider__person", "location"), link)


def the(rows: Any, link: Link) -> Any:
    found = rows.filter(pk=link.about).first()
    if found is None:
        raise Http404
    return found


def over(request: Asked, organisation: Tenant) -> HttpResponse:
    return render(request, "scheduling/public/over.html", {"tenant": organisation}, status=410)
