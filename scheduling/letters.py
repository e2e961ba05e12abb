"""E-mails to patients: that an appointment comes near, and that an earlier time is free. Times are the location's own."""

from __future__ import annotations

from datetime import datetime

from django.utils import formats, timezone

from hospital.context import current
from hospital.models import Letter
from hospital.outbox import Words, writes
from hospital.seals import raw
from scheduling.links import appointment_path, offer_path
from scheduling.models import Appointment, Location, Offer, Wish
from scheduling.models.waitlist import LETTER as OFFER

REMINDER = "appointment_reminder"


def remind(appointment: Appointment) -> bool:
    """Post the reminder, once. Inside a transaction; whether there was something to do."""
    appointment.lock()
    if appointment.status != Appointment.Status.BOOKED or appointment.reminded_at:
        return False
    whose = appointment.patient
    Letter.post(REMINDER, about=appointment.pk, to=whose.email, patient_id=whose.pk)
    appointment.reminded_at = timezone.now()
    appointment.save(update_fields=["reminded_at"])
    return True


@writes(REMINDER)
def reminder(letter: Letter) -> Words | None:
    appointment = Appointment.objects.shown().get(pk=letter.about)
    is_over = appointment.status != Appointment.Status.BOOKED or appointment.begins_at <= timezone.now()
    if is_over or appointment.patient.is_restricted:
        return None
    tenant, location = current().tenant, appointment.location
    lines = [
        f"{first_name(appointment)},",
        f"you have an appointment at {tenant.name}:",
        "\n".join((in_words(appointment.begins_at, location), f"with {appointment.provider}", where(appointment))),
        appointment.type.instructions,
        "Will you come? Confirm the appointment, or cancel it so that somebody else can have the time:\n"
        f"{letter.site}{appointment_path(tenant, appointment)}",
        by_telephone(location),
    ]
    return Words(f"Your appointment on {on_day(appointment.begins_at, location)}", paragraphs(lines))


@writes(OFFER)
def offer(letter: Letter) -> Words | None:
    offer = Offer.objects.select_related("wish__patient", "wish__type", "provider__person", "location").get(
        pk=letter.about
    )
    if not offer.is_open:
        return None
    tenant, location = current().tenant, offer.location
    lines = [
        f"{first_name(offer.wish)},",
        f"a time that you asked for is free at {tenant.name}:",
        f"{in_words(offer.begins_at, location)}\nwith {offer.provider}\n{place(location)}",
        f"It is held for you until {in_words(offer.expires_at, location)}. After that it is offered to the next person.",
        f"Take it, or leave it to somebody else:\n{letter.site}{offer_path(tenant, offer)}",
        by_telephone(location),
    ]
    return Words(f"An earlier appointment is free on {on_day(offer.begins_at, location)}", paragraphs(lines))


@raw()
def first_name(entry: Appointment | Wish) -> str:
    return entry.patient.given_name or entry.patient.name


def where(appointment: Appointment) -> str:
    """The address; of a virtual appointment the video room, where the provider has one."""
    if appointment.kind != Appointment.Kind.VIRTUAL:
        return place(appointment.location)
    url = appointment.provider.video_url
    return f"by video: {url}" if url else "by telephone: we call you"


def place(location: Location) -> str:
    return ", ".join(filter(None, (location.name, location.address)))


def by_telephone(location: Location) -> str:
    return f"Questions: {location.phone}" if location.phone else ""


def in_words(moment: datetime, location: Location) -> str:
    """Tuesday 24 November 2026, 09:30 (EST)"""
    return formats.date_format(moment.astimezone(location.zone), "l j F Y, H:i (T)")


def on_day(moment: datetime, location: Location) -> str:
    return formats.date_format(moment.astimezone(location.zone), "j F, H:i")


def paragraphs(lines: list[str]) -> str:
    return "\n\n".join(filter(None, lines)) + "\n"
