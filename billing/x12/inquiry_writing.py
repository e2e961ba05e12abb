"""Inquiry to 270. Guide 005010X279A1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from billing.x12.claim_writing import write_dated
from billing.x12.eligibility import Inquiry
from billing.x12.fields import Dated
from billing.x12.parties import Party
from billing.x12.party_writing import write_address, write_name
from billing.x12.sheet import Envelope, Sheet

VERSION = "005010X279A1"


def write_inquiries(inquiries: Sequence[Inquiry], envelope: Envelope, *, reference: str, originator: str) -> str:
    """`originator` is our number with the receiver: ten letters. Raises Unwritable."""
    sheet = Sheet(envelope, function="HS", code="270", version=VERSION)
    sheet.add("BHT", "0022", "13", reference, envelope.written.date(), f"{envelope.written:%H%M}", needs="3")
    if not inquiries:
        sheet.refuse("There is no question.")
    if len(originator) != 10:
        sheet.refuse("Who asks is named by ten letters.")
    Questions(sheet, originator).write(inquiries)
    return sheet.finished()


class Questions:
    def __init__(self, sheet: Sheet, originator: str) -> None:
        self.sheet, self.originator, self.last = sheet, originator, 0

    def write(self, inquiries: Sequence[Inquiry]) -> None:
        for payer, by_payer in groupby(inquiries, key=lambda one: one.payer):
            source = self._level(None, "20", has_below=True)
            write_name(self.sheet, "PR", payer, needs="3 8 9")  # the guide knows no more of a payer
            for provider, asked in groupby(by_payer, key=lambda one: one.provider):
                asker = self._level(source, "21", has_below=True)
                write_asked(self.sheet, "1P", provider, needs="3 8 9")
                for inquiry in asked:
                    self._inquiry(inquiry, asker)

    def _level(self, above: int | None, code: str, *, has_below: bool) -> int:
        self.last += 1
        self.sheet.add("HL", self.last, above, code, int(has_below))
        return self.last

    def _inquiry(self, inquiry: Inquiry, asker: int) -> None:
        insured = self._level(asker, "22", has_below=inquiry.dependant is not None)
        if inquiry.dependant is None:
            self._person("IL", inquiry.subscriber, inquiry)
            return
        write_asked(self.sheet, "IL", inquiry.subscriber)
        self._level(insured, "23", has_below=False)
        self._person("03", inquiry.dependant, inquiry)

    def _person(self, role: str, person: Party, inquiry: Inquiry) -> None:
        if inquiry.trace:
            self.sheet.add("TRN", "1", inquiry.trace, self.originator)
        write_asked(self.sheet, role, person)
        if role == "03":
            self.sheet.add("INS", "N", inquiry.relationship, needs="2")
        if inquiry.begins:
            write_dated(self.sheet, Dated("291", inquiry.begins, inquiry.ends))
        if not inquiry.services:
            self.sheet.refuse("It asks for no service.")
        for code in inquiry.services:
            self.sheet.add("EQ", code, needs="1")


def write_asked(sheet: Sheet, role: str, party: Party, *, needs: str = "3") -> None:
    """In the order of this guide, where numbers stand before the address."""
    write_name(sheet, role, party, needs=needs)
    for one in party.refs:
        sheet.add("REF", one.code, one.value, needs="1 2")
    write_address(sheet, party)
    if party.born or party.gender:
        sheet.add("DMG", "D8" if party.born else "", party.born, party.gender)
