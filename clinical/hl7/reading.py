"""Bytes to messages. Nobody's HL7 is quite by the book, so this takes whatever can be understood in one way only.

A file or a frame may hold several messages, with or without the envelope of a batch (FHS, BHS, BTS, FTS), lines that end in any
way, a byte order mark, and text that runs over several lines. The message says its own separators (MSH-1, MSH-2) and
its character set (MSH-18).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import hl7

from clinical.hl7.charsets import decoded
from clinical.hl7.escapes import unescaped

MOST_PARTS = 250_000  # separators in one message: each becomes an object
DELETED = '""'  # a sender that means "there is none any more", where nothing at all means "I say nothing about it"
ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
SEGMENT = re.compile(rb"[A-Z][A-Z0-9]{2}(?=[^A-Za-z0-9\s]|$)")
LINE_END = re.compile(rb"\r\n|\r|\n")
FRAMING = b"\x0b\x1c\x00\x1a \t\r\n"


class Unreadable(ValueError):
    """This is no HL7 v2 message. The words say what is wrong with it, and never what stands in it."""


@dataclass(frozen=True)
class Value:
    """One repetition of a field: components, and below them sub-components."""

    text: str
    marks: Marks

    def part(self, component: int = 1, sub: int = 0) -> str:
        """The component (the first sub-component of it, if none is named), without escapes. What is not there is empty."""
        found = nth(self.text, self.marks.component, component)
        found = nth(found, self.marks.sub, sub or 1)
        return unescaped(found, self.marks).strip()

    def subs(self, component: int) -> list[str]:
        pieces = nth(self.text, self.marks.component, component).split(self.marks.sub)
        return [unescaped(piece, self.marks).strip() for piece in pieces]

    @property
    def whole(self) -> str:
        """The field as one text: for those that should have no components and have some all the same."""
        return unescaped(self.text, self.marks).strip()

    @property
    def is_deleted(self) -> bool:
        return self.text.strip() == DELETED

    def __bool__(self) -> bool:
        return bool(self.text.strip())


@dataclass(frozen=True)
class Marks:
    """The separators that a message chose for itself."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"

    @property
    def in_msh_2(self) -> str:
        return f"{self.component}{self.repetition}{self.escape}{self.sub}"


@dataclass(frozen=True)
class Segment:
    """A line of a message: fields are numbered as in the standard, MSH too."""

    parsed: hl7.Segment
    marks: Marks

    @property
    def name(self) -> str:
        return str(self.parsed[0])

    def fields(self) -> list[str]:
        return [str(field) for field in self.parsed]

    def all(self, number: int) -> list[Value]:
        """The repetitions of a field that say something."""
        if number >= len(self.parsed):
            return []
        return [value for value in (Value(str(one), self.marks) for one in self.parsed[number]) if value]

    def value(self, number: int) -> Value:
        return next(iter(self.all(number)), Value("", self.marks))

    def part(self, number: int, component: int = 1, sub: int = 0) -> str:
        return self.value(number).part(component, sub)


@dataclass(frozen=True)
class Message:
    segments: list[Segment]
    raw: bytes
    marks: Marks
    charset: str

    @cached_property
    def head(self) -> Segment:
        return self.segments[0]

    @property
    def code(self) -> str:
        return self.head.part(9).upper()[:20]

    @property
    def trigger(self) -> str:
        """From MSH-9; old senders say it in EVN-1 only."""
        evn = self.first("EVN")
        return (self.head.part(9, 2) or (evn.part(1) if evn else "")).upper()[:20]

    @property
    def control_id(self) -> str:
        return self.head.value(10).whole[:255]

    @property
    def version(self) -> str:
        return self.head.part(12)[:20]

    @property
    def processing(self) -> str:
        return self.head.part(11).upper()

    @property
    def sender(self) -> tuple[str, str]:
        return name_of(self.head.value(3)), name_of(self.head.value(4))

    @property
    def receiver(self) -> tuple[str, str]:
        return name_of(self.head.value(5)), name_of(self.head.value(6))

    @cached_property
    def digest(self) -> str:
        return digest(self.raw)

    def first(self, name: str) -> Segment | None:
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[Segment]:
        return [segment for segment in self.segments if segment.name == name]


def name_of(value: Value) -> str:
    """An HD: its own name, or else its universal id."""
    return (value.part(1) or value.part(2))[:255]


def nth(text: str, separator: str, number: int) -> str:
    pieces = text.split(separator, number)
    return pieces[number - 1] if number <= len(pieces) else ""


def digest(raw: bytes) -> str:
    """The same message with other line ends is the same message."""
    return sha256(b"\r".join(lines_of(raw))).hexdigest()


def messages_in(content: bytes) -> Iterator[bytes]:
    """The messages of a file or a frame, each as it came. What stands before the first one, if it is no envelope, is one too."""
    kept: list[bytes] = []
    for line in lines_of(as_bytes(content)):
        if line.startswith(b"MSH") and kept:
            yield b"\r".join(kept)
            kept = []
        if not line.startswith(ENVELOPE):
            kept.append(line)
    if kept:
        yield b"\r".join(kept)


def announced(content: bytes) -> int | None:
    """How many messages the envelope says that there are (BTS-1), if it does."""
    counts = [line[4:].split(b"|")[0] for line in lines_of(as_bytes(content)) if line.startswith(b"BTS|")]
    return sum(map(int, counts)) if counts and all(count.isdigit() for count in counts) else None


def as_bytes(content: bytes) -> bytes:
    """Without a byte order mark. UTF-16, which has zeros between the letters, becomes UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace").encode()
    return content.removeprefix(b"\xef\xbb\xbf")


def lines_of(raw: bytes) -> list[bytes]:
    lines = [line.strip(FRAMING) for line in LINE_END.split(raw.removeprefix(b"\xef\xbb\xbf").strip(FRAMING))]
    return [line for line in lines if line]


def read(raw: bytes) -> Message:
    """One message. Raises Unreadable."""
    lines = lines_of(as_bytes(raw))
    if not lines or not lines[0].startswith(b"MSH") or len(lines[0]) < 8:
        raise Unreadable("It does not begin with a message header (MSH).")
    marks = marks_of(lines[0])
    text, charset = decoded(b"\r".join(joined(lines, marks)), declared(lines[0], marks))
    if sum(map(text.count, (marks.field, marks.component, marks.repetition, marks.sub, "\r"))) > MOST_PARTS:
        raise Unreadable(f"It has more than {MOST_PARTS:,} parts.")
    try:
        parsed = hl7.parse(text.replace("\0", ""))
    except (ValueError, IndexError, AssertionError, hl7.HL7Exception) as error:
        raise Unreadable("Its segments cannot be told apart.") from error
    return Message([Segment(one, marks) for one in parsed if str(one)], raw, marks, charset)


def marks_of(header: bytes) -> Marks:
    """From MSH-1 and MSH-2; what is missing there is as usual."""
    text = header.decode("latin-1")
    field = text[3]
    said, usual = text[4:].partition(field)[0][:5], "^~\\&"
    chosen = said[:4] + usual[len(said[:4]) :]
    if len({field, *chosen}) < 5 or not all(mark in string.punctuation for mark in (field, *chosen)):
        raise Unreadable("Its separators (MSH-1 and MSH-2) cannot be used.")
    return Marks(field, *chosen)


def declared(header: bytes, marks: Marks) -> list[str]:
    """MSH-18: the first character set, and others that escapes may switch to."""
    fields = header.decode("latin-1").split(marks.field)
    return [one.strip() for one in fields[17].split(marks.repetition) if one.strip()] if len(fields) > 17 else []


def joined(lines: list[bytes], marks: Marks) -> Iterator[bytes]:
    """A line that is no segment goes on with the text of the one before it."""
    kept, end = lines[0], f"{marks.escape}.br{marks.escape}".encode("latin-1")
    for line in lines[1:]:
        if SEGMENT.match(line) and line[3:4] in (b"", marks.field.encode("latin-1")):
            yield kept
            kept = line
        else:
            kept += end + line
    yield kept
