"""What stands in the way of a step of an authorisation, beside the table of its machine: one named function for each condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.models.authorisation import Authorisation
from clinical import days
from hospital.seals import raw
from hospital.workflow import Refused

S = Authorisation.Status
Fields = dict[str, Any]
Guard = Callable[[Authorisation, Fields], None]


@raw()
def says_why(row: Authorisation, fields: Fields) -> None:
    if not row.justification.strip():
        raise Refused("Write the medical reason first: the insurer decides by it.", status=422, field="words")


def policy_is_in_use(row: Authorisation, fields: Fields) -> None:
    if not row.policy.is_active:
        raise Refused("The policy is not in use any more. Ask by the one that is.")


def grants_something(row: Authorisation, fields: Fields) -> None:
    if fields["units_approved"] <= 0:
        raise Refused("Write how many units are granted. None at all is a denial.", status=422, field="units")


def days_are_in_order(row: Authorisation, fields: Fields) -> None:
    if fields["valid_until"] < fields["valid_from"]:
        raise Refused("The last day must not be before the first.", status=422, field="valid_until")


def has_a_further_level(row: Authorisation, fields: Fields) -> None:
    """An insurer of which no level is known says itself until when one may appeal."""
    if row.payer.appeal_levels.exists() and row.payer.appeal_days(row.appeal_level + 1) is None:
        raise Refused(f"{row.payer} has no further level of appeal. Ask anew instead.", field="words")


def appeal_is_in_time(row: Authorisation, fields: Fields) -> None:
    if row.appeal_until and row.appeal_until < days.today():
        last = f"{row.appeal_until:%-d %b %Y}"
        raise Refused(f"The last day for an appeal was {last}. Ask anew instead.", field="words")


WAITING = (S.SUBMITTED, S.PENDING, S.MORE_INFO)
GRANT = (grants_something, days_are_in_order)
# Each condition of a step, by the status that it comes from and the one that it leads to.
GUARDS: dict[tuple[str, str], tuple[Guard, ...]] = {
    (S.DRAFT, S.SUBMITTED): (policy_is_in_use, says_why),
    (S.DENIED, S.PENDING): (has_a_further_level, appeal_is_in_time),
    **{(waiting, granted): GRANT for waiting in WAITING for granted in Authorisation.GRANTED},
}


def check(row: Authorisation, to: str, fields: Fields) -> None:
    """Called by `Authorisation.go` with the row locked, and with what the step writes."""
    for guard in GUARDS.get((row.status, to), ()):
        guard(row, fields)
