"""What an import did, counted by resource type, and what it could not do, with its place and reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

OUTCOMES = ("new", "changed", "unchanged", "broken")


@dataclass(frozen=True)
class Problem:
    file: str
    index: int | None
    kind: str
    id: str
    reason: str

    def __str__(self) -> str:
        place = self.file if self.index is None else f"{self.file}, entry {self.index}"
        what = "/".join(filter(None, [self.kind, self.id]))
        return f"{place}{f', {what}' if what else ''}: {self.reason}"


@dataclass
class Tally:
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    skipped: Counter[str] = field(default_factory=Counter)
    broken: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        for kind, counts in other.counts.items():
            self.counts[kind].update(counts)
        self.skipped.update(other.skipped)
        self.broken += other.broken
        self.notes += other.notes
        return self

    def refuse(self, problem: Problem) -> None:
        self.broken.append(problem)
        self.counts[problem.kind or "(not a resource)"]["broken"] += 1

    def count(self, kind: str, outcome: str) -> None:
        self.counts[kind][outcome] += 1

    def total(self, *outcomes: str) -> int:
        return sum(counts[outcome] for counts in self.counts.values() for outcome in outcomes)

    @property
    def resources(self) -> int:
        """All that were read, stored or not."""
        return self.total(*OUTCOMES) + self.skipped.total()

    def lines(self) -> Iterator[str]:
        yield f"{'':<22}" + "".join(f"{outcome:>11}" for outcome in OUTCOMES)
        for kind in sorted(self.counts):
            yield f"{kind:<22}" + "".join(f"{self.counts[kind][outcome]:>11,}" for outcome in OUTCOMES)
        for kind, count in sorted(self.skipped.items()):
            yield f"{kind:<22}{count:>11,} not stored: there is no place for this type yet"
