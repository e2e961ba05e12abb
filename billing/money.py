"""Money is a Decimal with two places, in the tenant's currency. Nothing here is ever a binary fraction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

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


def rounded(value: Decimal) -> Decimal:
    """To the cent, half up. Whoever reckons a line calls it once, at the end."""
    return value.quantize(CENT, ROUND_HALF_UP)


def tax_within(amount: Decimal, rate: Decimal) -> Decimal:
    """The tax that an amount contains, at so many percent of what it is without it."""
    return rounded(amount * rate / (100 + rate))


def split(amount: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """The amount in proportion to the weights, to the cent, so that the parts are the whole: by largest remainder."""
    whole = Decimal(sum(weights))
    if whole <= 0 or min(weights) < 0:
        raise ValueError("Nothing is split over weights that are nothing or less.")
    shares = [amount * weight / whole for weight in weights]
    parts = [share.quantize(CENT, ROUND_DOWN) for share in shares]
    cents = int(abs(amount - sum(parts)) / CENT)
    first = sorted(range(len(parts)), key=lambda place: abs(parts[place] - shares[place]), reverse=True)
    for place in first[:cents]:
        parts[place] += CENT.copy_sign(amount)
    return parts


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
