"""PDF in any script: letters are shaped and run in their direction, and each comes from the first font that has it.

Fonts are loaded as the text asks for them. A letter that no font has is never an empty box: it is spelled in Latin letters
between brackets, and `spelled` says that the paper has to say so.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.bidi import BidiParagraph, auto_detect_base_direction
from fpdf.enums import TextDirection
from fpdf.line_break import Fragment

DEJAVU = settings.BASE_DIR / "static" / "vendor" / "dejavu"
Run = tuple[int, str]
LEFTWARD = ("R", "AL", "AN")  # the classes of Unicode of what runs to the left, and of its own digits
MORE = (DEJAVU / "DejaVuSans.ttf", *sorted((settings.BASE_DIR / "hospital" / "fonts").glob("*.ttf")))
SPELLED = "Letters between [ ] are spelled: there is no font for them here. The number says who it is."
SOUND = re.compile(r"\b(?:LETTER|SYLLABLE|DIGIT|VOWEL SIGN) (?P<sound>.+)\Z")
# Fonts are opened by their own tools, which tell each letter that they keep: sixty lines for each page that is printed.
logging.getLogger("fontTools").setLevel(logging.WARNING)


@cache
def letters_of(font: Path) -> frozenset[int]:
    with TTFont(font, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


@lru_cache(maxsize=4096)
def font_for(letter: str) -> Path | None:
    return next((font for font in MORE if ord(letter) in letters_of(font)), None)


def is_seen(letter: str) -> bool:
    """Not a line feed, a joiner, a mark of direction or the choice of a variant."""
    return unicodedata.category(letter) not in ("Cc", "Cf") and not unicodedata.name(letter, "").startswith("VARIATION")


def spell(letter: str) -> str:
    """The sound of it as Unicode names it, or its name, or its code."""
    name = unicodedata.name(letter, "")
    if match := SOUND.search(name):
        return match["sound"].lower()
    return name.lower() if name and not name[-1].isdigit() else f"U+{ord(letter):04X}"


def runs_of(text: str) -> list[Run]:
    """Of letters of one level: 0 runs to the right, 1 to the left, and 2 is a number, or Latin, within 1."""
    if not any(unicodedata.bidirectional(letter) in LEFTWARD for letter in text):
        return []
    letters = BidiParagraph(text=text, base_direction=TextDirection.LTR, preserve_bn_chars=True).characters
    by_level = groupby(letters, key=lambda letter: letter.embedding_level)
    return [(level, "".join(letter.character for letter in some)) for level, some in by_level]


def turned(runs: list[Run]) -> Iterator[Run]:
    for is_inside, some in groupby(runs, key=lambda run: run[0] > 0):
        line = list(some)
        yield from reversed(line) if is_inside else line


class AnyScript(FPDF):
    """Lines run from left to right, with what is written otherwise inside; `freely()` lets a text say so itself."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.spelled = False
        self.set_text_shaping(True, direction="ltr")

    @contextmanager
    def freely(self) -> Iterator[None]:
        self.set_text_shaping(True)
        yield
        self.set_text_shaping(True, direction="ltr")

    def _preload_bidirectional_text(self, text: str, markdown: bool) -> Sequence[Fragment]:
        """fpdf2 lays the runs of a line in the order in which they are written. Numbers within Arabic or Hebrew belong to its left."""
        shaping = cast("dict[str, Any]", self.text_shaping)
        base = shaping["direction"] or auto_detect_base_direction(text)
        runs = [] if markdown or base != TextDirection.LTR else runs_of(text)
        if not any(level for level, _ in runs):
            return super()._preload_bidirectional_text(text, markdown)
        shaping["paragraph_direction"] = TextDirection.LTR
        emphasis = ("B" in self.font_style, "I" in self.font_style, self.strikethrough, self.underline)
        fragments: list[Fragment] = []
        for level, words in turned(runs):
            shaping["fragment_direction"] = TextDirection.RTL if level % 2 else TextDirection.LTR
            fragments.extend(self._preload_font_styles(words, markdown, _initial_emphasis=emphasis))
        return fragments

    def normalize_text(self, text: str) -> str:
        """Every way of writing passes here."""
        if text.isascii():
            return text
        return "".join(map(self.drawn, unicodedata.normalize("NFC", text)))

    def drawn(self, letter: str) -> str:
        """As it is, in plainer letters, or spelled if nobody can draw it."""
        if self.has(letter):
            return letter
        if not is_seen(letter):
            return letter if letter in "\n\r\t" else ""
        plainer = unicodedata.normalize("NFKC", letter)
        if plainer != letter and all(map(self.has, plainer)):
            return plainer
        self.spelled = True
        return f"[{spell(letter)}]"

    def has(self, letter: str) -> bool:
        loaded = (self.current_font, *(self.fonts[one] for one in self._fallback_font_ids))
        return any(ord(letter) in getattr(font, "cmap", ()) for font in loaded) or self.fetched(letter)

    def fetched(self, letter: str) -> bool:
        font = font_for(letter)
        if font is None:
            return False
        family = font.stem.lower()
        if family not in self.fonts:
            self.add_font(family, fname=font)
            known = [one for one in self._fallback_font_ids if one != family]
            self.set_fallback_fonts([*known, family], exact_match=False)
        return True
