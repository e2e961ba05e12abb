"""What is in stock of one medicine, summed up, and how its pieces are named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from clinical.days import today

if TYPE_CHECKING:
    from clinical.models import Batch

MEASURES = ("g", "mg", "kg", "ml", "mL", "l", "L", "%", "IU")
EXPIRING_WITHIN = timedelta(days=60)


@dataclass(frozen=True)
class Stock:
    """What is there of one medicine: what may be issued, what may not, and until when."""

    usable: int
    expiring: int
    expired: int
    locked: int
    first_expiry: date | None
    low_at: int

    @classmethod
    def of(cls, batches: list[Batch], low_at: int) -> Stock:
        there = [batch for batch in batches if batch.on_hand]
        usable = [batch for batch in there if batch.is_usable]
        soon = today() + EXPIRING_WITHIN
        return cls(
            usable=sum(batch.on_hand for batch in usable),
            expiring=sum(batch.on_hand for batch in usable if batch.expires_on <= soon),
            expired=sum(batch.on_hand for batch in there if batch.is_expired),
            locked=sum(batch.on_hand for batch in there if not batch.is_usable and not batch.is_expired),
            first_expiry=min((batch.expires_on for batch in usable), default=None),
            low_at=low_at,
        )

    @property
    def is_low(self) -> bool:
        return self.usable <= self.low_at

    @property
    def states(self) -> list[tuple[str, str]]:
        """What wants attention, as the badges of the stock name it."""
        found = [("out", "Out of stock")] if not self.usable else [("low", "Low")] if self.is_low else []
        found += [("expiring", f"{self.expiring} expiring")] if self.expiring else []
        found += [("expired", f"{self.expired} expired")] if self.expired else []
        found += [("quarantined", f"{self.locked} locked")] if self.locked else []
        return found or [("ok", "In stock")]


def plural(unit: str) -> str:
    return unit if unit in MEASURES or unit.endswith("s") else f"{unit}s"
