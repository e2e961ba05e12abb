"""837P to Claim. Guide 005010X222."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from billing.money import ZERO
from billing.x12.claim import Claim, ClaimFile, Drug, LineAdjudication, OtherCoverage, ServiceLine
from billing.x12.envelopes import Transaction
from billing.x12.fields import Dated, Fields, Procedure, Sum
from billing.x12.levels import Levels
from billing.x12.loops import Loop, Node
from billing.x12.parties import Party, party, refs
from billing.x12.remittance_reading import adjustments
from billing.x12.segments import Segment

NAMES = Loop("name", "NM1", "N2 N3 N4 DMG PRV REF PER DTP")
DECIDED = Loop("decided", "SVD", "CAS DTP AMT")
DRUG = Loop("drug", "LIN", "CTP REF")
FORM = Loop("form", "LQ", "FRM")
LINE = Loop(
    "line",
    "LX",
    "SV1 SV5 PWK CR1 CR3 CRC DTP QTY MEA CN1 REF AMT K3 NTE PS1 HCP",
    (DECIDED, DRUG, FORM, NAMES),
)
OTHER = Loop("other", "SBR", "CAS AMT OI MOA", (NAMES,))
CLAIM = Loop("claim", "CLM", "DTP PWK CN1 AMT REF K3 NTE CR1 CR2 CRC HI HCP", (LINE, OTHER, NAMES))
LEVEL = Loop("level", "HL", "PRV CUR SBR PAT", (CLAIM, NAMES))
GRAMMAR = Loop("837", "", "BHT REF", (NAMES, LEVEL))
BILLING, INSURED, DEPENDANT = "20", "22", "23"
DIAGNOSES = ("ABK", "ABF", "BK", "BF")


def claim_file(root: Node, fields: Fields, transaction: Transaction) -> ClaimFile:
    begin = root.one("BHT")
    return ClaimFile(
        submitter=party(root.loop_of("name", "41"), fields) or Party(),
        receiver=party(root.loop_of("name", "40"), fields) or Party(),
        purpose=begin.at(2) if begin else "",
        reference=begin.at(3) if begin else "",
        day=fields.day(begin, 4) if begin else None,
        clock=begin.at(5) if begin else "",
        kind=begin.at(6) if begin else "",
        claims=tuple(Above(Levels(root, fields), fields).claims()),
        version=transaction.version,
    )


class Above:
    """What the levels above a claim say of it, each read once."""

    def __init__(self, levels: Levels, fields: Fields) -> None:
        self.levels, self.fields = levels, fields
        self.billing: dict[int, dict] = {}
        self.insured: dict[int, dict] = {}
        self.patients: dict[int, dict] = {}
        steps = {
            BILLING: (self.billing, self._billing),
            INSURED: (self.insured, self._insured),
            DEPENDANT: (self.patients, self._patient),
        }
        for node in levels.nodes:
            if node.head.at(3) in steps:
                kept, step = steps[node.head.at(3)]
                kept[id(node)] = step(node)

    def claims(self) -> Iterator[Claim]:
        for node in self.levels.nodes:
            for one in node.loops("claim"):
                yield claim(one, self.of(node), self.fields)

    def of(self, node: Node) -> dict:
        said: dict = {"billing": Party(), "subscriber": Party(), "payer": Party()}
        for kept, code in ((self.billing, BILLING), (self.insured, INSURED), (self.patients, DEPENDANT)):
            above = self.levels.nearest(node, code)
            said |= kept[id(above)] if above else {}
        return said

    def _billing(self, node: Node) -> dict:
        found = party(node.loop_of("name", "85"), self.fields) or Party()
        specialty = node.one("PRV")
        return {
            "billing": with_taxonomy(found, specialty),
            "pay_to": party(node.loop_of("name", "87"), self.fields),
        }

    def _insured(self, node: Node) -> dict:
        head = node.one("SBR")
        if head is None:
            self.fields.complaints.error("It does not say which cover this is (SBR).", "HL", node.head.position)
        return {
            "subscriber": party(node.loop_of("name", "IL"), self.fields) or Party(),
            "payer": party(node.loop_of("name", "PR"), self.fields) or Party(),
            **(cover(head) if head else {}),
        }

    def _patient(self, node: Node) -> dict:
        head = node.one("PAT")
        return {
            "patient": party(node.loop_of("name", "QC"), self.fields),
            "relationship": head.at(1) if head else "",
        }


def with_taxonomy(found: Party, specialty: Segment | None) -> Party:
    if specialty is None:
        return found
    return Party(**{**vars(found), "taxonomy": specialty.at(3)})


def cover(head: Segment) -> dict:
    """`relationship` is empty where the patient is another person, and then said of the patient (PAT)."""
    return {
        "order": head.at(1),
        "relationship": head.at(2),
        "group": head.at(3),
        "group_name": head.at(4),
        "insurance": head.at(5),
        "filing": head.at(9),
    }


def claim(node: Node, above: dict, fields: Fields) -> Claim:
    head = node.head
    place, _, frequency = (*head.components(5), "", "", "")[:3]
    causes = [part for part in head.components(11) if part]
    codes, is_icd10 = diagnoses(node, fields)
    note = node.one("NTE")
    return Claim(
        **above,
        number=fields.needed(head, 1, "number of the claim"),
        charge=fields.money(head, 2),
        place=place,
        frequency=frequency,
        provider_signature=head.at(6),
        assignment=head.at(7),
        assigned=head.at(8),
        release=head.at(9),
        patient_signature=head.at(10),
        causes=tuple(part for part in causes if part in ("AA", "EM", "OA")),
        accident_state=next((part for part in causes if part not in ("AA", "EM", "OA")), ""),
        delay=head.at(20),
        diagnoses=codes,
        is_icd10=is_icd10,
        dates=tuple(fields.dated(segment) for segment in node.all("DTP")),
        refs=refs(node),
        amounts=tuple(Sum(segment.at(1), fields.money(segment, 2)) for segment in node.all("AMT")),
        note_kind=note.at(1) if note else "ADD",
        note=note.at(2) if note else "",
        referring=party(node.loop_of("name", "DN"), fields),
        rendering=party(node.loop_of("name", "82"), fields),
        facility=party(node.loop_of("name", "77"), fields),
        supervising=party(node.loop_of("name", "DQ"), fields),
        others=tuple(other(one, fields) for one in node.loops("other")),
        lines=tuple(line(one, fields) for one in node.loops("line")),
        position=head.position,
    )


def diagnoses(node: Node, fields: Fields) -> tuple[tuple[str, ...], bool]:
    """Codes in their order, and whether they are of ICD-10; ICD-9 stands in old files. Other HI are left, and told of."""
    codes, kinds = [], set()
    for segment in [one for one in node.own if one.name == "HI" and one.part(1, 1) in DIAGNOSES]:
        node.read.add(segment.position)
        for number in range(1, len(segment.elements)):
            kind, code = (*segment.components(number), "")[:2]
            if kind not in DIAGNOSES or not code:
                fields.complaints.warn("It is no diagnosis.", segment.name, segment.position, number)
                continue
            codes.append(code)
            kinds.add(kind.startswith("A"))
    if len(kinds) > 1:
        fields.complaints.warn("Diagnoses of two classifications stand in one claim.", "CLM", node.head.position)
    return tuple(codes), True in kinds or not kinds


def other(node: Node, fields: Fields) -> OtherCoverage:
    head, said = node.head, node.one("OI")
    payer = node.loop_of("name", "PR")
    decided = payer.one("DTP", "573") if payer else None
    return OtherCoverage(
        **cover(head),
        subscriber=party(node.loop_of("name", "IL"), fields) or Party(),
        payer=party(payer, fields) or Party(),
        adjustments=adjustments(node, fields),
        amounts=tuple(Sum(segment.at(1), fields.money(segment, 2)) for segment in node.all("AMT")),
        assigned=said.at(3) if said else "",
        patient_signature=said.at(4) if said else "",
        release=said.at(6) if said else "",
        adjudicated=fields.dated(decided).begins if decided else None,
    )


def line(node: Node, fields: Fields) -> ServiceLine:
    service, when, note = node.one("SV1"), node.one("DTP", "472"), node.one("NTE")
    if service is None:
        fields.complaints.error("The line has no professional service (SV1).", "LX", node.head.position)
    if when is None:
        fields.complaints.error("The line has no date of service.", "LX", node.head.position)
    dated = fields.dated(when) if when else Dated("472", None)
    drug = node.loop_of("drug")
    return ServiceLine(
        **(provided(service, fields) if service else {"procedure": Procedure(""), "charge": ZERO, "units": Decimal(0)}),
        begins=dated.begins,
        ends=dated.ends,
        refs=refs(node),
        note=note.at(2) if note else "",
        drug=medicine(drug, fields) if drug else None,
        rendering=party(node.loop_of("name", "82"), fields),
        adjudications=tuple(adjudication(one, fields) for one in node.loops("decided")),
        position=node.head.position,
    )


def provided(segment: Segment, fields: Fields) -> dict:
    return {
        "procedure": fields.procedure(segment, 1) or Procedure(""),
        "charge": fields.money(segment, 2),
        "measure": segment.at(3),
        "units": fields.quantity(segment, 4) or Decimal(0),
        "place": segment.at(5),
        "pointers": tuple(pointers(segment, fields)),
        "is_emergency": segment.at(9) == "Y",
    }


def pointers(segment: Segment, fields: Fields) -> Iterator[int]:
    for part in filter(None, segment.components(7)):
        if part.isascii() and part.isdigit() and 1 <= len(part) <= 2:
            yield int(part)
        else:
            fields.complaints.warn("It points to no diagnosis.", segment.name, segment.position, 7)


def medicine(node: Node, fields: Fields) -> Drug:
    head, amount = node.head, node.one("CTP")
    quantity = fields.quantity(amount, 4) if amount else None
    return Drug(code=head.at(3), quantity=quantity or Decimal(0), unit=amount.part(5, 1) if amount else "")


def adjudication(node: Node, fields: Fields) -> LineAdjudication:
    head, when = node.head, node.one("DTP", "573")
    return LineAdjudication(
        payer=head.at(1),
        paid=fields.money(head, 2),
        procedure=fields.procedure(head, 3) or Procedure(""),
        units=fields.quantity(head, 5) or Decimal(0),
        adjustments=adjustments(node, fields),
        day=fields.dated(when).begins if when else None,
    )
