"""What makes a claim fit to be written. Whether it is fit to be paid is the scrubber's question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from billing.money import ZERO
from billing.x12.claim import (
    DELAYS,
    ORDERS,
    ORIGINAL,
    PRIMARY,
    REPLACEMENT,
    SELF,
    VOID,
    Claim,
    LineAdjudication,
    ServiceLine,
    unexplained,
)
from billing.x12.remittance import total
from billing.x12.sheet import Sheet

MOST_LINES, MOST_DIAGNOSES, MOST_POINTERS, MOST_MODIFIERS = 50, 12, 4, 4
ICD10 = re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}", re.ASCII)


def is_of_numbers(claim: Claim) -> bool:
    """Raises TypeError for binary fractions: they are a mistake of the caller, and not of the claim."""
    return all(Decimal.is_finite(value) for value in numbers_of(claim))


def numbers_of(claim: Claim) -> Iterator[Decimal]:
    decided = [one for line in claim.lines for one in line.adjudications]
    yield claim.charge
    for line in claim.lines:
        yield from (line.charge, line.units, *([line.drug.quantity] if line.drug else []))
    for decision in decided:
        yield from (decision.paid, decision.units)
    sums = [*claim.amounts, *(one for other in claim.others for one in other.amounts)]
    yield from (one.amount for one in sums)
    lists = [*(other.adjustments for other in claim.others), *(decision.adjustments for decision in decided)]
    yield from (one.amount for adjustments in lists for one in adjustments)


def check_claim(sheet: Sheet, claim: Claim) -> None:
    check_sums(sheet, claim)
    check_frequency(sheet, claim)
    if claim.delay and claim.delay not in DELAYS:
        sheet.refuse("It is no reason for a delay: 1 to 11, or 15.", 20)
    check_diagnoses(sheet, claim)
    check_patient(sheet, claim)
    check_covers(sheet, claim)


def check_sums(sheet: Sheet, claim: Claim) -> None:
    if not 1 <= len(claim.lines) <= MOST_LINES:
        sheet.refuse(f"A claim has one to {MOST_LINES} lines.")
    if claim.charge != claim.charged:
        sheet.refuse("The charge is not the sum of its lines.", 2)
    if claim.charge < ZERO:
        sheet.refuse("The charge is negative.", 2)


def check_frequency(sheet: Sheet, claim: Claim) -> None:
    if claim.frequency not in (ORIGINAL, REPLACEMENT, VOID):
        sheet.refuse("The frequency is 1, 7 or 8.", 5)
    if claim.frequency in (REPLACEMENT, VOID) and not claim.payer_control_number:
        sheet.refuse("A corrected claim names the payer's number of the one before (REF F8).", 5)


def check_diagnoses(sheet: Sheet, claim: Claim) -> None:
    if not 1 <= len(claim.diagnoses) <= MOST_DIAGNOSES:
        sheet.refuse(f"A claim has one to {MOST_DIAGNOSES} diagnoses.")
    if claim.is_icd10 and not all(map(ICD10.fullmatch, claim.diagnoses)):
        sheet.refuse("A diagnosis is no code of ICD-10-CM without its point.")


def check_patient(sheet: Sheet, claim: Claim) -> None:
    """Whoever is the patient has an address, a day of birth and a gender."""
    patient, name = (claim.patient, "QC") if claim.patient else (claim.subscriber, "IL")
    if (claim.patient is None) != (claim.relationship == SELF):
        sheet.refuse("A patient who is not the subscriber has another relationship than self.")
    if patient.address is None or patient.born is None or not patient.gender:
        sheet.refuse(f"The patient ({name}) needs an address, a day of birth and a gender.")


def check_covers(sheet: Sheet, claim: Claim) -> None:
    orders = [claim.order, *(other.order for other in claim.others)]
    if any(len(order) != 1 or order not in ORDERS for order in orders) or len(set(orders)) < len(orders):
        sheet.refuse("Each cover has its own place in the order of payers.")
    if claim.order != PRIMARY and PRIMARY not in orders:
        sheet.refuse("A claim to a later payer names the first one.")
    for other in claim.others:
        if unexplained(claim, other):
            sheet.refuse("Payment and adjustments of another payer are not the charge.")


def check_line(sheet: Sheet, claim: Claim, line: ServiceLine) -> None:
    if not 1 <= len(line.pointers) <= MOST_POINTERS or len(set(line.pointers)) < len(line.pointers):
        sheet.refuse(f"A line points to one to {MOST_POINTERS} diagnoses.", 7)
    if any(not 1 <= pointer <= len(claim.diagnoses) for pointer in line.pointers):
        sheet.refuse("A line points to a diagnosis that is not there.", 7)
    if line.charge < ZERO or line.units <= Decimal(0):
        sheet.refuse("Charge and units are positive.", 2)
    if len(line.procedure.modifiers) > MOST_MODIFIERS:
        sheet.refuse(f"A procedure has up to {MOST_MODIFIERS} modifiers.", 1)


def check_decision(sheet: Sheet, claim: Claim, line: ServiceLine, decided: LineAdjudication) -> None:
    if decided.payer not in {other.payer.id for other in claim.others}:
        sheet.refuse("The payer of a line's decision is none of the claim's other payers.", 1)
    if line.charge != decided.paid + total(decided.adjustments):
        sheet.refuse("What another payer paid and adjusted is not the charge of the line.", 2)
