"""What a scanner says about containers of biopsies, and what becomes of it, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clinical.models import BiopsyPart, CourierManifest
from hospital.models import Person
from hospital.workflow import IllegalMove, Refused


@dataclass(frozen=True)
class PartScan:
    """One line of the list: good, old (done, but something is missing) or bad."""

    text: str
    outcome: str
    word: str
    words: str = ""
    part: BiopsyPart | None = None

    @property
    def icon(self) -> str:
        return {"good": "circle-check", "old": "clock-exclamation"}.get(self.outcome, "circle-x")


def scanned(text: str, verb: Callable[[BiopsyPart], None], done: str, not_done: str) -> PartScan:
    """Do it with the container that was scanned; what is in the way is said, never raised."""
    try:
        part = BiopsyPart.by_label(text)
        if part is None:
            raise Refused(f"{text.strip()[:30]} is not of this house. Ask where it comes from, and keep it apart.")
        verb(part)
    except (Refused, IllegalMove) as problem:
        return PartScan(text, "bad", not_done, str(problem))
    return PartScan(text, "good", done, "", part)


def receive(text: str, *, by: Person) -> PartScan:
    scan = scanned(text, lambda part: part.receive(str(part.biopsy.laboratory), by=by), "Received", "Not received")
    waiting = [jar.name for jar in scan.part.biopsy.specimens if jar.received_at is None] if scan.part else []
    if not waiting or scan.part is None:
        return scan
    words = f"Still missing of {scan.part.biopsy.number}: {', '.join(waiting)}."
    return PartScan(text, "old", scan.word, words, scan.part)


def pack(manifest: CourierManifest, text: str, *, by: Person) -> PartScan:
    def add(part: BiopsyPart) -> None:
        manifest.add(part, by=by)

    return scanned(text, add, "On the list", "Not on the list")
