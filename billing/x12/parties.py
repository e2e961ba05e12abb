"""People and organisations, as NM1 or N1 begins them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from billing.x12.fields import Fields, Ref
from billing.x12.loops import Node
from billing.x12.segments import Segment


@dataclass(frozen=True, kw_only=True)
class Address:
    line: str = ""
    second_line: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""


@dataclass(frozen=True)
class Contact:
    """`numbers` are pairs of kind (TE telephone, EM e-mail, FX fax, UR page) and number."""

    name: str
    numbers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Party:
    """`name` is the family name of a person. `id_kind` says whose number it is: XX an NPI, MI a member, PI a payer, 46 a sender."""

    name: str = ""
    first: str = ""
    middle: str = ""
    suffix: str = ""
    is_person: bool = False
    id_kind: str = ""
    id: str = ""
    address: Address | None = None
    contacts: tuple[Contact, ...] = ()
    refs: tuple[Ref, ...] = ()
    taxonomy: str = ""
    born: date | None = None
    gender: str = ""
    role: str = field(default="", compare=False)

    @property
    def spoken(self) -> str:
        return " ".join(filter(None, (self.first, self.middle, self.name, self.suffix)))

    def ref(self, *codes: str) -> str:
        return ref(self.refs, *codes)


def ref(refs: tuple[Ref, ...], *codes: str) -> str:
    return next((one.value for one in refs if one.code in codes), "")


def party(node: Node | None, fields: Fields) -> Party | None:
    """From a loop that NM1 or N1 opens, with all that it may contain."""
    if node is None:
        return None
    head = node.head
    named = named_by_n1(head) if head.name == "N1" else named_by_nm1(head)
    specialty = node.one("PRV")
    born = node.one("DMG")
    return Party(
        **named,
        address=address(node),
        contacts=tuple(contact(segment) for segment in node.all("PER")),
        refs=refs(node),
        taxonomy=specialty.at(3) if specialty else "",
        born=fields.day(born, 2) if born else None,
        gender=born.at(3) if born else "",
        role=head.at(1),
    )


def named_by_nm1(head: Segment) -> dict[str, Any]:
    return {
        "is_person": head.at(2) == "1",
        "name": head.at(3),
        "first": head.at(4),
        "middle": head.at(5),
        "suffix": head.at(7),
        "id_kind": head.at(8),
        "id": head.at(9),
    }


def named_by_n1(head: Segment) -> dict[str, Any]:
    return {"name": head.at(2), "id_kind": head.at(3), "id": head.at(4)}


def address(node: Node) -> Address | None:
    street, town = node.one("N3"), node.one("N4")
    if not street and not town:
        return None
    line, second = (street.at(1), street.at(2)) if street else ("", "")
    city, state, code, country = (town.at(1), town.at(2), town.at(3), town.at(4)) if town else ("", "", "", "")
    return Address(line=line, second_line=second, city=city, state=state, zip=code, country=country)


def contact(segment: Segment) -> Contact:
    pairs = ((segment.at(number), segment.at(number + 1)) for number in (3, 5, 7))
    return Contact(segment.at(2), tuple(pair for pair in pairs if any(pair)))


def refs(node: Node, *codes: str) -> tuple[Ref, ...]:
    return tuple(Ref(segment.at(1), segment.at(2)) for segment in node.all("REF", *codes))
