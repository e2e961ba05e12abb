"""How much of one unit is in another, so that what another laboratory measured is judged by our own limits.

Units of the same dimension are converted by UCUM. Between mass, amount and charge the substance decides: those of the
table below, by the LOINC of the test. What is not known for certain has no factor, and is judged by its sender alone:
so HbA1c (per cent and mmol/mol are different scales), and urea where it is not said whether only its nitrogen is meant.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from clinical.ucum import ANNOTATION, COMPONENT

PREFIXES = {"k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
PREFIXED = {
    "g": (Decimal(1), "g"),
    "L": (Decimal(1), "L"),
    "l": (Decimal(1), "L"),
    "m": (Decimal(1), "m"),
    "s": (Decimal(1), "s"),
    "mol": (Decimal(1), "mol"),
    "eq": (Decimal(1), "eq"),
    "osm": (Decimal(1), "osm"),
    "U": (Decimal(1), "U"),
    "kat": (Decimal(60_000_000), "U"),
    "[IU]": (Decimal(1), "IU"),
    "[iU]": (Decimal(1), "IU"),
    "Pa": (Decimal(1), "Pa"),
    "m[Hg]": (Decimal(133_322), "Pa"),
}
PLAIN = {
    "%": (Decimal("0.01"), ""),
    "[ppth]": (Decimal("0.001"), ""),
    "1": (Decimal(1), ""),
    "min": (Decimal(60), "s"),
    "h": (Decimal(3600), "s"),
    "d": (Decimal(86_400), "s"),
    "Cel": (Decimal(1), "Cel"),
    "[pH]": (Decimal(1), "pH"),
}
ATOMS = {
    **{prefix + atom: (size.scaleb(power), name) for prefix, power in PREFIXES.items() for atom, (size, name) in PREFIXED.items()},
    **PREFIXED,
    **PLAIN,
}  # fmt: skip
# As laboratories write what UCUM writes otherwise.
SPELLINGS = (
    (re.compile(r"\s+"), ""),
    (re.compile("[µμ]"), "u"),
    (re.compile(r"\Amcg|(?<=/)mcg"), "ug"),
    (re.compile("Eq|EQ"), "eq"),
    (re.compile(r"(?<!\[)(?:IU|iU)(?!\])"), "[IU]"),
    (re.compile(r"mm\[?Hg\]?"), "mm[Hg]"),
    (re.compile(r"\A[xX](?=10)"), ""),
    (re.compile(r"\A10[eE](?=\d)"), "10*"),
    (re.compile(r"\A(?:K|Thou)(?=/u[lL])"), "10*3"),
    (re.compile(r"\A(?:M|Mill?)(?=/u[lL])"), "10*6"),
)
TEN = re.compile(r"10[*^](-?\d{1,2})")
AMOUNTS = ("g", "mol", "eq")


@dataclass(frozen=True)
class Substance:
    """Grams in a mole, and equivalents in a mole."""

    mass: Decimal | None = None
    charge: int | None = None

    def moles(self, amount: str) -> Decimal | None:
        """In one gram, mole or equivalent."""
        if amount == "g":
            return 1 / self.mass if self.mass else None
        if amount == "eq":
            return 1 / Decimal(self.charge) if self.charge else None
        return Decimal(1)


def substance(mass: str, charge: int | None = None) -> Substance:
    return Substance(Decimal(mass), charge)


POTASSIUM, SODIUM, CHLORIDE = substance("39.098", 1), substance("22.990", 1), substance("35.45", 1)
BICARBONATE, LITHIUM = substance("61.017", 1), substance("6.94", 1)
CALCIUM, MAGNESIUM = substance("40.078", 2), substance("24.305", 2)
GLUCOSE, CREATININE, BILIRUBIN = substance("180.156"), substance("113.12"), substance("584.66")
CHOLESTEROL, TRIGLYCERIDE, URATE = substance("386.65"), substance("885.4"), substance("168.11")
UREA_NITROGEN, PHOSPHORUS, IRON = substance("28.014"), substance("30.974"), substance("55.845")
LACTATE, AMMONIA, HAEMOGLOBIN = substance("90.08"), substance("17.031"), substance("16114")
SUBSTANCES = {
    **dict.fromkeys(("2823-3", "6298-4", "39789-3"), POTASSIUM),
    **dict.fromkeys(("2951-2", "2947-0", "32717-1"), SODIUM),
    **dict.fromkeys(("2075-0", "2069-3"), CHLORIDE),
    **dict.fromkeys(("1963-8", "1959-6", "2028-9"), BICARBONATE),
    **dict.fromkeys(("14334-7", "3719-2"), LITHIUM),
    **dict.fromkeys(("17861-6", "2000-8", "1995-0", "1994-3", "12180-6"), CALCIUM),
    **dict.fromkeys(("19123-9", "2601-3"), MAGNESIUM),
    **dict.fromkeys(("2777-1", "14879-1"), PHOSPHORUS),
    **dict.fromkeys(("2345-7", "2339-0", "1558-6", "14749-6", "15074-8"), GLUCOSE),
    **dict.fromkeys(("2160-0", "38483-4", "14682-9"), CREATININE),
    **dict.fromkeys(("1975-2", "1968-7", "14631-6", "14629-0"), BILIRUBIN),
    **dict.fromkeys(("2093-3", "2085-9", "2089-1", "13457-7", "18262-6", "14647-2", "14646-4"), CHOLESTEROL),
    **dict.fromkeys(("2571-8", "14927-8"), TRIGLYCERIDE),
    **dict.fromkeys(("3084-1", "14933-6"), URATE),
    **dict.fromkeys(("3094-0", "6299-2"), UREA_NITROGEN),
    **dict.fromkeys(("2498-4", "14798-3"), IRON),
    **dict.fromkeys(("2524-7", "32693-4", "14118-4"), LACTATE),
    **dict.fromkeys(("1841-6", "16362-6"), AMMONIA),
    **dict.fromkeys(("718-7", "59260-0"), HAEMOGLOBIN),
}


@dataclass(frozen=True)
class Unit:
    """Its size, and what stands above the stroke and below it, each name as often as its power. Nothing is cancelled but litres:
    a mole in a mole is no per cent."""

    size: Decimal
    above: Counter[str]
    below: Counter[str]

    def with_moles(self, substance: Substance) -> Unit | None:
        """With its amount in moles; only one that stands once, above the stroke."""
        named = [name for name in AMOUNTS if self.above[name] == 1 and not any(self.below[one] for one in AMOUNTS)]
        moles = substance.moles(named[0]) if len(named) == 1 else None
        if moles is None:
            return None
        return Unit(self.size * moles, self.above - Counter(named) + Counter(["mol"]), self.below)


def factor(one: str, other: str, loinc: str = "") -> Decimal | None:
    """What a number in `one` is multiplied by to be one in `other`; None if nobody can say."""
    given, wanted = read_unit(one), read_unit(other)
    if given is None or wanted is None:
        return None
    if (given.above, given.below) == (wanted.above, wanted.below):
        return given.size / wanted.size
    known = SUBSTANCES.get(loinc)
    if known is None:
        return None
    moles, others = given.with_moles(known), wanted.with_moles(known)
    if moles is None or others is None or (moles.above, moles.below) != (others.above, others.below):
        return None
    return moles.size / others.size


def read_unit(text: str) -> Unit | None:
    """As UCUM, or as it is often written: mEq/L, K/uL, MG/DL."""
    spelled = text
    for pattern, ours in SPELLINGS:
        spelled = pattern.sub(ours, spelled)
    return parsed(spelled) or parsed(spelled.lower())


def parsed(text: str) -> Unit | None:
    first, *rest = text.split("/")
    if len(rest) > 1:
        return None
    above, below = product(first), product(rest[0] if rest else "")
    if above is None or below is None:
        return None
    litres = Counter({"L": min(above[1]["L"], below[1]["L"])})
    return Unit(above[0] / below[0], above[1] - litres, below[1] - litres)


def product(text: str) -> tuple[Decimal, Counter[str]] | None:
    size, names = Decimal(1), Counter[str]()
    for part in filter(None, ANNOTATION.sub("", text).split(".")):
        if ten := TEN.fullmatch(part):
            size = size.scaleb(int(ten[1]))
            continue
        match = COMPONENT.match(part)
        atom, power = (part, 1) if part in ATOMS or not match else (match[1], int(match[2] or 1))
        if atom not in ATOMS or power < 1:
            return None
        size *= ATOMS[atom][0] ** power
        names.update({ATOMS[atom][1]: power} if ATOMS[atom][1] else {})
    return size, names
