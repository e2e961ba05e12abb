"""Money is a Decimal with two places, in the tenant's currency. Nothing here is ever a binary fraction."""

from __future__ import annotations

import re
from decimal import Decimal

from hospital.context import current
from hospital.templatetags.ui import MINOR_DIGITS, SYMBOLS

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
# How an amount is typed, what groups its digits there, and what stands before the cents.
SHAPES = (
    (re.compile(r"-?\d+(\.\d+)?"), ",", "."),  # 1234.50
    (re.compile(r"-?\d+,\d{1,2}"), " ", ","),  # 1234,50
    (re.compile(r"-?\d{1,3}(,\d{3})+\.\d{1,2}"), ",", "."),  # 1,234.50
    (re.compile(r"-?\d{1,3}(\.\d{3})+,\d{1,2}"), ".", ","),  # 1.234,50
    (re.compile(r"-?\d{1,3}( \d{3})+([.,]\d{1,2})?"), " ", ","),  # 1 234,50
)


def exact(value: Decimal | int | str) -> Decimal:
    """The amount with two places. More places than that are a mistake of the caller, not something to round."""
    if not isinstance(value, Decimal | int | str):
        raise TypeError(f"{type(value).__name__} is not a kind of money. Use Decimal.")
    amount = Decimal(value)
    if amount != amount.quantize(CENT):
        raise ValueError(f"{amount} has more than two places.")
    return amount.quantize(CENT)


def read(text: str) -> Decimal | None:
    """What somebody typed, with a point or a comma before the cents. None where it could mean two things, or nothing."""
    typed = " ".join(text.split())
    for shape, grouped_by, point in SHAPES:
        if shape.fullmatch(typed):
            return Decimal(typed.replace(grouped_by, "").replace(point, "."))
    return None


def step() -> Decimal:
    """The smallest coin of the tenant's currency that can be booked."""
    return Decimal(1).scaleb(-min(2, MINOR_DIGITS.get(current().tenant.currency, 2)))


def spoken(amount: Decimal) -> str:
    """The amount in words for a sentence: $12.50."""
    currency = current().tenant.currency
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{symbol}{amount.quantize(step()):,}"
