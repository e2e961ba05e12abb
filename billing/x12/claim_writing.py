"""Claim to 837P. Guide 005010X222A1. What is written can be read back to the same claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby

from billing.x12.claim import Claim, ClaimFile, LineAdjudication, OtherCoverage, ServiceLine
from billing.x12.claim_rules import check_claim, check_decision, check_line, is_of_numbers
from billing.x12.fields import Dated, Procedure
from billing.x12.parties import Party
from billing.x12.party_writing import write_name, write_numbers, write_party, write_place
from billing.x12.remittance import Adjustment
from billing.x12.sheet import Envelope, Sheet

VERSION = "005010X222A1"


def write_claims(file: ClaimFile, envelope: Envelope) -> str:
    """Raises Unwritable with all that is wrong."""
    sheet = Sheet(envelope, function="HC", code="837", version=VERSION)
    sheet.add("BHT", "0019", file.purpose, file.reference, file.day, file.clock, file.kind, needs="2 3 4 5 6")
    write_party(sheet, "41", file.submitter, needs="3 8 9")
    if not file.submitter.contacts:
        sheet.refuse("The sender needs a contact.")
    write_name(sheet, "40", file.receiver, needs="3 8 9")
    if not file.claims:
        sheet.refuse("There is no claim.")
    Hierarchy(sheet).write(file.claims)
    return sheet.finished()


class Hierarchy:
    """Claims of one provider that follow each other share its level; each claim has a subscriber's of its own."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.last = sheet, 0

    def write(self, claims: Sequence[Claim]) -> None:
        for (billing, pay_to), group in groupby(claims, key=lambda claim: (claim.billing, claim.pay_to)):
            above = self._level(None, "20", has_below=True)
            write_billing(self.sheet, billing, pay_to)
            for claim in group:
                self._claim(claim, above)

    def _level(self, above: int | None, code: str, *, has_below: bool) -> int:
        self.last += 1
        self.sheet.add("HL", self.last, above, code, int(has_below))
        return self.last

    def _claim(self, claim: Claim, above: int) -> None:
        insured = self._level(above, "22", has_below=claim.patient is not None)
        write_cover(self.sheet, claim, "" if claim.patient else claim.relationship)
        write_party(self.sheet, "IL", claim.subscriber, needs="3 8 9" if claim.patient is None else "3")
        write_party(self.sheet, "PR", claim.payer, needs="3 8 9")
        if claim.patient:
            self._level(insured, "23", has_below=False)
            self.sheet.add("PAT", claim.relationship, needs="1")
            write_party(self.sheet, "QC", claim.patient)
        write_claim(self.sheet, claim)


def write_billing(sheet: Sheet, billing: Party, pay_to: Party | None) -> None:
    if billing.taxonomy:
        sheet.add("PRV", "BI", "PXC", billing.taxonomy)
    write_party(sheet, "85", billing, needs="3 8 9")
    if billing.address is None:
        sheet.refuse("The billing provider needs an address.")
    if not billing.ref("EI", "SY"):
        sheet.refuse("The billing provider needs a tax number.")
    if pay_to:
        write_party(sheet, "87", pay_to, needs="")


def write_cover(sheet: Sheet, cover: Claim | OtherCoverage, relationship: str) -> None:
    said = (cover.order, relationship, cover.group, cover.group_name, cover.insurance)
    sheet.add("SBR", *said, None, None, None, cover.filing, needs="1 9")


def write_claim(sheet: Sheet, claim: Claim) -> None:
    write_head(sheet, claim)
    if not is_of_numbers(claim):
        sheet.refuse("An amount or a quantity of this claim is no number.")
        return
    check_claim(sheet, claim)
    for one in claim.dates:
        write_dated(sheet, one)
    for paid in claim.amounts:
        sheet.add("AMT", paid.code, paid.amount, needs="1 2")
    for ref in claim.refs:
        sheet.add("REF", ref.code, ref.value, needs="1 2")
    if claim.note:
        sheet.add("NTE", claim.note_kind, claim.note, needs="1 2")
    write_diagnoses(sheet, claim)
    write_people(sheet, claim)
    for other in claim.others:
        write_other(sheet, other)
    for number, line in enumerate(claim.lines, 1):
        write_line(sheet, claim, line, number)


def write_head(sheet: Sheet, claim: Claim) -> None:
    causes = (*(*claim.causes, "", "", "")[:3], claim.accident_state)
    place = (claim.place, "B", claim.frequency)
    said = (claim.provider_signature, claim.assignment, claim.assigned, claim.release, claim.patient_signature)
    unused = (None,) * 8  # CLM12 to 19
    whole = (claim.number, claim.charge, None, None, place, *said, causes, *unused, claim.delay)
    sheet.add("CLM", *whole, needs="1 2 5 6 7 8 9")


def write_dated(sheet: Sheet, one: Dated) -> None:
    if one.begins is None:
        sheet.refuse("The date is missing.")
    elif one.ends:
        write_period(sheet, one.code, one.begins, one.ends)
    else:
        sheet.add("DTP", one.code, "D8", one.begins, needs="1")


def write_period(sheet: Sheet, code: str, begins: date, ends: date) -> None:
    sheet.add("DTP", code, "RD8", f"{begins:%Y%m%d}-{ends:%Y%m%d}", needs="1")
    if ends < begins:
        sheet.refuse("It ends before it begins.", 3)


def write_diagnoses(sheet: Sheet, claim: Claim) -> None:
    main, more = ("ABK", "ABF") if claim.is_icd10 else ("BK", "BF")
    coded = [(more if number else main, code) for number, code in enumerate(claim.diagnoses)]
    if coded:
        sheet.add("HI", *coded)


def write_people(sheet: Sheet, claim: Claim) -> None:
    if claim.referring:
        write_party(sheet, "DN", claim.referring)
    if claim.rendering:
        write_party(sheet, "82", claim.rendering, specialty="PE")
    if claim.facility:
        write_party(sheet, "77", claim.facility)
        if claim.facility.address is None:
            sheet.refuse("The place of service needs an address.")
    if claim.supervising:
        write_party(sheet, "DQ", claim.supervising)


def write_other(sheet: Sheet, other: OtherCoverage) -> None:
    write_cover(sheet, other, other.relationship)
    write_adjustments(sheet, other.adjustments)
    for one in other.amounts:
        sheet.add("AMT", one.code, one.amount, needs="1 2")
    signed = (None, None, other.assigned, other.patient_signature, None, other.release)
    sheet.add("OI", *signed, needs="3 6")
    write_party(sheet, "IL", other.subscriber, needs="3 8 9")
    write_place(sheet, "PR", other.payer, needs="3 8 9")
    if other.adjudicated:
        sheet.add("DTP", "573", "D8", other.adjudicated)
    write_numbers(sheet, other.payer)


def write_adjustments(sheet: Sheet, adjustments: Iterable[Adjustment]) -> None:
    """Six of one group go into a segment."""
    for group, members in groupby(adjustments, key=lambda one: one.group):
        rest = list(members)
        while rest:
            six, rest = rest[:6], rest[6:]
            triples = (part for one in six for part in (one.reason, one.amount, one.quantity))
            sheet.add("CAS", group, *triples, needs="1 2 3")


def write_line(sheet: Sheet, claim: Claim, line: ServiceLine, number: int) -> None:
    sheet.add("LX", number)
    pointers = tuple(map(str, line.pointers))
    said = (coded(line.procedure), line.charge, line.measure, line.units, line.place, None, pointers, None)
    sheet.add("SV1", *said, "Y" if line.is_emergency else "", needs="1 2 3 4 7")
    check_line(sheet, claim, line)
    write_dated(sheet, Dated("472", line.begins, line.ends))
    for one in line.refs:
        sheet.add("REF", one.code, one.value, needs="1 2")
    if line.note:
        sheet.add("NTE", "ADD", line.note)
    if line.drug:
        sheet.add("LIN", None, "N4", line.drug.code, needs="3")
        sheet.add("CTP", None, None, None, line.drug.quantity, line.drug.unit, needs="4 5")
    if line.rendering:
        write_party(sheet, "82", line.rendering, specialty="PE")
    for decided in line.adjudications:
        sheet.add("SVD", decided.payer, decided.paid, coded(decided.procedure), None, decided.units, needs="1 2 3 5")
        check_decision(sheet, claim, line, decided)
        write_decision(sheet, decided)


def coded(procedure: Procedure) -> tuple[str, ...]:
    return (procedure.kind, procedure.code, *(*procedure.modifiers, "", "", "", "")[:4], procedure.description)


def write_decision(sheet: Sheet, decided: LineAdjudication) -> None:
    write_adjustments(sheet, decided.adjustments)
    if decided.day is None:
        sheet.refuse("The day of the decision is missing.")
        return
    sheet.add("DTP", "573", "D8", decided.day)
