"""What is wrong with a file, and where. The words never repeat what stands in it: they are shown, logged and sent on."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field


class Level(enum.StrEnum):
    ERROR = "error"  # it cannot be relied on
    WARNING = "warning"  # against the rules, and can be understood in one way only
    NOTE = "note"  # in order, and nothing here has a use for it


@dataclass(frozen=True)
class Complaint:
    """`position` counts the segments of the file from one, `element` those of the segment."""

    level: Level
    words: str
    segment: str = ""
    position: int = 0
    element: int = 0

    def __str__(self) -> str:
        return f"{self.place}: {self.words}" if self.place else self.words

    @property
    def place(self) -> str:
        if not self.position:
            return ""
        element = f", element {self.element}" if self.element else ""
        return f"{self.segment or 'segment'} at {self.position}{element}"


@dataclass
class Complaints:
    found: list[Complaint] = field(default_factory=list)

    def error(self, words: str, segment: str = "", position: int = 0, element: int = 0) -> None:
        self.found.append(Complaint(Level.ERROR, words, segment, position, element))

    def warn(self, words: str, segment: str = "", position: int = 0, element: int = 0) -> None:
        self.found.append(Complaint(Level.WARNING, words, segment, position, element))

    def note(self, words: str, segment: str = "", position: int = 0, element: int = 0) -> None:
        self.found.append(Complaint(Level.NOTE, words, segment, position, element))


def errors_of(complaints: Iterable[Complaint]) -> tuple[Complaint, ...]:
    return tuple(one for one in complaints if one.level is Level.ERROR)
