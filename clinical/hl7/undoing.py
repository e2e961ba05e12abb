"""Results that a person gave to the wrong patient leave the chart again, as long as nothing of them was released.

Registrations, merges and appointments by message are undone by the traces that their handler left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.db import transaction

from clinical.hl7.intake import Intake, Reason, handler_for
from clinical.hl7.observations import groups_of
from clinical.hl7.people import who
from clinical.hl7.reading import read
from clinical.hl7.store import hold
from clinical.hl7.unordered import identity
from clinical.models import Document, Hl7Message, LabOrder, Observation, Patient, PatientIdentifier, Report
from clinical.models.message import MANAGE
from clinical.outside import take_out as take_out_result
from hospital.models import AuditEntry
from hospital.seals import raw
from hospital.workflow import Refused, allow, needs
from realtime.alerts.models import Alert

if TYPE_CHECKING:
    from hospital.models import Person

BECAUSE = "These results were another patient's"
ABOUT_IT = ("chosen", "theirs", "ours", "new")  # what was decided about a patient or a difference that was another one
Status = Hl7Message.Status


@transaction.atomic
def undo_patient(row: Hl7Message, reason: str, *, by: Person | None) -> list[str]:
    """The message waits for its patient again, and so do those that were applied by the numbers that it brought.

    Says which of those stay, because something of them was released.
    """
    allow(MANAGE, by)
    why = needs(reason, "Say why these are another patient's results.")[:200]
    hold(row.sender)
    row.lock()
    if not row.may_be_another_patients or row.patient is None:
        raise Refused("Nobody chose a patient for this message, or it was undone already.")
    with raw():
        followers = applied_by_its_numbers(row, row.patient)
        stay = [words for one in followers if (words := left(one, why, by))]
        take_out(row, why, by, stay)
    return stay


def applied_by_its_numbers(row: Hl7Message, patient: Patient) -> list[Hl7Message]:
    """The newest first. The numbers go, so that no more of them come."""
    numbers = PatientIdentifier.objects.filter(pk__in=row.traces.get("numbers", []), patient=patient)
    values = set(numbers.values_list("value", flat=True))
    since = row.settled_at or row.received_at
    later = row.sender.messages.filter(patient=patient, family=row.family, status=Status.APPLIED, settled_at__gte=since)
    found = [one for one in later.exclude(pk=row.pk).order_by("-settled_at", "-id") if values & values_in(one)]
    numbers.delete()
    return found


def values_in(row: Hl7Message) -> set[str]:
    message = read(row.raw)
    return {number.value for number in who(Intake(message, row, row.sender), message.first("PID")).numbers}


def left(row: Hl7Message, why: str, by: Person | None) -> str:
    try:
        with transaction.atomic():
            row.lock()
            take_out(row, why, by, [])
    except Refused as refused:
        return f"{row}: {refused}"
    return ""


def take_out(row: Hl7Message, why: str, by: Person | None, stay: list[str]) -> None:
    patient = cast(Patient, row.patient)
    if numbers := row.traces.get("biopsies", []):
        raise Refused(f"A report is never taken out of a biopsy ({', '.join(numbers)}). Correct it there, and say why.")
    for trace in reversed(row.traces.get("orders", [])):
        clear_order(trace)
    for document in Document.objects.filter(pk__in=row.traces.get("documents", []), status=Document.Status.FILED):
        document.take_back(BECAUSE)
    clear_chart(row, patient)
    for alert in Alert.objects.open().filter(kind="lab:outside_result", object_id=row.pk):
        alert.supersede()
    where: dict[str, Any] = {"table": row._meta.db_table, "row_id": row.pk, "patient_id": patient.pk}
    AuditEntry.note("wrong patient", **where, detail={"message": str(row), "reason": why})
    wait_again(row, " ".join([f"It was taken out of the chart of {patient.number}: {why}.", *stay]), by)


def clear_order(trace: dict[str, Any]) -> None:
    order = LabOrder.objects.select_related("test", "visit", "specimen").get(pk=trace["id"])
    order.lock_with_visit()
    if order.is_released:
        raise Refused(f"{order.test} ({order.number}) is released already. Correct it there.")
    take_out_result(order, trace)


def clear_chart(row: Hl7Message, patient: Patient) -> None:
    """Rows of the chart stay, struck through, and free their identity for the right patient."""
    intake = Intake(read(row.raw), row, row.sender)
    groups = groups_of(intake.message)
    keys = [identity(intake, group, result) for group in groups for result in group.results]
    for one in Observation.objects.filter(patient=patient, fhir_id__in=keys):
        if not one.is_mistake:
            one.take_back(by=None, because=BECAUSE)
        one.fhir_id = ""
        one.save(update_fields=["fhir_id"])
    Report.objects.filter(patient=patient, fhir_id__in=[identity(intake, group) for group in groups]).delete()


@transaction.atomic
def undo_effect(row: Hl7Message, reason: str, *, by: Person | None) -> None:
    """What it did to records and appointments is taken back, and it waits for a person who knows better."""
    allow(MANAGE, by)
    why = needs(reason, "Say why this was wrong.")[:200]
    hold(row.sender)
    row.lock()
    handler = handler_for(row.code, row.trigger)
    if not row.may_be_undone or handler is None or handler.undo is None:
        raise Refused("This message did nothing that can be undone, or it was undone already.")
    with raw():
        stay = handler.undo(row, why, by)
        where: dict[str, Any] = {"table": row._meta.db_table, "row_id": row.pk, "patient_id": row.patient_id}
        AuditEntry.note("message undone", **where, detail={"message": str(row), "reason": why, "stays": stay})
        sentences = [f"{row.effect} was undone: {why}", *stay]
        wait_again(row, " ".join(f"{one.rstrip('.')}." for one in sentences), by, Reason.CONFLICT)


def wait_again(row: Hl7Message, words: str, by: Person | None, reason: str = Reason.PATIENT) -> None:
    fields: dict[str, Any] = {"waits_for": reason, "words": words, "patient": None, "traces": {}}
    fields |= {"decided": [one for one in row.decided if one not in ABOUT_IT], "effect": "", "critical": ""}
    fields |= {"critical_value": "", "settled_at": None, "settled_by": None}
    if row.status == Status.APPLIED:
        row.move_to(Status.WAITING, by=by, reason=words[:200], **fields)
        return
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))
