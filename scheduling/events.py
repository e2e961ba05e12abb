"""What colleagues see at once: appointments, slots that somebody is about to take, and rooms."""

from __future__ import annotations

from uuid import UUID

from realtime.catalogue import LiveEvent, Loudness, changed, created, either, reached, said
from scheduling.models import Appointment, AppointmentImport, Hold, Offer, Room, Wish

DESK = ("reception", "checker_doctor", "main_doctor")
SEES = ("scheduling.view_calendar",)
ROW = "scheduling/appointment/_row.html"

cancelled, checked_in = reached("cancelled"), reached("arrived")


@said("anything else about it changes")
def otherwise(row: Appointment, created: bool, fields: frozenset[str] | None) -> bool:
    return not (created or cancelled(row, created, fields) or checked_in(row, created, fields))


@said("notice for the provider")
def provider_of(row: Appointment) -> list[UUID]:
    return [row.provider.person_id]


EVENTS = (
    LiveEvent("appointment:created", Appointment, when=created, hears=DESK, needs=SEES, template=ROW),
    LiveEvent("appointment:updated", Appointment, when=otherwise, hears=DESK, needs=SEES, template=ROW),
    LiveEvent(
        "appointment:cancelled",
        Appointment,
        when=cancelled,
        hears=DESK,
        needs=SEES,
        template=ROW,
        notice_to=provider_of,
        title="Cancelled: {0.patient.name}, {0.when_in_words}",
        link="scheduling:appointment",
    ),
    LiveEvent(
        "appointment:checkedin",
        Appointment,
        when=checked_in,
        hears=DESK,
        needs=SEES,
        template=ROW,
        notice_to=provider_of,
        title="Here: {0.patient.name}, {0.when_in_words}",
        link="scheduling:appointment",
    ),
    LiveEvent("slot:held", Hold, when=either(created, changed()), hears=DESK, needs=SEES),
    LiveEvent("room:changed", Room, when=changed("status"), hears=DESK, needs=SEES),
    LiveEvent("waitlist:changed", Wish, when=either(created, changed()), hears=("reception",), needs=SEES),
    LiveEvent(
        "waitlist:offered",
        Offer,
        when=created,
        hears=("reception",),
        needs=("scheduling.book",),
        loudness=Loudness.NOTICE,
        about=lambda offer: offer.wish.patient_id,
        title="Free again: offered to {0.wish.patient.name} until {0.expires_in_words}",
        link=Offer.get_absolute_url,
    ),
    LiveEvent(
        "import:changed",
        AppointmentImport,
        when=either(created, changed()),
        hears=("admin",),
        needs=("scheduling.manage",),
    ),
)
