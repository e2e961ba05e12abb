"""What another laboratory sends: values in its own words, with its own unit, range and flag."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from clinical.measure import NotANumber, read_number
from hospital.workflow import Refused

if TYPE_CHECKING:
    from clinical.models import LabOrder, LabResult

# The flags of HL7 table 0078, and ours.
FLAGS = {
    "N": "",
    "L": "low",
    "<": "critical_low",
    "LL": "critical_low",
    "H": "high",
    ">": "critical_high",
    "HH": "critical_high",
    "A": "abnormal",
    "AA": "critical",
    "POS": "abnormal",
}
FROM_TO = re.compile(r"\A\s*([-+]?\d[\d.,]*)\s*(?:-|\u2013|to)\s*([-+]?\d[\d.,]*)\s*\Z")
BEYOND = re.compile(r"\A\s*(<=?|>=?|≤|≥)\s*([-+]?\d[\d.,]*)\s*\Z")
SEVERITY = ("", "low", "high", "abnormal", "critical_low", "critical_high", "critical")


FINAL, PRELIMINARY, CORRECTED = "final", "preliminary", "corrected"
# The steps that nobody took here, from each status on, and what they stamp.
STEPS = (
    ("requested", "collected", "collected_at"),
    ("collected", "received", "received_at"),
    ("received", "in_progress", "begun_at"),
)


STAMPS = tuple(stamp for _, _, stamp in STEPS)


@dataclass(frozen=True)
class Outside:
    """One value as its sender gave it."""

    value: str
    unit: str
    range: str
    flag: str
    source: str
    at: datetime
    is_preliminary: bool = False

    @classmethod
    def said(
        cls,
        value: str,
        *,
        source: str,
        unit: str = "",
        range: str = "",
        flag: str = "",
        status: str = FINAL,
        at: datetime | None = None,
    ) -> Outside:
        """`status` is preliminary, final or corrected; `flag` one of HL7 table 0078 or ours. A time to come is now."""
        if not value.strip():
            raise Refused(f"{source} sent no value.", status=422, field="value")
        now = timezone.now()
        return cls(value.strip(), unit, range, flag, source[:120], min(at or now, now), status == PRELIMINARY)

    @property
    def known_flag(self) -> str:
        flag = self.flag.strip()
        return flag if flag in SEVERITY else FLAGS.get(flag.upper(), "")

    @property
    def limits(self) -> tuple[Decimal | None, Decimal | None]:
        """Two numbers, as far as the sender's range is made of numbers."""
        try:
            if match := FROM_TO.match(self.range):
                return read_number(match[1]).number, read_number(match[2]).number
            if match := BEYOND.match(self.range):
                limit = read_number(match[2]).number
                return (None, limit) if match[1][0] in "<≤" else (limit, None)
        except NotANumber:
            pass
        return None, None


@transaction.atomic
def accept(order: LabOrder, sent: Outside) -> LabResult:
    """Onto the order, by the system. The steps that nobody took here are taken; a person of the house releases it, as all others.

    What was released already is corrected at once, since nobody should act on the old value. Sent again unchanged, it stays.
    """
    from clinical.models import LabResult

    order.lock_with_visit()
    former = order.result
    result = LabResult.from_outside(
        order, sent, reason=f"{sent.source} sent a corrected result." if order.is_released else ""
    )
    if former and result.says_the_same(former):
        return former
    if not order.is_released:
        take_missing_steps(order, sent.at)
    result.save(force_insert=True)
    if order.is_released and former:
        order.refuse_release(result, None)
        order.corrected(former, result, by=None)
    else:
        order.put(result, by=None)
    return result


def take_missing_steps(order: LabOrder, at: datetime) -> None:
    for status, step, stamp in STEPS:
        if order.status == status:
            stamped: dict[str, Any] = {stamp: max(at, order.ordered_at)}
            order.move_with_specimen(step, by=None, **stamped)


def as_it_stands(order: LabOrder) -> dict[str, Any]:
    """What `take_out` goes back to."""
    tube = order.specimen
    told = {name: at.isoformat() if (at := getattr(order, name)) else None for name in STAMPS}
    result = str(order.result_id) if order.result_id else None
    return {"id": str(order.pk), "status": order.status, "result": result, **told, "tube": tube.status if tube else ""}


def take_out(order: LabOrder, before: dict[str, Any]) -> None:
    """A result that came was another patient's: the test is where it was, unless somebody has entered one since. The caller holds it."""
    if order.status != "resulted" or str(order.result_id) != before["made"]:
        return
    no_delta = {"delta_reason": "", "delta_confirmed_at": None, "delta_confirmed_by": None}
    fields: dict[str, Any] = {"result": order.results.filter(pk=before["result"]).first(), **no_delta}
    if before["status"] == order.status:
        order.rewrite(fields)
        return
    fields |= {name: parse_datetime(before[name]) if before[name] else None for name in STAMPS}
    order.move_to(before["status"], by=None, **fields, resulted_at=None, resulted_by=None)
    if order.specimen and before["tube"] == "expected":
        order.specimen.not_taken(order)


def same_unit(one: str, other: str) -> bool:
    """UCUM writes the litre as l or L: mmol/l is mmol/L."""
    return one.replace("l", "L") == other.replace("l", "L")


def graver(one: str, other: str) -> str:
    """Whoever calls it more serious is believed."""
    return max(one, other, key=SEVERITY.index)
