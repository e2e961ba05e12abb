"""NM1 and what follows it."""

from __future__ import annotations

from billing.x12.parties import Contact, Party
from billing.x12.sheet import Sheet


def write_party(sheet: Sheet, role: str, party: Party, *, needs: str = "3", specialty: str = "") -> None:
    """In the order of the guide for claims: name, address, birth, specialty, numbers, contacts."""
    write_place(sheet, role, party, needs=needs)
    if party.born or party.gender:
        sheet.add("DMG", "D8", party.born, party.gender, needs="2 3")
    if specialty and party.taxonomy:
        sheet.add("PRV", specialty, "PXC", party.taxonomy)
    write_numbers(sheet, party)


def write_place(sheet: Sheet, role: str, party: Party, *, needs: str = "3") -> None:
    write_name(sheet, role, party, needs=needs)
    write_address(sheet, party)


def write_name(sheet: Sheet, role: str, party: Party, *, needs: str = "3") -> None:
    named = (party.name, party.first, party.middle, None, party.suffix, party.id_kind, party.id)
    sheet.add("NM1", role, "1" if party.is_person else "2", *named, needs=needs)
    if bool(party.id) != bool(party.id_kind):
        sheet.refuse("A number and its kind go together.", 8)
    if not party.is_person and (party.first or party.middle or party.suffix):
        sheet.refuse("An organisation has no first name.", 4)
    if party.id_kind == "XX" and not (len(party.id) == 10 and party.id.isascii() and party.id.isdigit()):
        sheet.refuse("An NPI has ten digits.", 9)


def write_address(sheet: Sheet, party: Party) -> None:
    where = party.address
    if where is None:
        return
    sheet.add("N3", where.line, where.second_line, needs="1")
    needs = "1" if where.country else "1 2 3"
    sheet.add("N4", where.city, where.state, where.zip, where.country, needs=needs)


def write_numbers(sheet: Sheet, party: Party) -> None:
    for one in party.refs:
        sheet.add("REF", one.code, one.value, needs="1 2")
    for contact in party.contacts:
        write_contact(sheet, contact)


def write_contact(sheet: Sheet, contact: Contact) -> None:
    sheet.add("PER", "IC", contact.name, *(part for pair in contact.numbers for part in pair), needs="3 4")
    if not 1 <= len(contact.numbers) <= 3:
        sheet.refuse("A contact has one to three numbers.", 3)
