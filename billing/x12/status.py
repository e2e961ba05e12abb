"""What became of the claims that we sent: 277CA, which takes or rejects them, and the 277 that answers a question.

Rejected is not denied: a rejected claim was never in adjudication, and is mended and sent again as a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from billing.x12.envelopes import Transaction
from billing.x12.fields import Dated, Fields, Procedure, Ref, Sum
from billing.x12.levels import Levels
from billing.x12.loops import Loop, Node
from billing.x12.parties import Party, party, ref, refs
from billing.x12.segments import Segment

SERVICE = Loop("service", "SVC", "STC REF DTP")
TRACE = Loop("trace", "TRN", "STC REF DTP QTY AMT", (SERVICE,))
NAMES = Loop("name", "NM1", "N3 N4 PER")
LEVEL = Loop("level", "HL", "DMG STC REF DTP QTY AMT", (TRACE, NAMES, SERVICE))
GRAMMAR = Loop("277", "", "BHT REF", (LEVEL,))
SOURCE, RECEIVER, PROVIDER, INSURED = "20", "21", "19", "22"
CLAIM_LEVELS = ("PT", "22", "23")
REJECTED = ("A3", "A4", "A6", "A7", "A8")
CATEGORIES = {
    "A0": "passed on to another",
    "A1": "received",
    "A2": "accepted for adjudication",
    "A3": "returned: it cannot be processed",
    "A4": "not found",
    "A5": "split into several claims",
    "A6": "rejected: something is missing",
    "A7": "rejected: something is not valid",
    "A8": "rejected: two statements contradict each other",
    "D0": "nothing was found by what was asked",
    "E0": "the question has an error",
    "E1": "the answer could not be given in time",
    "E2": "the payer's system does not answer",
    "E3": "the question has to be mended",
    "E4": "the partner is not authorised",
    "F0": "decided",
    "F1": "decided: paid",
    "F2": "decided: denied",
    "F3": "decided: revised",
    "F4": "decided: nothing to pay",
    "P0": "pending",
    "P1": "pending: in process",
    "P2": "pending: in review",
    "P3": "pending: the provider was asked",
    "P4": "pending: the patient was asked",
    "P5": "pending: the payer has to act",
    "R0": "something more is asked for",
    "R3": "something more is asked for about the claim",
    "R4": "documents are asked for",
}


@dataclass(frozen=True)
class Status:
    """`category` and `code` are those of the lists for claim status; `entity` says whom it is about."""

    category: str
    code: str = ""
    entity: str = ""
    action: str = ""
    day: date | None = None
    charge: Decimal | None = None
    paid: Decimal | None = None
    message: str = ""

    @property
    def is_rejection(self) -> bool:
        return self.action == "U" or self.category in REJECTED

    @property
    def words(self) -> str:
        return CATEGORIES.get(self.category, f"category {self.category}")


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    procedure: Procedure | None
    charge: Decimal | None = None
    paid: Decimal | None = None
    statuses: tuple[Status, ...] = ()
    refs: tuple[Ref, ...] = ()
    dates: tuple[Dated, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Of a claim, by our number (CLM01); of a provider or a batch, by the number that was sent for it."""

    level: str
    reference: str
    statuses: tuple[Status, ...] = ()
    patient: Party | None = None
    subscriber: Party | None = None  # where the patient is another person
    provider: Party | None = None
    refs: tuple[Ref, ...] = ()
    dates: tuple[Dated, ...] = ()
    amounts: tuple[Sum, ...] = ()
    quantities: tuple[Sum, ...] = ()
    services: tuple[ServiceStatus, ...] = ()
    position: int = field(default=0, compare=False)

    @property
    def payer_control_number(self) -> str:
        return ref(self.refs, "1K")

    @property
    def is_rejected(self) -> bool:
        told = (*self.statuses, *(one for service in self.services for one in service.statuses))
        return any(one.is_rejection for one in told)

    @property
    def is_accepted(self) -> bool:
        """In adjudication. What was only received, or passed on, is neither accepted nor rejected yet."""
        return not self.is_rejected and any(one.category == "A2" for one in self.statuses)


@dataclass(frozen=True, kw_only=True)
class StatusReport:
    reference: str
    day: date | None
    source: Party | None = None
    receiver: Party | None = None
    answers: tuple[Answer, ...] = ()
    version: str = ""

    @property
    def is_acknowledgement(self) -> bool:
        """277CA; else the answer to a 276."""
        return "X214" in self.version

    @property
    def claims(self) -> tuple[Answer, ...]:
        return tuple(one for one in self.answers if one.level in CLAIM_LEVELS)


def status_report(root: Node, fields: Fields, transaction: Transaction) -> StatusReport:
    begin, levels = root.one("BHT"), Levels(root, fields)
    people = {id(node): party(node.loop_of("name"), fields) for node in levels.nodes}
    return StatusReport(
        reference=begin.at(3) if begin else "",
        day=fields.day(begin, 4) if begin else None,
        source=of_level(levels, people, SOURCE),
        receiver=of_level(levels, people, RECEIVER),
        answers=tuple(one for node in levels.nodes for one in answers(node, levels, people, fields)),
        version=transaction.version,
    )


def of_level(levels: Levels, people: dict[int, Party | None], code: str) -> Party | None:
    return next((people[id(node)] for node in levels.nodes if node.head.at(3) == code), None)


def answers(node: Node, levels: Levels, people: dict[int, Party | None], fields: Fields) -> Iterator[Answer]:
    provider, insured = levels.nearest(node, PROVIDER), levels.nearest(node, INSURED)
    who: dict[str, Any] = {
        "level": node.head.at(3),
        "patient": people[id(node)] if node.head.at(3) in CLAIM_LEVELS else None,
        "subscriber": people[id(insured)] if insured and insured is not node else None,
        "provider": people[id(provider)] if provider else None,
    }
    for trace in node.loops("trace"):
        yield Answer(**who, reference=trace.head.at(2), **said_of(trace, fields), position=trace.head.position)
    told = said_of(node, fields)
    if told["statuses"] or told["services"]:
        fields.complaints.error("There is a status, and no number that says of what (TRN).", "HL", node.head.position)
        yield Answer(**who, reference="", **told, position=node.head.position)


def said_of(node: Node, fields: Fields) -> dict[str, Any]:
    return {
        "statuses": statuses(node, fields),
        "refs": refs(node),
        "dates": tuple(fields.dated(segment) for segment in node.all("DTP")),
        "amounts": tuple(Sum(segment.at(1), fields.money(segment, 2)) for segment in node.all("AMT")),
        "quantities": tuple(
            Sum(segment.at(1), fields.quantity(segment, 2) or Decimal(0)) for segment in node.all("QTY")
        ),
        "services": tuple(service(one, fields) for one in node.loops("service")),
    }


def service(node: Node, fields: Fields) -> ServiceStatus:
    head = node.head
    return ServiceStatus(
        procedure=fields.procedure(head, 1),
        charge=fields.amount(head, 2),
        paid=fields.amount(head, 3),
        statuses=statuses(node, fields),
        refs=refs(node),
        dates=tuple(fields.dated(segment) for segment in node.all("DTP")),
    )


def statuses(node: Node, fields: Fields) -> tuple[Status, ...]:
    return tuple(one for segment in node.all("STC") for one in statuses_of(segment, fields))


def statuses_of(segment: Segment, fields: Fields) -> Iterator[Status]:
    """Up to three in one segment, of the same day and amounts."""
    fields.needed(segment, 1, "status")
    day, charge, paid = fields.day(segment, 2), fields.amount(segment, 4), fields.amount(segment, 5)
    for number in (1, 10, 11):
        category, code, entity = (segment.part(number, part) for part in (1, 2, 3))
        if category or code or number == 1:
            yield Status(category, code, entity, segment.at(3), day, charge, paid, segment.at(12))
