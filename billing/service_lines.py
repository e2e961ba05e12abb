"""Which line of ours a payer speaks of: by the number that it was sent with (REF 6R), else by procedure and charge."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.money import ZERO, split
from billing.unclear import Unclear
from billing.x12.remittance import PaidLine


def plain_number(text: str) -> str:
    """Payers give numbers back in lower case, and without the hyphens."""
    return re.sub(r"[^0-9A-Z]", "", text.upper())


class Numbers:
    """Which charge was sent under which number of a line: exactly, or as payers write it.

    Two numbers can be one without their hyphens: line 11 of version 1, and line 1 of version 11.
    """

    def __init__(self, lines: Iterable[Any]) -> None:
        self.exact: dict[str, UUID] = {}
        self.plain: dict[str, set[UUID]] = defaultdict(set)
        for line in lines:
            self.exact[line.control_number] = line.charge_id
            self.plain[plain_number(line.control_number)].add(line.charge_id)

    def charge(self, said: str) -> UUID | None:
        if (exact := self.exact.get(said.strip().upper())) is not None:
            return exact
        found = self.plain.get(plain_number(said), set())
        if len(found) > 1:
            raise Unclear(f"The number {said} can be two lines. Ask the payer which one it means.")
        return next(iter(found), None)


def pairs(said: list[PaidLine], lines: list[Any], numbers: Numbers) -> Iterator[tuple[Any, PaidLine]]:
    """Each line of ours with what is said of it, once: what the payer split is put together again."""
    if len(said) == 1 and said[0].procedure is None and not said[0].control_number:
        yield from spread(said[0], lines)
        return
    left = list(lines)
    for one in together(said, lines, numbers):
        line = next((line for line in left if line.charge_id == charge_of(one, numbers)), None)
        if line is None and charge_of(one, numbers) is None:
            line = by_procedure(one, left)
        if line is None:
            raise Unclear("It speaks of a line that the claim does not have.")
        left.remove(line)
        yield line, one


def charge_of(said: PaidLine, numbers: Numbers) -> UUID | None:
    return numbers.charge(said.control_number)


def by_procedure(said: PaidLine, lines: list[Any]) -> Any:
    alike = [line for line in lines if line.procedure in codes_of(said)]
    return next((line for line in alike if line.amount == said.charge), alike[0] if alike else None)


def codes_of(said: PaidLine) -> list[str]:
    return [one.code for one in (said.submitted, said.procedure) if one]


def together(said: list[PaidLine], lines: list[Any], numbers: Numbers) -> list[PaidLine]:
    """A line that the payer split, part paid and part refused, comes back as several with one number."""
    found: dict[Any, PaidLine] = {}
    for place, one in enumerate(said):
        key = charge_of(one, numbers) or only_line(one, lines) or place
        found[key] = added(found[key], one) if key in found else one
    return list(found.values())


def only_line(said: PaidLine, lines: list[Any]) -> UUID | None:
    """The charge, where one line of ours alone has this procedure."""
    alike = [line.charge_id for line in lines if line.procedure in codes_of(said)]
    return alike[0] if len(alike) == 1 else None


def added(one: PaidLine, more: PaidLine) -> PaidLine:
    return replace(
        one,
        charge=one.charge + more.charge,
        paid=one.paid + more.paid,
        adjustments=(*one.adjustments, *more.adjustments),
    )


def spread(whole: PaidLine, lines: list[Any]) -> Iterator[tuple[Any, PaidLine]]:
    """What is said of the claim only, over its lines in proportion to their amounts."""
    weights: list[Decimal] = [line.amount for line in lines]
    if sum(weights, ZERO) != whole.charge or not whole.charge:
        raise Unclear("It speaks of the whole claim only, and of another charge than ours.")
    columns = [split(one.amount, weights) for one in whole.adjustments]
    for place, (line, paid) in enumerate(zip(lines, split(whole.paid, weights), strict=True)):
        parts = [replace(one, amount=column[place]) for one, column in zip(whole.adjustments, columns, strict=True)]
        yield line, replace(whole, charge=line.amount, paid=paid, adjustments=tuple(parts))
