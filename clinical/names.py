"""Names in any script, folded so that they can be found and compared."""

from __future__ import annotations

import unicodedata

# Latin letters that Unicode does not take apart into a letter and its mark.
WHOLE_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ħ": "h",
    }
)


def fold(text: str) -> str:
    """Small letters and digits without accents, one space between words: "Müller-Łukasz" becomes "muller lukasz".

    Vowel signs of Indic scripts stay: only marks with a combining class go.
    """
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    small = unicodedata.normalize("NFC", bare).casefold().translate(WHOLE_LETTERS)
    kept = "".join(
        letter if letter.isalnum() or unicodedata.category(letter).startswith("M") else " " for letter in small
    )
    return " ".join(kept.split())
