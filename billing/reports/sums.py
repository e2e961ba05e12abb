"""Sums and means of money. Every sum is one of lines of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum

from billing.models.journal import NET
from billing.money import ZERO, rounded

RECEIVED = Sum(NET)  # of lines of money: what came in, less what was given back
EARNED = Sum(F("credit") - F("debit"))  # of lines of income: what was charged, less what was cancelled


def mean(total: Decimal, count: int) -> Decimal:
    return rounded(Decimal(total) / count) if count else ZERO


def total(values: Iterable[Any]) -> Decimal:
    return sum(values, ZERO)
