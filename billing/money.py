"""Money is a Decimal with two places, in the tenant's currency. Nothing here is ever a binary fraction."""

from __future__ import annotations

from decimal import Decimal

from hospital.context import current
from hospital.templatetags.ui import MINOR_DIGITS, SYMBOLS

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def exact(value: Decimal | int | str) -> Decimal:
    """The amount with two places. More places than that are a mistake of the caller, not something to round."""
    if not isinstance(value, Decimal | int | str):
        raise TypeError(f"{type(value).__name__} is not a kind of money. Use Decimal.")
    amount = Decimal(value)
    if amount != amount.quantize(CENT):
        raise ValueError(f"{amount} has more than two places.")
    return amount.quantize(CENT)


def step() -> Decimal:
    """The smallest coin of the tenant's currency that can be booked."""
    return Decimal(1).scaleb(-min(2, MINOR_DIGITS.get(current().tenant.currency, 2)))


def spoken(amount: Decimal) -> str:
    """The amount in words for a sentence: $12.50."""
    currency = current().tenant.currency
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{symbol}{amount.quantize(step()):,}"
