"""Escape sequences of chapter 2.7. The library's own reader writes what it cannot read into the log, with the patient's words."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinical.hl7.reading import Marks

LINES = {".br": "\n", ".ce": "\n", ".sp": "\n", ".in": " ", ".ti": " ", ".sk": " "}
MOST = 100  # repetitions that a command of the formatter may ask for


def unescaped(text: str, marks: Marks) -> str:
    """Without escapes. One that is not known stays as it stands: it may be a backslash that nobody escaped."""
    if marks.escape not in text:
        return text
    return pattern(marks.escape).sub(lambda found: meaning(found[1], marks, found[0]), text)


@cache
def pattern(escape: str) -> re.Pattern[str]:
    one = re.escape(escape)
    return re.compile(f"{one}([^{one}\r]{{1,200}}){one}")


def meaning(sequence: str, marks: Marks, otherwise: str) -> str:
    single = {
        "F": marks.field,
        "S": marks.component,
        "T": marks.sub,
        "R": marks.repetition,
        "E": marks.escape,
        "H": "",
        "N": "",
        ".fi": "",
        ".nf": "",
    }
    if sequence in single:
        return single[sequence]
    if sequence[:3] in LINES:
        return LINES[sequence[:3]] * repetitions(sequence[3:])
    if sequence[0] == "X":
        return letters(sequence[1:], otherwise)
    return "" if sequence[0] in "CMZ" else otherwise


def repetitions(said: str) -> int:
    said = said.strip().lstrip("+")
    return min(int(said), MOST) if said.isascii() and said.isdigit() else 1


def letters(digits: str, otherwise: str) -> str:
    """Bytes in hexadecimal: letters of UTF-8 if they are, else of Western European."""
    try:
        content = bytes.fromhex(digits).replace(b"\0", b"")  # which the database does not take
    except ValueError:
        return otherwise
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("iso-8859-1")
    return text.replace("\r", "\n")


def escaped(text: str, marks: Marks) -> str:
    """What may stand in a field."""
    for mark, letter in ((marks.escape, "E"), (marks.field, "F"), (marks.component, "S")):
        text = text.replace(mark, f"{marks.escape}{letter}{marks.escape}")
    for mark, letter in ((marks.repetition, "R"), (marks.sub, "T")):
        text = text.replace(mark, f"{marks.escape}{letter}{marks.escape}")
    return text.replace("\r", " ").replace("\n", f"{marks.escape}.br{marks.escape}")
