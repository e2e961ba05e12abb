"""ORU and OUL: results go onto our own orders and biopsies; what nobody here ordered is kept in the chart as it was sent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from clinical import accession
from clinical.hl7 import pathology
from clinical.hl7.ack import Problem
from clinical.hl7.intake import Handler, Intake, Reason, Subject, Waits, ask
from clinical.hl7.observations import Broken, Group, Result, groups_of
from clinical.hl7.people import patient_of
from clinical.hl7.unordered import keep_files, keep_report, keep_result, take_back
from clinical.models import Hl7Message, Hl7Word, LabOrder, LabTest, Patient
from clinical.outside import as_it_stands

ORDER_NUMBER = re.compile(r"\AL-?0*(\d{1,12})\Z", re.IGNORECASE)
EARLIER = timedelta(hours=1)  # a specimen may be taken a little before somebody writes the order


def take_results(intake: Intake) -> None:
    patient = patient_of(intake)
    groups = groups_of(intake.message)
    if not any(group.results or group.notes for group in groups):
        raise Waits(
            Reason.UNREADABLE, "It reports nothing (no OBX).", problem=Problem(100, "OBX is missing", ("OBX", "1"))
        )
    try:
        biopsies, others = pathology.reported(intake, patient, groups)
        check_codes(intake, patient, others)
        for told in sorted(biopsies.values(), key=lambda one: one.biopsy.serial):  # as everybody locks them
            told.take(intake)
        for group in others:
            take_group(intake, patient, group)
    except Broken as error:
        raise Waits(Reason.UNREADABLE, str(error), problem=Problem(102, str(error), ("OBX", "1", "5"))) from error
    if not intake.done:
        intake.done.append("nothing measured yet")


def check_codes(intake: Intake, patient: Patient, groups: list[Group]) -> None:
    """All codes that nobody has explained, asked for at once."""
    if "keep" in intake.anyway:
        return
    asked: dict[str, dict[str, str]] = {}
    for group in groups:
        ours = ordered_by_number(patient, group)
        for result in group.results:
            if is_unknown(intake, result) and not is_only_one(ours, group):
                asked[result.code.key] = ask("test", result.code.key, result.code.name)
    if asked:
        names = ", ".join(one["text"] for one in asked.values())[:500]
        place = ("OBX", "1", "3")
        words = f"Nobody has said yet which test this is: {names}."
        raise Waits(
            Reason.CODE, words, asks=list(asked.values()), problem=Problem(103, "Unknown test code", place, "W")
        )


def is_unknown(intake: Intake, result: Result) -> bool:
    """A code of LOINC speaks for itself; another one means something only where it was made."""
    if result.is_pending or not result.is_measured or result.code.is_loinc:
        return False
    return test_of(intake, result) is None


def take_group(intake: Intake, patient: Patient, group: Group) -> None:
    kept = []
    for result in group.results:
        order = None if result.is_pending else order_of(intake, patient, group, result)
        if result.is_taken_back:
            take_back(intake, patient, group, result, order)
        elif order is not None:
            onto(intake, group, result, order)
        elif result.kind == "ED":
            keep_files(intake, patient, group, result)
        elif not result.is_pending:
            kept.append(keep_result(intake, patient, group, result, test_of(intake, result)))
    keep_report(intake, patient, group, kept)


def onto(intake: Intake, group: Group, result: Result, order: LabOrder) -> None:
    """By the verb of the laboratory; the next message about the same finds the order again."""
    if result.kind == "ED":
        keep_files(intake, order.patient, group, result, order)
        return
    at = group.at_of(result, intake.row.received_at)[0]
    said: dict[str, Any] = {"unit": result.unit, "range": result.range, "flag": result.flag, "status": result.state}
    was = as_it_stands(order)
    made = order.accept_outside(result.words, source=str(intake.sender)[:120], at=at, **said)
    intake.leave_trace("orders", {**was, "made": str(made.pk)})
    for filler in group.fillers:
        key = filler_key(filler, result)
        if Hl7Word.meaning(intake.sender, "order", key) != order.pk:
            Hl7Word.explain(intake.sender, "order", key, order.pk, by=None, text=order.number)
    intake.done.append(f"{order.test} onto {order.number}")


# --- which order, which test ------------------------------------------------------------------


def order_of(intake: Intake, patient: Patient, group: Group, result: Result) -> LabOrder | None:
    """As before for this filler's number; by our own number; else the one open order of the patient for this test."""
    before = intake.meaning("order", *(filler_key(filler, result) for filler in group.fillers))
    if before is not None and before.patient_id == patient.pk:
        return before
    test = test_of(intake, result)
    ours = ordered_by_number(patient, group)
    found = [order for order in ours if test is None or order.test_id == test.pk]
    if test is None and not is_only_one(ours, group):
        found = []
    if not found and test is not None:
        found = waiting_for(patient, test, group)
    if len(found) > 1:
        numbers = ", ".join(order.number for order in found)
        raise Waits(Reason.CONFLICT, f"{test or result.code.name} is ordered more than once: {numbers}.")
    return found[0] if found else None


def ordered_by_number(patient: Patient, group: Group) -> list[LabOrder]:
    """Our number of the order, or of the tube."""
    serials, tubes = [], []
    for number in group.placers:
        if match := ORDER_NUMBER.match(number):
            serials.append(int(match[1]))
        try:
            tubes.append(accession.parse(number))
        except accession.BadAccession:
            continue
    orders = LabOrder.objects.filter(patient=patient).select_related("test", "visit", "patient")
    found = list(orders.filter(accession__in=serials)) if serials else []
    return found or (list(orders.filter(specimen__serial__in=tubes).counted()) if tubes else [])


def waiting_for(patient: Patient, test: LabTest, group: Group) -> list[LabOrder]:
    """What was taken before it was ordered is no answer to the order."""
    orders = LabOrder.objects.open().filter(patient=patient, test=test).select_related("test", "visit", "patient")
    taken = group.at
    return [order for order in orders if taken is None or taken.at >= order.ordered_at - EARLIER]


def is_only_one(orders: list[LabOrder], group: Group) -> bool:
    """One order, one value: then its number says what it is."""
    return len(orders) == 1 and sum(not result.is_pending for result in group.results) == 1


def test_of(intake: Intake, result: Result) -> LabTest | None:
    code = result.code
    said = intake.meaning("test", code.key, f"{code.local}|" if code.local else "")
    if said is not None or not code.is_loinc:
        return said
    return LabTest.objects.filter(loinc=code.code, is_active=True).first()


def filler_key(filler: str, result: Result) -> str:
    return f"{filler}|{result.code.key}|{result.sub_id}"[:255]


def find_test(pk: Any) -> LabTest | None:
    return LabTest.objects.filter(pk=pk).first()


def find_order(pk: Any) -> LabOrder | None:
    return LabOrder.objects.select_related("test", "visit", "patient").filter(pk=pk).first()


RESULTS = Hl7Message.Family.RESULTS
HANDLERS = (
    Handler("ORU", RESULTS, take_results, frozenset(("R01", "R30", "R31", "R32", "R40", "W01"))),
    Handler("OUL", RESULTS, take_results, frozenset(("R21", "R22", "R23", "R24"))),
)
SUBJECTS = (
    Subject("test", "Test", lambda: LabTest.objects.filter(is_active=True), find_test),
    Subject("order", "Order", LabOrder.objects.none, find_order),
)
