"""How the lines about remittances and denials come about; see happenings.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.models import Claim, Denial, Remittance
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


@happens("payer_file:taken", "a file is brought in")
def brings(day: Day) -> None:
    with day.hospital.acting("billing") as acting:
        take_file("answer.835", f"no X12 {day.hospital.mark}".encode(), by=acting.person)
