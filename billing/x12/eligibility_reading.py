"""271 to Eligibility, and 270 to the inquiries that it was written from. Guide 005010X279."""

from __future__ import annotations

from collections.abc import Iterator

from billing.x12.eligibility import SUBSCRIBER, Benefit, Eligibility, Inquiries, Inquiry, Member, Refusal
from billing.x12.envelopes import Transaction
from billing.x12.fields import Fields
from billing.x12.levels import Levels
from billing.x12.loops import Loop, Node
from billing.x12.parties import Party, party, refs
from billing.x12.segments import Segment

RELATED = Loop("related", "NM1", "N3 N4 PER PRV")
BENEFIT = Loop("benefit", "EB", "HSD REF DTP AAA MSG III LS LE", (RELATED,))
QUESTION = Loop("question", "EQ", "AMT III REF DTP")
NAMES = Loop("name", "NM1", "N3 N4 REF PER AAA PRV DMG INS HI DTP MPI")
LEVEL = Loop("level", "HL", "TRN AAA", (NAMES, BENEFIT, QUESTION))
GRAMMAR = Loop("271", "", "BHT", (LEVEL,))
PAYER, PROVIDER, INSURED, DEPENDANT = "20", "21", "22", "23"


class Answers:
    """The names of all levels are read once; then each person has those of the levels above."""

    def __init__(self, root: Node, fields: Fields) -> None:
        self.fields, self.levels = fields, Levels(root, fields)
        self.names = {id(node): node.loop_of("name") for node in self.levels.nodes}
        self.refusals = {id(node): tuple(self._refusals(node)) for node in self.levels.nodes}
        self.dates = {id(node): self._dates(node) for node in self.levels.nodes}
        self.relationships = {id(node): self._relationship(node) for node in self.levels.nodes}
        self.parties = {id(node): party(self.names[id(node)], fields) for node in self.levels.nodes}

    def people(self) -> list[Node]:
        """Those of whom something is said: an insured person who stands above dependants only may be one."""
        return [node for node in self.levels.nodes if node.head.at(3) in (INSURED, DEPENDANT)]

    def party(self, node: Node, code: str) -> Party | None:
        above = self.levels.nearest(node, code)
        return self.parties[id(above)] if above else None

    def _refusals(self, node: Node) -> Iterator[Refusal]:
        for place in filter(None, (node, self.names[id(node)])):
            yield from refusals(place)

    def _dates(self, node: Node) -> tuple:
        named = self.names[id(node)]
        return tuple(self.fields.dated(segment) for segment in named.all("DTP")) if named else ()

    def _relationship(self, node: Node) -> str:
        named = self.names[id(node)]
        said = named.one("INS") if named else None
        if said:
            return said.at(2)
        return SUBSCRIBER if node.head.at(3) == INSURED else ""


def eligibility(root: Node, fields: Fields, transaction: Transaction) -> Eligibility:
    begin, answers = root.one("BHT"), Answers(root, fields)
    others = [node for node in answers.levels.nodes if node.head.at(3) not in (INSURED, DEPENDANT)]
    return Eligibility(
        reference=begin.at(3) if begin else "",
        day=fields.day(begin, 4) if begin else None,
        members=tuple(one for node in answers.people() for one in member(node, answers, fields)),
        refusals=tuple(one for node in others for one in answers.refusals[id(node)]),
        version=transaction.version,
    )


def member(node: Node, answers: Answers, fields: Fields) -> Iterator[Member]:
    traces = tuple(segment.at(2) for segment in node.all("TRN"))
    benefits = tuple(benefit(one, fields) for one in node.loops("benefit"))
    refused, dates = answers.refusals[id(node)], answers.dates[id(node)]
    is_dependant = node.head.at(3) == DEPENDANT
    has_dependants = any(above is node for above in answers.levels.above.values())
    if has_dependants and not (traces or benefits or refused or dates):
        return
    yield Member(
        person=answers.parties[id(node)] or Party(),
        subscriber=answers.party(node, INSURED) if is_dependant else None,
        relationship=answers.relationships[id(node)],
        payer=answers.party(node, PAYER),
        provider=answers.party(node, PROVIDER),
        traces=traces,
        dates=dates,
        benefits=benefits,
        refusals=refused,
    )


def benefit(node: Node, fields: Fields) -> Benefit:
    head = node.head
    for bracket in ("LS", "LE"):
        node.all(bracket)  # they only say that names come between them
    return Benefit(
        information=fields.needed(head, 1, "information about the benefit"),
        level=head.at(2),
        services=tuple(head.repeats(3)),
        insurance=head.at(4),
        plan=head.at(5),
        period=head.at(6),
        amount=fields.amount(head, 7),
        percent=fields.quantity(head, 8),
        quantity_kind=head.at(9),
        quantity=fields.quantity(head, 10),
        needs_authorisation=head.at(11),
        in_network=head.at(12),
        procedure=fields.procedure(head, 13),
        dates=tuple(fields.dated(segment) for segment in node.all("DTP")),
        refs=refs(node),
        messages=tuple(segment.at(1) for segment in node.all("MSG")),
        places=tuple(segment.at(2) for segment in node.all("III", "ZZ")),
        parties=tuple(found for one in node.loops("related") if (found := party(one, fields))),
        refusals=tuple(refusals(node)),
    )


def refusals(node: Node) -> Iterator[Refusal]:
    yield from (Refusal(segment.at(3), segment.at(4)) for segment in node.all("AAA"))


def inquiries(root: Node, fields: Fields, transaction: Transaction) -> Inquiries:
    begin, answers = root.one("BHT"), Answers(root, fields)
    asked = tuple(inquiry(node, answers, fields) for node in answers.people() if asks(node))
    return Inquiries(begin.at(3) if begin else "", asked)


def asks(node: Node) -> bool:
    return any(one.loop is QUESTION for one in node.below)


def inquiry(node: Node, answers: Answers, fields: Fields) -> Inquiry:
    is_dependant = node.head.at(3) == DEPENDANT
    insured = answers.party(node, INSURED) or Party()
    trace: Segment | None = node.one("TRN")
    when = next((one for one in answers.dates[id(node)] if one.code == "291"), None)
    return Inquiry(
        payer=answers.party(node, PAYER) or Party(),
        provider=answers.party(node, PROVIDER) or Party(),
        subscriber=insured,
        dependant=answers.parties[id(node)] if is_dependant else None,
        relationship=answers.relationships[id(node)] if is_dependant else "19",
        services=tuple(code for one in node.loops("question") for code in one.head.repeats(1)),
        begins=when.begins if when else None,
        ends=when.ends if when else None,
        trace=trace.at(2) if trace else "",
    )
