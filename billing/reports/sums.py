"""Sums and means of money."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from billing.money import CENT, ZERO


def mean(total: Decimal, count: int) -> Decimal:
    return (Decimal(total) / count).quantize(CENT, ROUND_HALF_UP) if count else ZERO


def total(values: Iterable[Any]) -> Decimal:
    return sum(values, ZERO)
