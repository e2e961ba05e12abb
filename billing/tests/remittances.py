"""Claims that are sent, and what payers say of them, for the tests of remittances."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from billing import remitting
from billing.claims import drafting, others, sending
from billing.models import BillingIdentity, Claim, Kind, Payment, Price, ProcedureCode, Remittance
from billing.tests.claims import a_note, a_payer, furnish, ready
from billing.tests.till import charge
from billing.x12 import remittance as x12
from billing.x12.fields import Procedure, Ref
from billing.x12.parties import Party
from clinical.models import Payer, Policy
from hospital.tests.hospital import Hospital

NUMBERS = count(1)
DAY = date(2026, 5, 4)


def sent(hospital: Hospital, *more: str, **policy: Any) -> Claim:
    """A claim that went out, of a consultation (100.00, unless it has its price already) and of what more was charged."""
    with hospital.acting("billing"):
        known, priced = BillingIdentity.ours(), Price.objects.filter(kind=Kind.CONSULTATION).exists()
    if known is None:
        furnish(hospital, priced=not priced)
    note = a_note(hospital, **policy)
    with hospital.acting("billing") as acting:
        for number, amount in enumerate(more, 2):
            ProcedureCode.objects.create(kind=Kind.TEST, code=f"X{number}", procedure=f"8502{number}")
            charge(note.visit, amount, sequence=number, code=f"X{number}")
        claim = drafting.begin(note, by=acting.person)
    return send(hospital, claim)


def send(hospital: Hospital, claim: Claim) -> Claim:
    ready(hospital, claim)
    with hospital.acting("billing") as acting:
        batch = sending.submit([claim], by=acting.person)[0]
    sending.write(hospital.tenant, batch.pk)
    return loaded(hospital, claim)


SECOND = Party(name="SECOND MUTUAL", id="77222")


def with_copay(alpha: Hospital) -> Claim:
    """A hundred, of which the patient paid twenty at the desk."""
    furnish(alpha)
    note = a_note(alpha)
    with alpha.acting("reception") as acting:
        Payment.take(note.visit, Decimal("20.00"), method="card", by=acting.person)
    with alpha.acting("billing") as acting:
        claim = drafting.begin(note, by=acting.person)
    return send(alpha, claim)


def sent_on(hospital: Hospital, claim: Claim, payer: Payer | None = None) -> Claim:
    """What the first payer left, as a claim to the second one."""
    with hospital.acting("billing") as acting:
        payer = (
            payer
            or Payer.objects.filter(identifier=SECOND.id).first()
            or a_payer("Second Mutual", identifier=SECOND.id)
        )
        if not Policy.objects.filter(patient=claim.patient_id, payer=payer, order=2).exists():
            Policy.objects.create(patient=claim.patient, insurer=payer.name, payer=payer, order=2, member_number="S-2")
        second = others.go_on(Claim.objects.get(pk=claim.pk), by=acting.person)
    return send(hospital, second)


def loaded(hospital: Hospital, claim: Claim) -> Claim:
    joined = ("visit", "patient", "payer", "policy", "encounter", "current")
    with hospital.acting("billing"):
        return with_lines(Claim.objects.select_related(*joined).get(pk=claim.pk))


def with_lines(claim: Claim) -> Claim:
    """With all that a payer needs to answer it, so that no tenant has to be open."""
    claim.current.claim = claim
    claim.current.ours = list(claim.current.lines.order_by("position"))
    for line in claim.current.ours:
        line.claim_version = claim.current
    return claim


def line(claim: Claim, place: int, paid: str, **adjusted: str) -> x12.PaidLine:
    """`line(claim, 1, "60.00", CO45="20.00", PR2="20.00")`."""
    ours = claim.current.ours[place - 1]
    return x12.PaidLine(
        procedure=Procedure(ours.procedure),
        charge=ours.amount,
        paid=Decimal(paid),
        refs=(Ref("6R", ours.control_number),),
        adjustments=tuple(x12.Adjustment(code[:2], code[2:], Decimal(sum_)) for code, sum_ in adjusted.items()),
    )


def decided(claim: Claim, *lines: x12.PaidLine, status: str = "1", **more: Any) -> x12.PaidClaim:
    return x12.PaidClaim(
        control_number=claim.current.control_number,
        status=status,
        charge=sum((one.charge for one in lines), Decimal("0.00")),
        paid=sum((one.paid for one in lines), Decimal("0.00")),
        payer_control_number="ICN1",
        patient=Party(name="OKAFOR", first="AMARA"),
        lines=lines,
        **more,
    )


def backwards(said: x12.PaidClaim) -> x12.PaidClaim:
    """The same with every sign turned: the payer takes it back."""
    from dataclasses import replace

    lines = tuple(
        replace(
            one,
            charge=-one.charge,
            paid=-one.paid,
            adjustments=tuple(replace(each, amount=-each.amount) for each in one.adjustments),
        )
        for one in said.lines
    )
    return replace(said, status="22", charge=-said.charge, paid=-said.paid, lines=lines)


def remittance(*claims: x12.PaidClaim, **more: Any) -> x12.Remittance:
    held_back = sum((one.amount for one in more.get("provider_adjustments", ())), Decimal("0.00"))
    total = sum((one.paid for one in claims if one.is_payment), Decimal("0.00")) - held_back
    key = Party(name="KEY INSURANCE", id="999996666")
    given: dict[str, Any] = {
        "payer": key,
        "trace": f"CHK{next(NUMBERS)}",
        "originator": "1512345678",
        "day": DAY,
        **more,
    }
    return x12.Remittance(
        payee=None,
        total=abs(total),
        is_debit=total < 0,
        claims=claims,
        **given,
    )


def taken(hospital: Hospital, *claims: x12.PaidClaim, **more: Any) -> Remittance:
    with hospital.acting("billing") as acting:
        return remitting.take_in(remittance(*claims, **more), file=None, by=acting.person)


def posted(hospital: Hospital, *claims: x12.PaidClaim, **more: Any) -> Remittance:
    row = taken(hospital, *claims, **more)
    with hospital.acting("billing") as acting:
        remitting.post(row, by=acting.person)
    return row


def post_part(hospital: Hospital, claim: Claim, said: x12.PaidClaim) -> Remittance:
    """The payer speaks of some lines only, so that a person has to say which claim it means."""
    row = taken(hospital, said)
    with hospital.acting("billing") as acting:
        remitting.match(row.claims.get(), Claim.objects.get(pk=claim.pk), by=acting.person)
        remitting.post(row, by=acting.person)
    return row
