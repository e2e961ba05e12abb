"""How the lines about remittances and denials come about; see happenings.py."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from billing import remitting
from billing.models import Claim, Denial, PayerRefund, Remittance, RemittanceClaim
from billing.payer_inbox import take_file
from billing.tests.remittances import decided, line, loaded, posted, sent, taken
from realtime.tests.claim_happenings import HAPPENINGS, Day
from realtime.tests.happenings import happens

__all__ = ["HAPPENINGS", "Day"]


def claim_of(day: Day) -> Claim:
    """One that was sent."""
    return kept(day, "claim that was sent", lambda: sent(day.hospital))


def kept(day: Day, name: str, make: Callable[[], Any]) -> Any:
    """Once in a day, each step in a transaction of its own."""
    made = vars(day).setdefault("made", {})
    if name not in made:
        made[name] = make()
    return made[name]


def refusal(day: Day) -> Denial:
    return kept(day, "refusal", lambda: refused(day))


def refused(day: Day) -> Denial:
    claim = claim_of(day)
    whole = str(claim.current.ours[0].amount)
    posted(day.hospital, decided(claim, line(claim, 1, "0.00", CO50=whole), status="4"))
    with day.hospital.acting("billing"):
        return Denial.objects.get(claim=claim)


@happens("claim:denied", "a payer refuses")
def refuses(day: Day) -> None:
    refusal(day)


@happens("denial:changed", "somebody looks after it")
def looks_after(day: Day) -> None:
    denial = refusal(day)
    with day.hospital.acting("billing") as acting:
        denial.assign(acting.person, by=acting.person)


@happens("claim:paid", "a payer pays")
def pays(day: Day) -> None:
    refusal(day)
    claim = loaded(day.hospital, claim_of(day))
    posted(day.hospital, decided(claim, line(claim, 1, str(claim.current.ours[0].amount))))


@happens("remittance:changed", "one comes in")
def comes_in(day: Day) -> Remittance:
    claim = claim_of(day)
    return taken(day.hospital, decided(claim, line(claim, 1, str(claim.current.ours[0].amount))))


@happens("remittance:changed", "somebody says whose it is")
def says_whose(day: Day) -> None:
    row = comes_in(day)
    with day.hospital.acting("billing") as acting:
        remitting.unmatch(row.claims.get(), by=acting.person)


@happens("payer_refund:changed", "it is asked for")
def asks_for_the_payer(day: Day) -> None:
    payer_refund_of(day)


@happens("payer_refund:changed", "it is decided")
def decides_for_the_payer(day: Day) -> None:
    refund = payer_refund_of(day)
    with day.hospital.acting("admin") as acting:
        refund.approve(by=acting.person)


def payer_refund_of(day: Day) -> PayerRefund:
    return kept(day, "refund to a payer", lambda: asked_for_the_payer(day))


def asked_for_the_payer(day: Day) -> PayerRefund:
    """The same was paid once more."""
    claim = loaded(day.hospital, claim_of(day))
    posted(day.hospital, decided(claim, line(claim, 1, str(claim.current.ours[0].amount))))
    with day.hospital.acting("billing") as acting:
        heard = RemittanceClaim.objects.filter(claim=claim).latest("remittance__received_at")
        return PayerRefund.request(heard, Decimal("1.00"), "Paid twice", by=acting.person)


@happens("payer_file:taken", "a file is brought in")
def brings(day: Day) -> None:
    with day.hospital.acting("billing") as acting:
        take_file("answer.835", f"no X12 {day.hospital.mark}".encode(), by=acting.person)
