"""What was measured, for people and for programs."""

from __future__ import annotations

import math
import sys
from typing import Any


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Table:
    """Rows for the eye; `rounds` keeps every single value, `facts` what stands at the top of the JSON file."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        self.rows: list[list[str]] = []
        self.rounds: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {}

    def add(self, *cells: object, **raw: Any) -> None:
        self.rows.append([written(cell) for cell in cells])
        self.rounds.append(raw)

    def __str__(self) -> str:
        lines = [list(self.columns), ["---"] * len(self.columns), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(cell: object) -> str:
    if isinstance(cell, float):
        return "none" if math.isnan(cell) else f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def progress(words: str) -> None:
    """For whoever waits; the table comes at the end."""
    print(words, file=sys.stderr, flush=True)
