"""VXU and MDM: vaccines that were given elsewhere, and documents."""

from __future__ import annotations

from typing import Any

from clinical.hl7.ack import Problem
from clinical.hl7.intake import Handler, Intake, Reason, Waits
from clinical.hl7.observations import Broken, Group, groups_of
from clinical.hl7.people import patient_of
from clinical.hl7.reading import Segment
from clinical.hl7.unordered import identity, keep_files
from clinical.hl7.values import code_of, moment
from clinical.models import Hl7Message, Immunization, Patient, Report

STATES = {"RE": "not-done", "NA": "not-done"}  # RXA-20: refused, not given
DOCUMENTS = frozenset(["T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08", "T09", "T10"])


def take_vaccines(intake: Intake) -> None:
    """Each RXA with the route after it, and the order before it."""
    patient = patient_of(intake)
    common: Segment | None = None
    found: list[list[Segment | None]] = []
    for segment in intake.message.segments:
        if segment.name == "ORC":
            common = segment
        elif segment.name == "RXA":
            found.append([common, segment, None])
            common = None
        elif segment.name == "RXR" and found:
            found[-1][2] = segment
    if not found:
        problem = Problem(100, "RXA is missing", ("RXA", "1"))
        raise Waits(Reason.UNREADABLE, "It names no vaccine (RXA).", problem=problem)
    for order, given, route in found:
        if given is not None:
            keep_vaccine(intake, patient, order, given, route)
    if not intake.done:
        intake.done.append("known already")


def keep_vaccine(
    intake: Intake, patient: Patient, order: Segment | None, given: Segment, route: Segment | None
) -> None:
    vaccine, at = code_of(given.value(5)), moment(given.part(3))
    number = (order.part(3) or order.part(2)) if order else ""
    key = f"{intake.identity}:vaccine:{patient.pk.hex}:{number or given.part(3)}:{vaccine.key}"[:255]
    wrong = given.part(21).upper() == "D"
    fields: dict[str, Any] = {
        "code": vaccine.code[:255],
        "system": vaccine.system[:255],
        "text": vaccine.name or "Vaccine",
        "status": "entered-in-error" if wrong else STATES.get(given.part(20).upper(), "completed"),
        "status_reason": code_of(given.value(18)).name,
        "occurred_at": at.at if at else None,
        "occurred_said": at.said if at else given.part(3)[:255],
        "lot": given.part(15)[:60],
        "dose": " ".join(filter(None, (given.part(6), code_of(given.value(7)).code)))[:60],
        "site": code_of(route.value(2)).name if route else "",
    }
    row = Immunization.objects.filter(fhir_id=key).first()
    if row is not None and all(getattr(row, name) == value for name, value in fields.items()):
        return
    row = row or Immunization(patient=patient, fhir_id=key)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    intake.done.append(f"{row.text}: {row.status}")


def take_document(intake: Intake) -> None:
    """Files become documents; text becomes a report of the chart."""
    patient = patient_of(intake)
    groups = groups_of(intake.message)
    texts: list[str] = []
    try:
        for group in groups:
            texts += [*group.notes, *contents(intake, patient, group)]
    except Broken as error:
        raise Waits(Reason.UNREADABLE, str(error), problem=Problem(102, str(error), ("OBX", "1", "5"))) from error
    if texts:
        keep_text(intake, patient, groups[0], "\n".join(texts))
    if not intake.done:
        raise Waits(
            Reason.UNREADABLE, "It has no content.", problem=Problem(101, "OBX-5 is missing", ("OBX", "1", "5"))
        )


def contents(intake: Intake, patient: Patient, group: Group) -> list[str]:
    found = []
    for result in group.results:
        if result.kind == "ED":
            keep_files(intake, patient, group, result)
        elif result.words:
            named = f"{result.code.name}: " if result.kind not in ("TX", "FT") and result.code.name else ""
            found.append(f"{named}{result.words}")
        found += result.notes
    return found


def keep_text(intake: Intake, patient: Patient, group: Group, words: str) -> None:
    head = intake.message.first("TXA")
    at = moment(head.part(4)) or moment(head.part(6)) if head else None
    number = head.part(12) or head.part(12, 3) if head else ""
    key = f"{intake.identity}:document:{patient.pk.hex}:{number}"[:255] if number else identity(intake, group)
    row = Report.objects.filter(fhir_id=key, patient=patient).first() or Report(fhir_id=key, patient=patient)
    row.text = group.name.name or (head.part(2) if head else "") or "Document"
    row.category, row.conclusion = "Document", words
    row.effective_at = at.at if at else intake.row.received_at
    row.effective_said = at.said if at else ""
    row.save()
    intake.done.append(f"{row.text} kept")


HANDLERS = (
    Handler("VXU", Hl7Message.Family.REGISTRATION, take_vaccines, frozenset(("V04",))),
    Handler("MDM", Hl7Message.Family.RESULTS, take_document, DOCUMENTS),
)
