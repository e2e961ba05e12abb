"""What a message reports: groups of observations (OBR with its OBX and NTE), and each value in words, as its type has it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from clinical.hl7.reading import Message, Segment, Value
from clinical.hl7.values import Code, Moment, code_of, decimal_of, moment
from clinical.outside import CORRECTED, FINAL, PRELIMINARY

# OBX-11, table 0085. What is not here is final.
STATES = {"P": PRELIMINARY, "R": PRELIMINARY, "S": PRELIMINARY, "C": CORRECTED, "B": PRELIMINARY, "V": FINAL}
NOTHING_YET = ("I", "O", "N")  # in the laboratory, described only, not asked for
TAKEN_BACK = ("D", "W")  # deleted; posted as wrong
UNOBTAINABLE = "X"
ENDINGS = {"PDF": ".pdf", "JPEG": ".jpg", "JPG": ".jpg", "PNG": ".png", "TIFF": ".tif", "GIF": ".gif", "DICOM": ".dcm"}


class Broken(ValueError):
    """What came cannot be what it says that it is."""


@dataclass(frozen=True)
class Encapsulated:
    """A file within the message (ED)."""

    content: bytes
    ending: str


@dataclass
class Result:
    """One OBX, with the notes under it."""

    segment: Segment
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.segment.part(2).upper()

    @property
    def code(self) -> Code:
        return code_of(self.segment.value(3))

    @property
    def sub_id(self) -> str:
        return self.segment.value(4).whole

    @property
    def values(self) -> list[Value]:
        return self.segment.all(5)

    @property
    def status(self) -> str:
        return self.segment.part(11).upper()

    @property
    def state(self) -> str:
        return STATES.get(self.status, FINAL)

    @property
    def unit(self) -> str:
        return code_of(self.segment.value(6)).code

    @property
    def range(self) -> str:
        return self.segment.value(7).whole

    @property
    def flag(self) -> str:
        """The first that says something of the value; a delta (U, D, B, W) does not."""
        codes = [value.part(1).upper() for value in self.segment.all(8)]
        return next((code for code in codes if code not in ("U", "D", "B", "W", "N")), codes[0] if codes else "")

    @property
    def is_pending(self) -> bool:
        return self.status in NOTHING_YET or (not self.values and self.status != UNOBTAINABLE)

    @property
    def is_taken_back(self) -> bool:
        return self.status in TAKEN_BACK

    @property
    def is_measured(self) -> bool:
        """A value that needs a name of ours, unlike free text and files."""
        return self.kind in ("NM", "SN", "ST", "CE", "CWE", "CNE", "IS", "ID", "")

    @property
    def words(self) -> str:
        """The value as people read it, all repetitions."""
        if self.status == UNOBTAINABLE and not self.values:
            return "Not obtainable"
        read = READERS.get(self.kind, plain_words)
        separator = "\n" if self.kind in ("TX", "FT", "ST") else ", "
        return separator.join(filter(None, (read(value) for value in self.values)))

    @property
    def number(self) -> Decimal | None:
        """Only of a single plain number: “<5” is not five."""
        if self.kind not in ("NM", "SN") or len(self.values) != 1:
            return None
        found = decimal_of(self.words)
        return found[1] if found and not found[0] and abs(found[1]) < Decimal(10) ** 10 else None

    @property
    def coded(self) -> Code | None:
        return code_of(self.values[0]) if self.kind in ("CE", "CWE", "CNE") and self.values else None

    @property
    def file(self) -> Encapsulated | None:
        """Raises Broken where the content is not what it says."""
        value = next(iter(self.values), None)
        if self.kind != "ED" or value is None or not value.part(5):
            return None
        if value.part(4).upper() not in ("BASE64", "B64", ""):
            raise Broken(f"A file is encoded as “{value.part(4)[:20]}”, which is not known here.")
        try:
            content = base64.b64decode("".join(value.part(5).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Broken("A file cannot be decoded.") from error
        kind = (value.part(3) or value.part(2)).upper()
        return Encapsulated(content, ENDINGS.get(kind, ENDINGS.get(value.part(2).upper(), ".pdf")))


@dataclass
class Group:
    """One order as it is reported: its OBR, the ORC and the specimen beside it, and the results."""

    request: Segment | None = None
    common: Segment | None = None
    specimen: Segment | None = None
    notes: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def name(self) -> Code:
        return code_of(self.request.value(4)) if self.request else Code("", "", "", "")

    @property
    def fillers(self) -> list[str]:
        return self._numbers(3)

    @property
    def placers(self) -> list[str]:
        """Numbers by which we may have asked: of the order, and of the tube."""
        tubes = self.specimen.value(2).subs(1) if self.specimen else []
        return [*self._numbers(2), *filter(None, tubes)]

    @property
    def at(self) -> Moment | None:
        """When the specimen was taken."""
        said = [self.request.part(7)] if self.request else []
        said += [self.specimen.part(17)] if self.specimen else []
        said += [self.request.part(22)] if self.request else []
        return next(filter(None, map(moment, said)), None)

    def at_of(self, result: Result, otherwise: datetime) -> tuple[datetime, str]:
        found = moment(result.segment.part(14)) or self.at
        return (found.at, found.said) if found else (otherwise, "")

    def _numbers(self, number: int) -> list[str]:
        found = [segment.part(number) for segment in (self.request, self.common) if segment]
        return list(dict.fromkeys(filter(None, found)))


def groups_of(message: Message) -> list[Group]:
    """In the order in which they stand. In ORU an ORC goes before its OBR, in OUL a specimen does."""
    found: list[Group] = []
    before = Group()
    for segment in message.segments:
        if segment.name == "OBR":
            if before.results:  # what stands before the first request is of the patient, or of the specimen
                found.append(Group(results=before.results, notes=before.notes))
            notes = [] if before.results else before.notes
            found.append(Group(segment, before.common, before.specimen, notes))
            specimen = before.specimen if message.code == "OUL" else None
            before = Group(specimen=specimen)
        elif segment.name in PLACERS:
            PLACERS[segment.name](segment, found, before, message.code)
    return [*found, before] if before.results else found


def take_order(segment: Segment, found: list[Group], before: Group, code: str) -> None:
    """In OUL it may follow its OBR."""
    if code == "OUL" and found and found[-1].common is None:
        found[-1].common = segment
    else:
        before.common = segment


def take_specimen(segment: Segment, found: list[Group], before: Group, code: str) -> None:
    if code == "OUL" or not found:
        before.specimen = segment
    else:
        found[-1].specimen = segment


def take_result(segment: Segment, found: list[Group], before: Group, code: str) -> None:
    (found[-1] if found else before).results.append(Result(segment))


def take_note(segment: Segment, found: list[Group], before: Group, code: str) -> None:
    group = found[-1] if found else before
    words = "\n".join(filter(None, (value.whole for value in segment.all(3))))
    if words:
        (group.results[-1].notes if group.results else group.notes).append(words)


PLACERS: dict[str, Callable[[Segment, list[Group], Group, str], None]] = {
    "ORC": take_order,
    "SPM": take_specimen,
    "OBX": take_result,
    "NTE": take_note,
}


# --- values, by the type in OBX-2 -------------------------------------------------------------


def plain_words(value: Value) -> str:
    pieces = [unit for unit in (value.part(number) for number in range(1, 10)) if unit]
    return " ".join(dict.fromkeys(pieces))


def whole_words(value: Value) -> str:
    """Text: what looks like a separator in it was not escaped, and is text."""
    return value.whole


def structured(value: Value) -> str:
    """SN: “> 100”, “1:128”, “2 - 5”."""
    comparator, first, separator, second = (value.part(number) for number in range(1, 5))
    comparator = "" if comparator == "=" else comparator
    if not second:
        return f"{comparator}{first}{separator}"
    return f"{comparator}{first}{separator or '-'}{second}"


def coded_words(value: Value) -> str:
    code = code_of(value)
    return code.text or value.part(9) or code.code


def moment_words(value: Value) -> str:
    found = moment(value.part(1))
    if found is None:
        return value.whole
    return f"{found.at:%Y-%m-%d %H:%M}" if found.has_time else found.day.isoformat()


def clock_words(value: Value) -> str:
    said = value.part(1)
    return f"{said[:2]}:{said[2:4]}" if said[:4].isdigit() and len(said) >= 4 else value.whole


def pointer_words(value: Value) -> str:
    """RP: where it lies. Nothing is fetched from an address that a message names."""
    return " ".join(filter(None, (value.part(1), value.part(3), value.part(4))))


def file_words(value: Value) -> str:
    return "File" if value.part(5) else ""


READERS: dict[str, Callable[[Value], str]] = {
    "NM": lambda value: value.part(1),
    "SN": structured,
    "ST": whole_words,
    "TX": whole_words,
    "FT": whole_words,
    "CE": coded_words,
    "CWE": coded_words,
    "CNE": coded_words,
    "DT": moment_words,
    "TS": moment_words,
    "DTM": moment_words,
    "TM": clock_words,
    "RP": pointer_words,
    "ED": file_words,
}
