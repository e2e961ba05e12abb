"""What the receiver says of the form of what we sent (999, or the older 997): accepted, or wrong, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from billing.x12.envelopes import Transaction
from billing.x12.fields import Fields
from billing.x12.loops import Loop, Node
from billing.x12.segments import Segment

ELEMENT = Loop("element", "IK4", "CTX")
OLD_ELEMENT = Loop("element", "AK4")
FAULT = Loop("fault", "IK3", "CTX", (ELEMENT,))
OLD_FAULT = Loop("fault", "AK3", "", (OLD_ELEMENT,))
SET = Loop("set", "AK2", "IK5 AK5", (FAULT, OLD_FAULT))
GRAMMAR = Loop("999", "", "AK1 AK9", (SET,))
GOOD = ("A", "E")  # E: taken, with errors that are told
VERDICTS = {
    "A": "accepted",
    "E": "accepted with errors",
    "P": "accepted in part",
    "R": "rejected",
    "M": "rejected: authentication failed",
    "W": "rejected: its signature is not valid",
    "X": "rejected: it could not be decrypted",
}
SEGMENT_FAULTS = {
    "1": "no such segment",
    "2": "not expected here",
    "3": "missing",
    "4": "the loop occurs too often",
    "5": "occurs too often",
    "6": "not in this transaction",
    "7": "out of order",
    "8": "has wrong elements",
    "I4": "not used by the guide",
    "I6": "missing in this situation",
    "I7": "the loop occurs too seldom",
    "I8": "occurs too seldom",
    "I9": "not used in this situation",
}
ELEMENT_FAULTS = {
    "1": "missing",
    "2": "missing, since another element is there",
    "3": "too many elements",
    "4": "too short",
    "5": "too long",
    "6": "has a letter that is not allowed",
    "7": "not a code of the list",
    "8": "no valid date",
    "9": "no valid time",
    "10": "excluded by another element",
    "12": "repeated too often",
    "13": "too many components",
    "I6": "a code that the guide does not use",
    "I9": "missing in this situation",
    "I10": "not used by the guide",
    "I11": "repeated too seldom",
    "I12": "not of the shape that is asked for",
    "I13": "not used in this situation",
}


@dataclass(frozen=True)
class ElementFault:
    """`bad` is what we sent there. It may be a patient's: do not log it."""

    element: str
    component: str
    code: str
    bad: str = ""

    @property
    def words(self) -> str:
        return ELEMENT_FAULTS.get(self.code, f"fault {self.code}")


@dataclass(frozen=True)
class Fault:
    """`position` counts the segments of the transaction, ST being the first."""

    segment: str
    position: int
    loop: str
    code: str
    elements: tuple[ElementFault, ...] = ()
    contexts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One sentence for a worklist."""
        told = SEGMENT_FAULTS.get(self.code, f"fault {self.code}")
        details = "; ".join(f"element {one.element} {one.words}" for one in self.elements)
        return f"{self.segment} at {self.position}: {details or told}"


@dataclass(frozen=True)
class SetAnswer:
    """Of one transaction that we sent, by its control number (ST02)."""

    code: str
    control: str
    verdict: str
    version: str = ""
    reasons: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def is_accepted(self) -> bool:
        return self.verdict in GOOD


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """Of a group that we sent, by its control number (GS06)."""

    function: str
    group_control: str
    version: str
    verdict: str
    sent: int | None = None
    received: int | None = None
    accepted: int | None = None
    reasons: tuple[str, ...] = ()
    sets: tuple[SetAnswer, ...] = ()

    @property
    def is_accepted(self) -> bool:
        return self.verdict in GOOD and all(one.is_accepted for one in self.sets)

    @property
    def spoken(self) -> str:
        return VERDICTS.get(self.verdict, f"verdict {self.verdict}" if self.verdict else "no verdict")


def acknowledgement(root: Node, fields: Fields, transaction: Transaction) -> Acknowledgement:
    begin, end = root.one("AK1"), root.one("AK9")
    if begin is None:
        fields.complaints.error("It does not say what it answers (AK1).")
    if end is None:
        fields.complaints.error("It has no verdict on the group (AK9).")
    return Acknowledgement(
        function=begin.at(1) if begin else "",
        group_control=fields.needed(begin, 2, "control number of the group") if begin else "",
        version=begin.at(3) if begin else "",
        verdict=verdict(end, fields),
        sent=count(end, 2, fields),
        received=count(end, 3, fields),
        accepted=count(end, 4, fields),
        reasons=tuple(filter(None, end.elements[5:])) if end else (),
        sets=tuple(set_answer(node, fields) for node in root.loops("set")),
    )


def set_answer(node: Node, fields: Fields) -> SetAnswer:
    head = node.head
    end = node.one("IK5") or node.one("AK5")
    if end is None:
        fields.complaints.error("There is no verdict on this transaction (IK5).", head.name, head.position)
    return SetAnswer(
        code=head.at(1),
        control=fields.needed(head, 2, "control number of the transaction"),
        version=head.at(3),
        verdict=verdict(end, fields),
        reasons=tuple(filter(None, end.elements[2:])) if end else (),
        faults=tuple(fault(one, fields) for one in node.loops("fault")),
    )


def verdict(end: Segment | None, fields: Fields) -> str:
    """What is no verdict of the list is none: it never counts as accepted."""
    if end is None:
        return ""
    said = fields.needed(end, 1, "verdict")
    if said and said not in VERDICTS:
        fields.complaints.error("It is a verdict that is not known.", end.name, end.position, 1)
    return said


def fault(node: Node, fields: Fields) -> Fault:
    head = node.head
    elements = node.loops("element")
    return Fault(
        segment=head.at(1),
        position=count(head, 2, fields) or 0,
        loop=head.at(3),
        code=head.at(4),
        elements=tuple(element_fault(one.head) for one in elements),
        contexts=tuple(contexts(node, elements)),
    )


def contexts(node: Node, elements: list[Node]) -> Iterator[str]:
    for one in (node, *elements):
        for segment in one.all("CTX"):
            yield " ".join(filter(None, segment.elements[1:]))


def element_fault(segment: Segment) -> ElementFault:
    return ElementFault(segment.part(1, 1), segment.part(1, 2), segment.at(3), segment.at(4))


def count(segment: Segment | None, number: int, fields: Fields) -> int | None:
    value = fields.quantity(segment, number) if segment else None
    return None if value is None else int(value)
