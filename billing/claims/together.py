"""Several claims in one go: each takes the step by itself, and one that cannot stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import transaction

from billing.claims import scrubber
from billing.claims.scrubber import counted
from billing.models import Claim, ClaimBatch
from billing.models.claim import MANAGE, Claims
from hospital.models import Person
from hospital.workflow import IllegalMove, Refused, allow

AT_ONCE = 100  # claims that take a step in one request


@dataclass(frozen=True)
class Together:
    """What came of it: those that took the step, and why each of the others did not."""

    done: list[Claim]
    left: list[tuple[Claim, str]]

    @property
    def reasons(self) -> list[str]:
        return [f"{claim.number}: {why}" for claim, why in self.left]


def rejected_in(batch: ClaimBatch) -> Claims:
    """Those that nobody has mended since they were rejected in this file."""
    return Claim.objects.rejected().filter(current__batch=batch)


@transaction.atomic
def mend_all(batch: ClaimBatch, *, by: Person | None) -> Together:
    """The rejected claims of this file can be changed again, as when each is mended by itself: a hundred at once, and then the next."""
    allow(MANAGE, by)
    return each(rejected_in(batch).order_by("serial")[:AT_ONCE], mend, by=by)


@transaction.atomic
def check_all(claims: Iterable[Claim], *, by: Person | None) -> Together:
    """What passes the check is ready to be sent. What does not keeps what was found."""
    allow(MANAGE, by)
    return each(claims, check, by=by)


def each(claims: Iterable[Claim], step: Callable[[Claim, Person | None], None], *, by: Person | None) -> Together:
    """All are held before the first is changed, as a batch holds them. What a step refuses undoes nothing of another."""
    held = sorted(claims, key=lambda claim: claim.serial)
    Claim.hold(held)
    together = Together([], [])
    for claim in held:
        try:
            step(claim, by)
        except (Refused, IllegalMove) as why:
            together.left.append((claim, str(why)))
        else:
            together.done.append(claim)
    return together


def mend(claim: Claim, by: Person | None) -> None:
    if claim.status != Claim.Status.REJECTED:
        raise Refused(f"It is {claim.in_words} by now.")
    scrubber.take_back(claim, by=by)


def check(claim: Claim, by: Person | None) -> None:
    errors = sum(one.is_error for one in scrubber.scrub(claim, by=by)) if claim.is_edited else 0
    if errors:
        raise Refused(f"{counted(errors, 'error')} to correct.")
    scrubber.make_ready(claim, by=by)
