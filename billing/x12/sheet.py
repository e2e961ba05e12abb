"""Writes a file of one transaction, by the book: what a receiver could refuse for its form is refused here, with segment and position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing.x12.complaints import Complaint, Complaints

ELEMENT, COMPONENT, REPETITION, END = "*", ":", "^", "~"
ALLOWED = re.compile(r"[A-Z0-9 !\"&'()+,\-./;?=@_%#]*", re.ASCII)
LONGEST = {
    ("BHT", 3): 50,
    ("CLM", 1): 20,  # more is cut off by payers, and then nobody finds the claim again
    ("N3", 1): 55,
    ("N3", 2): 55,
    ("N4", 1): 30,
    ("N4", 2): 2,
    ("N4", 3): 15,
    ("NM1", 3): 60,
    ("NM1", 4): 35,
    ("NM1", 5): 25,
    ("NM1", 7): 10,
    ("NM1", 9): 80,
    ("NTE", 2): 80,
    ("PER", 2): 60,
    ("REF", 2): 50,
    ("SBR", 3): 50,
    ("SBR", 4): 60,
    ("TRN", 2): 50,
}
NUMBER_LENGTH = 18
# What stands for letters that X12 does not have and that lose nothing but an accent by it.
LETTERS = str.maketrans(
    {
        "ß": "SS",
        "Æ": "AE",
        "Ø": "O",
        "Œ": "OE",
        "Ð": "D",
        "Þ": "TH",
        "Ł": "L",
        "Đ": "D",
        "İ": "I",
        "\u2019": "'",
        "\u2013": "-",
        "\u2014": "-",
    }
)

Element = str | int | Decimal | date | tuple[str, ...] | None


class Unwritable(ValueError):
    """It cannot be sent like this. `complaints` say where."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("; ".join(map(str, self.complaints)))


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """Who sends to whom, and the number of the file. `written` is the sender's clock."""

    sender: str
    receiver: str
    control: int
    written: datetime
    sender_kind: str = "ZZ"
    receiver_kind: str = "ZZ"
    group_sender: str = ""
    group_receiver: str = ""
    is_test: bool = False


def plain(text: str) -> str:
    """As X12 can carry it: capitals without accents, and blanks for what separates."""
    capitals = text.translate(LETTERS).upper().translate(LETTERS)
    letters = unicodedata.normalize("NFKD", capitals)
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[*:^~\s]", " ", kept).split())


class Sheet:
    def __init__(self, envelope: Envelope, *, function: str, code: str, version: str) -> None:
        self.envelope, self.version = envelope, version
        self.complaints = Complaints()
        self.segments: list[str] = []
        self._isa()
        self.add("GS", function, self._group_sender, self._group_receiver, *self._day(), envelope.control, "X", version)
        self.add("ST", code, "0001", version)

    def add(self, name: str, *elements: Element, needs: str = "") -> None:
        """`needs` are the numbers of the elements that must be there."""
        position = len(self.segments) + 1
        written = [self._element(name, position, number, element) for number, element in enumerate(elements, 1)]
        for number in map(int, needs.split()):
            if number > len(written) or not written[number - 1]:
                self.complaints.error("It is missing.", name, position, number)
        while written and not written[-1]:
            written.pop()
        if not written:
            self.complaints.error("It would be empty.", name, position)
        self.segments.append(ELEMENT.join((name, *written)))

    def refuse(self, words: str, element: int = 0) -> None:
        """Of the segment that was added last."""
        name = self.segments[-1].split(ELEMENT, 1)[0]
        self.complaints.error(words, name, len(self.segments), element)

    def finished(self) -> str:
        self.add("SE", len(self.segments) - 1, "0001")
        self.add("GE", 1, self.envelope.control)
        self.add("IEA", 1, f"{self.envelope.control:09d}")
        if self.complaints.found:
            raise Unwritable(self.complaints.found)
        return "".join(f"{segment}{END}\n" for segment in self.segments)

    @property
    def _group_sender(self) -> str:
        return self.envelope.group_sender or self.envelope.sender

    @property
    def _group_receiver(self) -> str:
        return self.envelope.group_receiver or self.envelope.receiver

    def _day(self) -> tuple[date, str]:
        return self.envelope.written.date(), f"{self.envelope.written:%H%M}"

    def _isa(self) -> None:
        one = self.envelope
        if not 0 < one.control < 10**9:
            self.complaints.error("The number of the file has one to nine digits.", "ISA", 1, 13)
        for number, text in ((6, one.sender), (8, one.receiver)):
            self._element("ISA", 1, number, text)
            if not 0 < len(text) <= 15:
                self.complaints.error("It has one to fifteen letters.", "ISA", 1, number)
        written = [
            *("ISA", "00", " " * 10, "00", " " * 10, one.sender_kind, f"{one.sender:15}", one.receiver_kind),
            *(f"{one.receiver:15}", f"{one.written:%y%m%d}", f"{one.written:%H%M}", REPETITION, "00501"),
            *(f"{one.control:09d}", "0", "T" if one.is_test else "P", COMPONENT),
        ]
        self.segments.append(ELEMENT.join(written))

    def _element(self, name: str, position: int, number: int, element: Element) -> str:
        if isinstance(element, tuple):
            parts = [self._element(name, position, number, part) for part in element]
            return COMPONENT.join(parts).rstrip(COMPONENT)
        text = self._text(name, position, number, element)
        if not ALLOWED.fullmatch(text):
            self.complaints.error("It has letters that cannot be sent.", name, position, number)
        if text != text.strip():
            self.complaints.error("It begins or ends with a blank.", name, position, number)
        if len(text) > LONGEST.get((name, number), len(text)):
            self.complaints.error(f"It is longer than {LONGEST[name, number]} letters.", name, position, number)
        return text

    def _text(self, name: str, position: int, number: int, element: str | int | Decimal | date | None) -> str:
        if not isinstance(element, str | int | Decimal | date | None):
            raise TypeError(f"{type(element).__name__} cannot be written. Use Decimal.")
        if isinstance(element, Decimal):
            return self._number(name, position, number, element)
        if isinstance(element, date):
            return f"{element:%Y%m%d}" if element.year >= 1000 else f"{element.year:04}{element:%m%d}"
        return "" if element is None else str(element)

    def _number(self, name: str, position: int, number: int, value: Decimal) -> str:
        """Without zeros that say nothing."""
        if not value.is_finite():
            self.complaints.error("It is no number.", name, position, number)
            return ""
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        if len(text.replace("-", "").replace(".", "")) > NUMBER_LENGTH:
            self.complaints.error(f"It has more than {NUMBER_LENGTH} digits.", name, position, number)
        return "0" if text in ("-0", "") else text
