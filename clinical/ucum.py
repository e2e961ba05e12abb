"""Units as UCUM writes them: the part of its grammar, and the atoms, that laboratories use.

Known are the atoms below with the metric prefixes where UCUM allows them, powers of ten (10*3), exponents (m2), products
with a point, quotients with a stroke, and annotations in braces. Special units with functions (Cel, [pH]) stand alone.
Not known: brackets, several strokes in a row, and the rest of UCUM's 300 atoms. Whoever needs another unit adds it here.
"""

from __future__ import annotations

import re

PREFIXES = ("k", "h", "da", "d", "c", "m", "u", "n", "p", "f", "M", "G")
METRIC = (
    "g",
    "L",
    "l",
    "m",
    "s",
    "mol",
    "eq",
    "osm",
    "U",
    "[IU]",
    "[iU]",
    "kat",
    "J",
    "Pa",
    "m[Hg]",
    "V",
    "Bq",
    "cal",
    "t",
    "Hz",
)
PLAIN = (
    "%",
    "[ppth]",
    "min",
    "h",
    "d",
    "wk",
    "mo",
    "a",
    "[pH]",
    "Cel",
    "[arb'U]",
    "[CFU]",
    "[cfu]",
    "[HPF]",
    "[LPF]",
    "{}",
    "1",
)
ATOMS = {*PLAIN, *METRIC, *(prefix + atom for prefix in PREFIXES for atom in METRIC)}
ALONE = {"Cel", "[pH]"}
ANNOTATION = re.compile(r"\{[!-z|~]*\}")
COMPONENT = re.compile(r"\A(.+?)([+-]?\d+)?\Z")


def is_unit(text: str) -> bool:
    """Whether this is a unit as UCUM writes it, as far as this laboratory needs. Nothing (no unit) is one too."""
    if not text or ANNOTATION.fullmatch(text):
        return True
    above, stroke, below = text.partition("/")
    sides = [above, below] if stroke else [above]
    if stroke and not above:
        sides = [below]
    return all(side and all(map(is_component, side.split("."))) for side in sides) and fits_alone(text)


def is_component(text: str) -> bool:
    """One factor: 10*9, mmol, m2, {cells}."""
    if re.fullmatch(r"10[*^]-?\d{1,2}", text) or ANNOTATION.fullmatch(text):
        return True
    bare = ANNOTATION.sub("", text)
    return bare in ATOMS or bool((match := COMPONENT.match(bare)) and match[1] in ATOMS)


def fits_alone(text: str) -> bool:
    return text in ALONE or not any(atom in re.split(r"[./]", text) for atom in ALONE)
