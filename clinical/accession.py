"""The number on a tube: S, at least six digits, and a check character by ISO/IEC 7064 MOD 37,36. A container, a block
or a slide of a biopsy has the letter B instead, so that one is never taken for the other.

One wrong character, and nearly every exchange of two neighbours, makes another check character: it is refused instead
of being taken for the tube of somebody else. Written S-000123-M, in the bars S000123M; read in either way.
"""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TUBE = "S"
SPACES = re.compile(r"[\s\-\u2010-\u2015]")


class BadAccession(ValueError):
    """What was scanned or typed is no number of a tube; the words say why."""


def check_character(text: str) -> str:
    product = 36
    for character in text:
        total = (product + ALPHABET.index(character)) % 36 or 36
        product = total * 2 % 37
    return ALPHABET[(37 - product) % 36]


def in_bars(serial: int, letter: str = TUBE) -> str:
    """What a scanner reads: S000123M."""
    stem = f"{letter}{serial:06}"
    return stem + check_character(stem)


def in_words(serial: int, letter: str = TUBE) -> str:
    """What people read: S-000123-M."""
    return f"{letter}-{serial:06}-{in_bars(serial, letter)[-1]}"


def parse(text: str, letter: str = TUBE) -> int:
    """The serial number of the tube, or the part of a biopsy, with this number."""
    plain = SPACES.sub("", text).upper()
    match = re.fullmatch(rf"{letter}([0-9]{{6,12}})([0-9A-Z])", plain)
    if match is None:
        raise BadAccession(f"“{text.strip()[:30]}” is no number of a specimen. It looks like {in_words(123, letter)}.")
    if check_character(f"{letter}{match[1]}") != match[2]:
        raise BadAccession(
            f"{text.strip()[:30]} has a wrong character: the check at its end does not fit. Scan the label again, or type it anew."
        )
    return int(match[1])
