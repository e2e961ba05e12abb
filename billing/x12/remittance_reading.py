"""835 to Remittance. Guide 005010X221; the older 004010X091 has the same segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from billing.money import ZERO
from billing.x12.envelopes import Transaction
from billing.x12.fields import Dated, Fields, Sum
from billing.x12.loops import Loop, Node
from billing.x12.parties import party, refs
from billing.x12.remittance import GROUPS, STATUSES, Adjustment, PaidClaim, PaidLine, ProviderAdjustment, Remittance
from billing.x12.segments import Segment

LINE = Loop("line", "SVC", "DTM CAS REF AMT QTY LQ")
NAMES = Loop("name", "NM1", "N3 N4 REF PER")
CLAIM = Loop("claim", "CLP", "CAS MIA MOA REF DTM PER AMT QTY", (LINE, NAMES))
HEADING = Loop("heading", "LX", "TS3 TS2", (CLAIM,))
PARTY = Loop("party", "N1", "N2 N3 N4 REF PER RDM")
GRAMMAR = Loop("835", "", "BPR NTE TRN CUR REF DTM PLB", (PARTY, HEADING, CLAIM))
REMARKS = {"MIA": (5, 20, 21, 22, 23), "MOA": (3, 4, 5, 6, 7)}


def remittance(root: Node, fields: Fields, transaction: Transaction) -> Remittance:
    return Remittance(
        payer=party(root.loop_of("party", "PR"), fields),
        payee=party(root.loop_of("party", "PE"), fields),
        **payment(root, fields),
        claims=tuple(claims(root, fields)),
        provider_adjustments=tuple(one for segment in root.all("PLB") for one in provider_adjustments(segment, fields)),
        version=transaction.version,
    )


def payment(root: Node, fields: Fields) -> dict:
    bpr, trn, produced, currency = root.one("BPR"), root.one("TRN"), root.one("DTM", "405"), root.one("CUR")
    receiver = root.one("REF", "EV")
    if bpr is None:
        fields.complaints.error("It does not say what is paid (BPR).")
    if trn is None:
        fields.complaints.warn("It has no number of its own (TRN).")
    return {
        "handling": bpr.at(1) if bpr else "",
        "total": fields.money(bpr, 2) if bpr else ZERO,
        "is_debit": bool(bpr and bpr.at(3) == "D"),
        "method": bpr.at(4) if bpr else "",
        "day": fields.day(bpr, 16) if bpr else None,
        "trace": trn.at(2) if trn else "",
        "originator": trn.at(3) if trn else "",
        "produced": fields.day(produced, 2) if produced else None,
        "currency": currency.at(2) if currency else "",
        "receiver": receiver.at(2) if receiver else "",
    }


def claims(root: Node, fields: Fields) -> Iterator[PaidClaim]:
    """Those under a heading (LX), and those without one, as they come."""
    for node in sorted((*root.loops("heading"), *root.loops("claim")), key=lambda node: node.head.position):
        for one in node.loops("claim") if node.loop is HEADING else [node]:
            yield claim(one, fields)


def claim(node: Node, fields: Fields) -> PaidClaim:
    head = node.head
    status = fields.needed(head, 2, "status of the claim")
    if status and status not in STATUSES:
        fields.complaints.warn("It is a status that is not known.", head.name, head.position, 2)
    outcomes = [*node.all("MIA"), *node.all("MOA")]
    return PaidClaim(
        control_number=fields.needed(head, 1, "number of the claim"),
        status=status,
        charge=fields.money(head, 3),
        paid=fields.money(head, 4),
        patient_owes=fields.amount(head, 5),
        filing=head.at(6),
        payer_control_number=head.at(7),
        place=head.at(8),
        frequency=head.at(9),
        patient=party(node.loop_of("name", "QC"), fields),
        subscriber=party(node.loop_of("name", "IL"), fields),
        corrected_subscriber=party(node.loop_of("name", "74"), fields),
        rendering=party(node.loop_of("name", "82"), fields),
        sent_on_to=party(node.loop_of("name", "TT"), fields),
        corrected_payer=party(node.loop_of("name", "PR"), fields),
        other_subscriber=party(node.loop_of("name", "GB"), fields),
        adjustments=adjustments(node, fields),
        lines=tuple(line(one, fields) for one in node.loops("line")),
        **particulars(node, fields),
        remarks=tuple(remarks(outcomes)),
        outcomes=tuple(segment.elements for segment in outcomes),
        position=head.position,
    )


def line(node: Node, fields: Fields) -> PaidLine:
    head = node.head
    return PaidLine(
        procedure=fields.procedure(head, 1),
        charge=fields.money(head, 2),
        paid=fields.amount(head, 3) or ZERO,
        revenue_code=head.at(4),
        units=fields.quantity(head, 5),
        submitted=fields.procedure(head, 6),
        submitted_units=fields.quantity(head, 7),
        adjustments=adjustments(node, fields),
        **particulars(node, fields),
        remarks=tuple(segment.at(2) for segment in node.all("LQ", "HE", "RX")),
        position=head.position,
    )


def particulars(node: Node, fields: Fields) -> dict:
    return {
        "dates": tuple(dates(node, fields)),
        "refs": refs(node),
        "amounts": tuple(Sum(segment.at(1), fields.money(segment, 2)) for segment in node.all("AMT")),
        "quantities": tuple(quantities(node, fields)),
    }


def dates(node: Node, fields: Fields) -> Iterator[Dated]:
    yield from (fields.dated(segment) for segment in node.all("DTM"))


def quantities(node: Node, fields: Fields) -> Iterator[Sum]:
    for segment in node.all("QTY"):
        value = fields.quantity(segment, 2)
        yield Sum(segment.at(1), ZERO if value is None else value)


def remarks(outcomes: Iterable[Segment]) -> Iterator[str]:
    for segment in outcomes:
        yield from filter(None, (segment.at(number) for number in REMARKS[segment.name]))


def adjustments(node: Node, fields: Fields) -> tuple[Adjustment, ...]:
    return tuple(one for segment in node.all("CAS") for one in adjustments_of(segment, fields))


def adjustments_of(segment: Segment, fields: Fields) -> Iterator[Adjustment]:
    """Up to six of one group: reason, amount, quantity."""
    group = fields.needed(segment, 1, "group of the adjustment")
    if group and group not in GROUPS:
        fields.complaints.error("It is a group of adjustments that is not known.", segment.name, segment.position, 1)
    if len(segment.elements) > 20:
        fields.complaints.error("It has more than six adjustments.", segment.name, segment.position)
    for number in range(2, max(20, len(segment.elements)), 3):
        if any(segment.at(number + more) for more in range(3)):
            reason = fields.needed(segment, number, "reason of the adjustment")
            yield Adjustment(group, reason, fields.money(segment, number + 1), fields.quantity(segment, number + 2))
        elif number == 2:
            fields.complaints.error("It says neither reason nor amount.", segment.name, segment.position)


def provider_adjustments(segment: Segment, fields: Fields) -> Iterator[ProviderAdjustment]:
    """Pairs of reason (with a reference) and amount."""
    ends = fields.day(segment, 2)
    for number in range(3, max(4, len(segment.elements)), 2):
        if not (segment.at(number) or segment.at(number + 1)) and number > 3:
            continue
        reason, reference = segment.part(number, 1), segment.part(number, 2)
        yield ProviderAdjustment(
            provider=segment.at(1),
            reason=reason,
            reference=reference,
            amount=fields.money(segment, number + 1),
            fiscal_year_ends=ends,
            position=segment.position,
        )
