"""Appointments for other calendars: a file of one, and a feed of a provider's."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from clinical.chart import open_chart
from hospital.http import Request
from hospital.models import Tenant
from hospital.permits import permit
from hospital.tenancy import acting_for
from scheduling import icalendar
from scheduling.models import Appointment, Provider
from scheduling.views.appointment import VIEW


@permit(VIEW)
def appointment_file(request: Request, pk: UUID) -> HttpResponse:
    appointment = get_object_or_404(Appointment.objects.shown(), pk=pk)
    open_chart(appointment.patient, page="calendar file", at_work=True)
    return as_file(icalendar.file_of(appointment), f"{appointment.number}.ics")


@permit(VIEW)
def my_feed(request: Request) -> HttpResponse:
    """Where a provider finds the address for the calendar on the own telephone."""
    provider = Provider.objects.filter(person=request.acting.person).select_related("person").first()
    context = {"provider": provider, "address": provider and address_of(request, provider)}
    return render(request, "scheduling/setup/feed.html", context)


@permit(VIEW, "POST")
def renew_feed(request: Request) -> HttpResponse:
    provider = get_object_or_404(Provider, person=request.acting.person)
    provider.lock()
    provider.renew_feed()
    messages.success(request, "The former address no longer works. Enter the new one wherever you used it.")
    return redirect("scheduling:my_feed")


@require_safe
def feed(request: HttpRequest, tenant: str, secret: str) -> HttpResponse:
    """For programs, which cannot log in: whoever knows the address reads it."""
    organisation = Tenant.objects.filter(slug=tenant, is_active=True).first()
    if organisation is None:
        raise Http404
    with acting_for(organisation):
        provider = by_secret(secret)
        if provider is None:
            raise Http404
        return as_file(icalendar.feed_of(provider), "appointments.ics", attachment=False)


def by_secret(secret: str) -> Provider | None:
    providers = list(Provider.objects.at_work().select_related("person"))
    return next((one for one in providers if constant_time_compare(one.feed_secret, secret)), None)


def address_of(request: Request, provider: Provider) -> str:
    path = f"/accounts/calendar/{request.acting.tenant.slug}/{provider.feed_secret}.ics"
    return request.build_absolute_uri(path)


def as_file(content: bytes, name: str, *, attachment: bool = True) -> HttpResponse:
    headers = {"Content-Disposition": content_disposition_header(attachment, name)}
    return HttpResponse(content, content_type=icalendar.CONTENT_TYPE, headers=headers)
