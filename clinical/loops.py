"""What of a patient's care was begun and waits for its end."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, F, Q, QuerySet
from django.urls import reverse

from clinical.lab_release import mine, unreviewed
from clinical.models import Biopsy, CorrectionNotice, Encounter, Hl7Message, LabOrder, PathologyNotice
from clinical.models.biopsy import COLLECT, REVIEW, VIEW
from clinical.models.biopsy_clock import begun, due
from clinical.models.encounter import COSIGN, WRITE
from clinical.models.message import MANAGE
from hospital.http import ActingPerson
from hospital.loops import Line, Loop, after
from hospital.models import Membership

DAY = timedelta(days=1)
OF_NOTES = ("encounter:created", "encounter:signed", "encounter:updated")
OF_BIOPSIES = ("biopsy:created", "biopsy:updated", "biopsy:result_received", "biopsy:reviewed")
OF_RESULTS = ("lab:result_ready", "lab_order:updated")


def result_line(order: LabOrder, acting: ActingPerson) -> Line:
    flag = order.result.get_flag_display() if order.result else ""
    whose = order.ordered_by.name if order.ordered_by else ""
    return Line(str(order.test), reverse("clinical:lab_order", args=[order.pk]), order.patient, whose, flag)


def corrections(acting: ActingPerson) -> QuerySet:
    """Only the person who saw the wrong value can say that the right one was seen."""
    return CorrectionNotice.objects.open().filter(person=acting.person)


def correction_line(notice: CorrectionNotice, acting: ActingPerson) -> Line:
    order = notice.correction.order
    note = f"You {notice.why}"
    return Line(
        str(order.test), reverse("clinical:lab_order", args=[order.pk]), order.patient, acting.person.name, note
    )


def notes(acting: ActingPerson) -> QuerySet:
    """One's own; all for those who lead or administer, as in the list of unsigned notes."""
    unsigned = Encounter.objects.unsigned()
    if acting.may("hospital.administer"):
        return unsigned
    leads = Membership.objects.filter(person=acting.person, is_active=True, is_head=True)
    return unsigned.filter(Q(provider=acting.person) | Exists(leads))


def note_line(note: Encounter, acting: ActingPerson) -> Line:
    words = f"{note.title}, {note.visit.number}"
    return Line(words, note.get_absolute_url(), note.patient, note.provider.name, note.get_status_display())


def cosign_line(note: Encounter, acting: ActingPerson) -> Line:
    written = f"Written by {note.provider.name}"
    return Line(note.title, note.get_absolute_url(), note.patient, acting.person.name, written)


def message_line(message: Hl7Message, acting: ActingPerson) -> Line:
    words = f"{message.get_waits_for_display()}: {message.sender}"
    return Line(words, reverse("clinical:message", args=[message.pk]), message.patient, note=message.words)


def biopsy_line(biopsy: Biopsy, acting: ActingPerson) -> Line:
    words = f"{biopsy.number}, {biopsy.where.lower()}: {biopsy.not_yet}"
    whose = biopsy.ordered_by.name if biopsy.ordered_by else ""
    return Line(words, biopsy.get_absolute_url(), biopsy.patient, whose, biopsy.tier_words)


def own_biopsies(acting: ActingPerson) -> Q:
    """A doctor's own; what is on its way is the work of everybody who handles specimens."""
    on_its_way = Q(status__in=(Biopsy.Status.COLLECTED, *Biopsy.AWAY))
    return Q(ordered_by=acting.person) if acting.may(REVIEW) else on_its_way


def pathology_corrections(acting: ActingPerson) -> QuerySet:
    return PathologyNotice.objects.open().filter(person=acting.person)


def pathology_line(notice: PathologyNotice, acting: ActingPerson) -> Line:
    biopsy = notice.report.biopsy
    return Line(biopsy.number, biopsy.get_absolute_url(), biopsy.patient, acting.person.name, f"You {notice.why}")


LOOPS = (
    Loop(
        "results",
        "Results not reviewed",
        "report-medical",
        "clinical.order_tests",
        lambda acting: unreviewed(),
        since=F("released_at"),
        due=after("released_at", DAY),
        line=result_line,
        on=OF_RESULTS,
        mine=lambda acting: mine(acting.person),
        joins=("test", "patient", "result__order", "ordered_by"),
    ),
    Loop(
        "corrections",
        "Corrected results not seen",
        "history",
        "clinical.order_tests",
        corrections,
        since=F("created_at"),
        due=after("created_at", DAY),
        line=correction_line,
        on=OF_RESULTS,
        joins=(
            "correction__order__test",
            "correction__order__patient",
            "correction__former__order",
            "correction__result__order",
        ),
    ),
    Loop(
        "notes",
        "Notes not signed",
        "signature",
        WRITE,
        notes,
        since=F("started_at"),
        due=after("started_at", DAY),
        line=note_line,
        on=OF_NOTES,
        mine=lambda acting: Q(provider=acting.person),
        joins=("patient", "visit", "provider", "template"),
    ),
    Loop(
        "cosigning",
        "Notes to co-sign",
        "writing-sign",
        COSIGN,
        lambda acting: Encounter.objects.to_cosign(acting.person),
        since=F("signed_at"),
        due=after("signed_at", 3 * DAY),
        line=cosign_line,
        on=OF_NOTES,
        joins=("patient", "provider", "template"),
    ),
    Loop(
        "biopsies",
        "Biopsies not closed",
        "scissors",
        COLLECT,
        lambda acting: Biopsy.objects.open(),
        since=begun(),
        due=due(1),
        line=biopsy_line,
        on=OF_BIOPSIES,
        mine=own_biopsies,
        joins=("patient", "laboratory", "ordered_by"),
    ),
    Loop(
        "pathology",
        "Corrected pathology not seen",
        "microscope",
        VIEW,
        pathology_corrections,
        since=F("created_at"),
        due=after("created_at", DAY),
        line=pathology_line,
        on=OF_BIOPSIES,
        joins=("report__biopsy__patient", "report__document", "former__biopsy", "former__document"),
    ),
    Loop(
        "messages",
        "Messages not settled",
        "inbox",
        MANAGE,
        lambda acting: Hl7Message.objects.waiting().seen_by(acting),
        since=F("received_at"),
        due=after("received_at", DAY),
        line=message_line,
        on=("message:changed",),
        joins=("sender", "patient"),
    ),
)
