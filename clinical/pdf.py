"""What a PDF must not hold: anything that runs, starts, sends or carries something else.

Names may be written with #-escapes and hidden in packed object streams, so both are undone before the search.
A PDF that cannot be read so far (locked, packed in another way, or unpacking to too much) is refused, since nobody can
say what is in it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

UNPACKED = 64 * 1024 * 1024
LOCKED = "a part that cannot be checked, such as a password"
ACTIVE = {
    b"JavaScript": "a script",
    b"Rendition": "a film or a script",
    b"Launch": "a command that starts a program",
    b"EmbeddedFile": "another file",
    b"EmbeddedFiles": "another file",
    b"RichMedia": "a film or a program",
    b"SubmitForm": "a form that sends itself away",
    b"ImportData": "a form that loads data",
    b"Encrypt": LOCKED,
}
# Too short to be looked for in pictures, where any three bytes occur by chance.
ACTIVE_OUTSIDE_STREAMS = {**ACTIVE, b"JS": "a script", b"XFA": "a form that can run scripts", b"GoToE": "another file"}
NAME = re.compile(rb"/((?:[^\x00\t\n\f\r ()<>\[\]{}/%#]|#[0-9A-Fa-f]{2}){2,40})")
ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
STREAM = re.compile(rb"stream\r?\n")
FILTER = re.compile(rb"/Filter\s*\[?\s*/FlateDecode\s*(?:\]|/(?!\w*Decode)|>|$)")
MARKUP = re.compile(rb"<\s*(?:html|script|svg|iframe)\b", re.IGNORECASE)


class Unreadable(ValueError):
    """A stream of objects that does not show what is in it."""


def fault(content: bytes) -> str:
    """Why this PDF is refused, or nothing."""
    if b"%%EOF" not in content[-2048:]:
        return "is a PDF that is cut off, or has something else behind it"
    if MARKUP.search(content[:1024]):
        return "is a PDF and a web page at once"
    try:
        what = found(content, ACTIVE) or next(
            filter(None, (found(p, ACTIVE_OUTSIDE_STREAMS) for p in parts(content))), ""
        )
    except Unreadable:
        what = LOCKED
    return f"is a PDF with {what} inside. Print it to a new PDF, and send that" if what else ""


def found(part: bytes, names: dict[bytes, str]) -> str:
    return next((names[name] for name in map(unescaped, NAME.findall(part)) if name in names), "")


def unescaped(name: bytes) -> bytes:
    return ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), name)


def parts(content: bytes) -> Iterator[bytes]:
    """What stands between the streams, and each stream of objects unpacked."""
    at, room = 0, UNPACKED
    while start := STREAM.search(content, at):
        between = content[at : start.start()]
        end = content.find(b"endstream", start.end())
        end = end if end >= 0 else len(content)
        yield between
        dictionary = unescaped(between[between.rfind(b"obj") :])
        if b"/ObjStm" in dictionary:
            objects = unpacked(dictionary, content[start.end() : end], room)
            room -= len(objects)
            yield objects
        at = end + len(b"endstream")
    yield content[at:]


def unpacked(dictionary: bytes, packed: bytes, room: int) -> bytes:
    if b"/Filter" not in dictionary:
        return packed
    if not FILTER.search(dictionary):
        raise Unreadable
    machine = zlib.decompressobj()
    try:
        objects = machine.decompress(packed, max(1, room))
    except zlib.error:
        raise Unreadable from None
    if machine.unconsumed_tail:
        raise Unreadable
    return objects
