"""Vital signs: what can be measured, what cannot be true, and what is outside the range for age and sex.

Sources of the ranges, by the name that stands at each:
NEWS2: Royal College of Physicians, National Early Warning Score 2 (2017), from 16 years.
PALS: American Heart Association, Pediatric Advanced Life Support (2020), vital signs in children.
NICE: NG143, Fever in under 5s (2019). WHO: Thermal protection of the newborn (1997).
ESH: European Society of Hypertension, guidelines for arterial hypertension (2023).
WHO-BMI: Obesity, technical report 894 (2000), adults. WHO-waist: Waist circumference and waist-hip ratio (2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from clinical import days
from clinical.measure import Limits, Measured
from hospital.seals import raw

if TYPE_CHECKING:
    from clinical.models import Patient

ALWAYS = 200
D = Decimal


@dataclass(frozen=True)
class Range:
    """From one age (in years) up to another: normal from `low` to `high`, somebody is called beyond the critical ones."""

    years_from: float
    years_to: float
    low: Decimal | None
    high: Decimal | None
    critical_low: Decimal | None
    critical_high: Decimal | None
    source: str
    sex: str = ""

    def fits(self, years: float | None, sex: str) -> bool:
        """An unknown age or sex excludes nothing."""
        if self.sex and sex in ("female", "male") and sex != self.sex:
            return False
        return years is None or self.years_from <= years < self.years_to


@dataclass(frozen=True)
class Plausible:
    """From this age on, what is outside is a typing error."""

    years_from: float
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Vital:
    name: str
    code: str
    label: str
    unit: str  # UCUM
    shown_unit: str
    decimals: int
    plausible: tuple[Plausible, ...]
    ranges: tuple[Range, ...]

    @raw()
    def limits(self, patient: Patient, at: datetime) -> Limits:
        years = age_in_years(patient, days.day_of(at))
        return Limits.around(row for row in self.ranges if row.fits(years, patient.sex))

    @raw()
    def plausible_for(self, patient: Patient, at: datetime) -> tuple[Decimal, Decimal]:
        """What a person of that age can have; of an unknown age, what anybody can."""
        years = age_in_years(patient, days.day_of(at))
        if years is None:
            return min(row.low for row in self.plausible), max(row.high for row in self.plausible)
        fitting = [row for row in self.plausible if row.years_from <= years]
        return fitting[-1].low, fitting[-1].high


@raw()
def age_in_years(patient: Patient, on: date) -> float | None:
    return None if patient.birth_date is None else max(0, (on - patient.birth_date).days) / 365.25


VITALS: tuple[Vital, ...] = (
    Vital(
        "temperature",
        "8310-5",
        "Temperature",
        "Cel",
        "°C",
        1,
        (Plausible(0, D(25), D("45")),),
        (
            Range(0, 0.25, D("36.5"), D("37.5"), D("35.5"), D("37.9"), "WHO; NICE"),
            Range(0.25, 16, D("36.1"), D("37.9"), D("35.1"), D("39.9"), "NICE"),
            Range(16, ALWAYS, D("36.1"), D("38.0"), D("35.1"), D("40.9"), "NEWS2"),
        ),
    ),
    Vital(
        "pulse",
        "8867-4",
        "Pulse",
        "/min",
        "/min",
        0,
        (Plausible(0, D(20), D(300)),),
        (
            Range(0, 0.08, D(100), D(205), D(80), D(220), "PALS"),
            Range(0.08, 1, D(100), D(180), D(80), D(220), "PALS"),
            Range(1, 3, D(98), D(140), D(60), D(190), "PALS"),
            Range(3, 6, D(80), D(120), D(60), D(180), "PALS"),
            Range(6, 12, D(75), D(118), D(50), D(160), "PALS"),
            Range(12, 16, D(60), D(100), D(45), D(140), "PALS"),
            Range(16, ALWAYS, D(51), D(90), D(41), D(130), "NEWS2"),
        ),
    ),
    Vital(
        "breathing",
        "9279-1",
        "Breathing rate",
        "/min",
        "/min",
        0,
        (Plausible(0, D(3), D(120)),),
        (
            Range(0, 1, D(30), D(53), D(20), D(60), "PALS"),
            Range(1, 3, D(22), D(37), D(15), D(50), "PALS"),
            Range(3, 6, D(20), D(28), D(14), D(40), "PALS"),
            Range(6, 12, D(18), D(25), D(12), D(35), "PALS"),
            Range(12, 16, D(12), D(20), D(9), D(30), "PALS"),
            Range(16, ALWAYS, D(12), D(20), D(9), D(24), "NEWS2"),
        ),
    ),
    Vital(
        "systolic",
        "8480-6",
        "Systolic pressure",
        "mm[Hg]",
        "mmHg",
        0,
        (Plausible(0, D(30), D(300)),),
        (
            Range(0, 0.08, D(67), D(84), D(60), None, "PALS"),
            Range(0.08, 1, D(72), D(104), D(70), None, "PALS"),
            Range(1, 3, D(86), D(106), D(72), None, "PALS"),
            Range(3, 6, D(89), D(112), D(76), None, "PALS"),
            Range(6, 10, D(97), D(115), D(82), None, "PALS"),
            Range(10, 12, D(102), D(120), D(90), None, "PALS"),
            Range(12, 16, D(110), D(131), D(90), D(160), "PALS"),
            Range(16, ALWAYS, D(101), D(139), D(91), D(179), "NEWS2; ESH"),
        ),
    ),
    Vital(
        "diastolic",
        "8462-4",
        "Diastolic pressure",
        "mm[Hg]",
        "mmHg",
        0,
        (Plausible(0, D(10), D(200)),),
        (
            Range(0, 0.08, D(35), D(53), None, None, "PALS"),
            Range(0.08, 1, D(37), D(56), None, None, "PALS"),
            Range(1, 3, D(42), D(63), None, None, "PALS"),
            Range(3, 6, D(46), D(72), None, None, "PALS"),
            Range(6, 10, D(57), D(76), None, None, "PALS"),
            Range(10, 12, D(61), D(80), None, None, "PALS"),
            Range(12, 16, D(64), D(83), None, D(109), "PALS"),
            Range(16, ALWAYS, D(60), D(89), D(40), D(119), "ESH"),
        ),
    ),
    Vital(
        "oxygen",
        "59408-5",
        "Oxygen saturation",
        "%",
        "%",
        0,
        (Plausible(0, D(30), D(100)),),
        (Range(0, ALWAYS, D(96), None, D(92), None, "NEWS2"),),
    ),
    Vital(
        "weight",
        "29463-7",
        "Weight",
        "kg",
        "kg",
        1,
        (
            Plausible(0, D("0.3"), D(20)),
            Plausible(1, D(3), D(50)),
            Plausible(6, D(8), D(150)),
            Plausible(13, D(15), D(450)),
        ),
        (),
    ),
    Vital(
        "height",
        "8302-2",
        "Height",
        "cm",
        "cm",
        1,
        (
            Plausible(0, D(20), D(100)),
            Plausible(1, D(50), D(145)),
            Plausible(6, D(70), D(210)),
            Plausible(13, D(50), D(260)),
        ),
        (),
    ),
    Vital(
        "waist",
        "8280-0",
        "Waist",
        "cm",
        "cm",
        0,
        (Plausible(0, D(15), D(300)),),
        (
            Range(18, ALWAYS, None, D(94), None, None, "WHO-waist", "male"),
            Range(18, ALWAYS, None, D(80), None, None, "WHO-waist", "female"),
        ),
    ),
    Vital(
        "pain",
        "72514-3",
        "Pain, 0 to 10",
        "{score}",
        "",
        0,
        (Plausible(0, D(0), D(10)),),
        (Range(0, ALWAYS, None, D(3), None, None, "the patient's own rating"),),
    ),
)
BMI = Vital(
    "bmi",
    "39156-5",
    "Body mass index",
    "kg/m2",
    "kg/m²",
    1,
    (Plausible(0, D(5), D(150)),),
    (Range(18, ALWAYS, D("18.5"), D("24.9"), None, None, "WHO-BMI"),),
)
BY_CODE = {vital.code: vital for vital in (*VITALS, BMI)}
BY_NAME = {vital.name: vital for vital in (*VITALS, BMI)}


# From what others measure in to our unit: a factor, and what is added before it.
OTHER_UNITS: dict[str, dict[str, tuple[Decimal, Decimal]]] = {
    "Cel": {"[degF]": (D(5) / D(9), D(-32)), "K": (D(1), D("-273.15"))},
    "kg": {"[lb_av]": (D("0.45359237"), D(0)), "[oz_av]": (D("0.028349523125"), D(0)), "g": (D("0.001"), D(0))},
    "cm": {"[in_i]": (D("2.54"), D(0)), "[ft_i]": (D("30.48"), D(0)), "m": (D(100), D(0)), "mm": (D("0.1"), D(0))},
    "mm[Hg]": {"kPa": (D("7.500615758"), D(0))},
}
# Other spellings of units, as people type them and as records have them.
SPELLINGS = {
    "°c": "Cel", "c": "Cel", "cel": "Cel", "°f": "[degF]", "f": "[degF]", "degf": "[degF]",
    "lb": "[lb_av]", "lbs": "[lb_av]", "oz": "[oz_av]", "in": "[in_i]", "ft": "[ft_i]",
    "mmhg": "mm[Hg]", "{beats}/min": "/min", "{breaths}/min": "/min", "bpm": "/min", "kg/m²": "kg/m2",
}  # fmt: skip


def in_our_unit(code: str, value: Decimal, unit: str) -> Decimal | None:
    """The value in the unit that this vital sign is kept in; None if it cannot be read."""
    vital = BY_CODE[code]
    written = SPELLINGS.get(unit.strip().lower(), unit.strip())
    if written in (vital.unit, vital.shown_unit):
        return value
    how = OTHER_UNITS.get(vital.unit, {}).get(written)
    return (value + how[1]) * how[0] if how else None


class Implausible(ValueError):
    """A vital sign that nobody can have, in words for the form."""


def check(code: str, value: Decimal, patient: Patient, at: datetime) -> None:
    """Refuse what must be a typing error."""
    vital = BY_CODE[code]
    low, high = vital.plausible_for(patient, at)
    if not low <= value <= high:
        raise Implausible(
            f"{vital.label} of {value} {vital.shown_unit} is not possible here: it lies between {low} and {high}. "
            "Measure again, or mend the typing error."
        )


def flag_of(code: str, value: Decimal, patient: Patient, at: datetime) -> str:
    """Empty inside the range for age and sex, else low, high, critical_low or critical_high."""
    vital = BY_CODE.get(code)
    return vital.limits(patient, at).flag(Measured(value)) if vital else ""


def body_mass_index(weight: Decimal | None, height: Decimal | None) -> Decimal | None:
    if not weight or not height:
        return None
    return (weight / (height / 100) ** 2).quantize(Decimal("0.1"))
