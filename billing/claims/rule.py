"""What a rule of the scrubber is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from billing.claims.writing import Parts
from billing.models import ClaimLine


@dataclass(frozen=True)
class Found:
    text: str
    line: ClaimLine | None = None


@dataclass(frozen=True)
class Rule:
    code: str
    level: str
    remedy: str
    finds: Callable[[Parts], Iterator[Found]]
