"""The tests that a new laboratory begins with. Its own people change them afterwards; `install` never overwrites.

Where the ranges come from, by the letters that stand at each:
ABIM  American Board of Internal Medicine, laboratory test reference ranges (adults, January 2024).
WHO   World Health Organization, guideline on haemoglobin cutoffs to define anaemia (2024).
HL    The Harriet Lane Handbook, 23rd edition, chapter 28 (children).
NCEP  Adult Treatment Panel III: desirable lipids.
ADA   American Diabetes Association, Standards of Care: diagnosis.
IFCC  Manufacturer's 99th percentiles by sex, as collected by the IFCC for high-sensitivity troponin I.
Critical values follow the Royal College of Pathologists, G158 (2017), in the units used here.
What no source gives for an age has no range: an adult's limits say nothing about a child.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from django.db import transaction

from clinical import lab_seeds
from clinical.models.lab_range import LabCondition, ReferenceRange
from clinical.models.lab_test import LabTest, Material
from clinical.models.specimen import SpecimenType

DAY, MONTH, YEAR = 24, 730, 8766
ADULT = 18 * YEAR
SOURCES = {
    "ABIM": "ABIM laboratory test reference ranges, 2024",
    "WHO": "WHO haemoglobin cutoffs, 2024",
    "HL": "Harriet Lane Handbook, 23rd edition",
    "NCEP": "NCEP Adult Treatment Panel III",
    "ADA": "ADA Standards of Care",
    "RCP": "Royal College of Pathologists, G158",
    "IFCC": "IFCC, 99th percentiles of hs-cTnI",
}
POSITIVE = ({"code": "negative", "label": "Negative"}, {"code": "positive", "label": "Positive", "abnormal": True})
REACTIVE = (
    {"code": "non_reactive", "label": "Non-reactive"},
    {"code": "reactive", "label": "Reactive", "abnormal": True},
    {"code": "indeterminate", "label": "Indeterminate", "abnormal": True},
)
STRIP = (
    {"code": "negative", "label": "Negative"},
    {"code": "trace", "label": "Trace", "abnormal": True},
    {"code": "1+", "label": "1+", "abnormal": True},
    {"code": "2+", "label": "2+", "abnormal": True},
    {"code": "3+", "label": "3+", "abnormal": True},
)
BLOOD_GROUPS = tuple(
    {"code": f"{group}{sign}", "label": f"{group} Rh {word}"}
    for group in ("O", "A", "B", "AB")
    for sign, word in (("+", "positive"), ("-", "negative"))
)


@dataclass(frozen=True)
class Range:
    """From one age (in hours) up to another; `critical` is the low and the high value that somebody is called for."""

    low: str | None
    high: str | None
    source: str
    sex: str = "any"
    age_from: int = 0
    age_to: int | None = None
    critical: tuple[str | None, str | None] = (None, None)
    condition: str = ""
    weeks: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True)
class Entry:
    code: str
    name: str
    group: str
    loinc: str
    unit: str = ""
    decimals: int = 0
    possible: tuple[str, str] | None = None
    ranges: tuple[Range, ...] = ()
    specimen: str = Material.SERUM
    kind: str = LabTest.Kind.NUMERIC
    options: tuple[dict, ...] = ()


def adults(low: str | None, high: str | None, source: str = "ABIM", **more) -> tuple[Range, ...]:
    return (Range(low, high, source, age_from=ADULT, **more),)


def children(critical: tuple[str | None, str | None]) -> Range:
    """No range that a source gives for all ages, but values that somebody is called for."""
    return Range(None, None, "RCP", age_to=ADULT, critical=critical)


def by_sex(
    female: tuple[str | None, str | None], male: tuple[str | None, str | None], source: str = "ABIM", **more
) -> tuple[Range, ...]:
    return (
        Range(*female, source, sex="female", age_from=ADULT, **more),
        Range(*male, source, sex="male", age_from=ADULT, **more),
    )


def expecting(low: str, weeks: tuple[int | None, int | None]) -> Range:
    """Haemoglobin in a trimester."""
    adult = Range(low, "16.0", "WHO", sex="female", age_from=12 * YEAR, critical=("7.0", "20.0"))
    return replace(adult, condition="pregnant", weeks=weeks)


BLOOD, CHEMISTRY, LIPIDS, HORMONES = "Blood count", "Chemistry", "Lipids and sugar", "Hormones and markers"
URINE, INFECTION, REPORTS = "Urine", "Infection", "Reports"
K, NA = ("2.5", "6.5"), ("120", "155")
GLUCOSES = (
    Range("40", "60", "HL", age_to=DAY, critical=("30", "200")),
    Range("50", "90", "HL", age_from=DAY, age_to=28 * DAY, critical=("40", "200")),
    Range("70", "99", "ADA", age_from=28 * DAY, critical=("45", "450")),
)

CATALOGUE = (
    Entry(
        "HB",
        "Haemoglobin",
        BLOOD,
        "718-7",
        "g/dL",
        1,
        ("1", "30"),
        (
            Range("14.0", "24.0", "HL", age_to=7 * DAY, critical=("7.0", "24.0")),
            Range("9.4", "19.8", "HL", age_from=7 * DAY, age_to=2 * MONTH, critical=("7.0", "24.0")),
            Range("9.5", "14.1", "HL", age_from=2 * MONTH, age_to=6 * MONTH, critical=("7.0", "20.0")),
            Range("10.5", "13.5", "WHO", age_from=6 * MONTH, age_to=2 * YEAR, critical=("7.0", "20.0")),
            Range("11.0", "14.0", "WHO", age_from=2 * YEAR, age_to=5 * YEAR, critical=("7.0", "20.0")),
            Range("11.5", "15.0", "WHO", age_from=5 * YEAR, age_to=12 * YEAR, critical=("7.0", "20.0")),
            Range("12.0", "16.0", "WHO", age_from=12 * YEAR, age_to=15 * YEAR, critical=("7.0", "20.0")),
            Range("12.0", "16.0", "WHO", sex="female", age_from=15 * YEAR, critical=("7.0", "20.0")),
            Range("13.0", "18.0", "WHO", sex="male", age_from=15 * YEAR, critical=("7.0", "20.0")),
            expecting("11.0", (None, 14)),
            expecting("10.5", (14, 28)),
            expecting("11.0", (28, None)),
        ),
        Material.BLOOD,
    ),
    Entry(
        "HCT", "Haematocrit", BLOOD, "4544-3", "%", 1, ("3", "80"), by_sex(("37", "47"), ("42", "50")), Material.BLOOD
    ),
    Entry(
        "WBC",
        "White cells",
        BLOOD,
        "6690-2",
        "10*3/uL",
        1,
        ("0", "500"),
        (
            Range("9.0", "30.0", "HL", age_to=DAY, critical=("2.0", None)),
            Range("5.0", "21.0", "HL", age_from=DAY, age_to=6 * MONTH, critical=("2.0", "50.0")),
            Range("6.0", "17.5", "HL", age_from=6 * MONTH, age_to=4 * YEAR, critical=("1.0", "50.0")),
            Range("5.0", "15.5", "HL", age_from=4 * YEAR, age_to=10 * YEAR, critical=("1.0", "50.0")),
            Range("4.5", "13.5", "HL", age_from=10 * YEAR, age_to=ADULT, critical=("1.0", "50.0")),
            Range("4.0", "11.0", "ABIM", age_from=ADULT, critical=("1.0", "50.0")),
        ),
        Material.BLOOD,
    ),
    Entry(
        "PLT",
        "Platelets",
        BLOOD,
        "777-3",
        "10*3/uL",
        0,
        ("0", "3000"),
        (Range("150", "450", "ABIM", critical=("30", "1000")),),
        Material.BLOOD,
    ),
    Entry("MCV", "Mean cell volume", BLOOD, "787-2", "fL", 1, ("40", "160"), adults("80", "98"), Material.BLOOD),
    Entry(
        "ESR",
        "Sedimentation rate",
        BLOOD,
        "4537-7",
        "mm/h",
        0,
        ("0", "200"),
        by_sex((None, "20"), (None, "15")),
        Material.BLOOD,
    ),
    Entry(
        "INR",
        "Prothrombin time, INR",
        BLOOD,
        "6301-6",
        "{INR}",
        1,
        ("0.5", "25"),
        (Range("0.8", "1.1", "ABIM", critical=(None, "6.5")),),
        Material.PLASMA,
    ),
    Entry("DDIM", "D-dimer", BLOOD, "48065-7", "ug/mL", 2, ("0", "100"), adults(None, "0.50"), Material.PLASMA),
    Entry(
        "ABO",
        "Blood group, ABO and Rh",
        BLOOD,
        "882-1",
        specimen=Material.BLOOD,
        kind=LabTest.Kind.CODED,
        options=BLOOD_GROUPS,
    ),
    Entry(
        "NA",
        "Sodium",
        CHEMISTRY,
        "2951-2",
        "mmol/L",
        0,
        ("90", "200"),
        (Range("133", "146", "HL", age_to=ADULT, critical=("130", "155")), *adults("136", "145", critical=NA)),
    ),
    Entry(
        "K",
        "Potassium",
        CHEMISTRY,
        "2823-3",
        "mmol/L",
        1,
        ("1.0", "12.0"),
        (
            Range("3.7", "5.9", "HL", age_to=28 * DAY, critical=K),
            Range("4.1", "5.3", "HL", age_from=28 * DAY, age_to=YEAR, critical=K),
            Range("3.4", "4.7", "HL", age_from=YEAR, age_to=ADULT, critical=K),
            Range("3.5", "5.0", "ABIM", age_from=ADULT, critical=K),
        ),
    ),
    Entry("CL", "Chloride", CHEMISTRY, "2075-0", "mmol/L", 0, ("50", "160"), adults("98", "106")),
    Entry(
        "HCO3",
        "Bicarbonate",
        CHEMISTRY,
        "1963-8",
        "mmol/L",
        0,
        ("2", "60"),
        (children(("10", None)), *adults("23", "28", critical=("10", None))),
    ),
    Entry(
        "CA",
        "Calcium",
        CHEMISTRY,
        "17861-6",
        "mg/dL",
        1,
        ("3.0", "25.0"),
        (children(("7.2", "14.0")), *adults("8.6", "10.2", critical=("7.2", "14.0"))),
    ),
    Entry(
        "BUN",
        "Urea nitrogen",
        CHEMISTRY,
        "3094-0",
        "mg/dL",
        0,
        ("1", "300"),
        (children((None, "28")), *adults("8", "20", critical=(None, "84"))),
    ),
    Entry(
        "CREA",
        "Creatinine",
        CHEMISTRY,
        "2160-0",
        "mg/dL",
        2,
        ("0.05", "40"),
        (children((None, "2.26")), *by_sex(("0.50", "1.10"), ("0.70", "1.30"), critical=(None, "4.00"))),
    ),
    Entry("ALB", "Albumin", CHEMISTRY, "1751-7", "g/dL", 1, ("0.5", "8.0"), adults("3.5", "5.5")),
    Entry(
        "BILI",
        "Bilirubin, total",
        CHEMISTRY,
        "1975-2",
        "mg/dL",
        1,
        ("0", "60"),
        (
            Range(None, "8.7", "HL", age_to=DAY, critical=(None, "10.0")),
            Range(None, "11.5", "HL", age_from=DAY, age_to=2 * DAY, critical=(None, "15.0")),
            Range(None, "12.0", "HL", age_from=2 * DAY, age_to=28 * DAY, critical=(None, "18.0")),
            Range("0.3", "1.0", "ABIM", age_from=ADULT),
        ),
    ),
    Entry(
        "ALT",
        "Alanine aminotransferase",
        CHEMISTRY,
        "1742-6",
        "U/L",
        0,
        ("0", "20000"),
        (children((None, "500")), *adults("10", "40", critical=(None, "500"))),
    ),
    Entry(
        "AST",
        "Aspartate aminotransferase",
        CHEMISTRY,
        "1920-8",
        "U/L",
        0,
        ("0", "20000"),
        (children((None, "500")), *adults("10", "40", critical=(None, "500"))),
    ),
    Entry("ALP", "Alkaline phosphatase", CHEMISTRY, "6768-6", "U/L", 0, ("0", "5000"), adults("30", "120")),
    Entry("GLU", "Glucose", LIPIDS, "2345-7", "mg/dL", 0, ("5", "2000"), GLUCOSES, Material.PLASMA),
    Entry(
        "HBA1C",
        "Haemoglobin A1c",
        LIPIDS,
        "4548-4",
        "%",
        1,
        ("2.0", "25.0"),
        adults("4.0", "5.6", "ADA"),
        Material.BLOOD,
    ),
    Entry("CHOL", "Cholesterol, total", LIPIDS, "2093-3", "mg/dL", 0, ("20", "1500"), adults(None, "199", "NCEP")),
    Entry(
        "HDL", "HDL cholesterol", LIPIDS, "2085-9", "mg/dL", 0, ("2", "200"), by_sex(("50", None), ("40", None), "NCEP")
    ),
    Entry("LDL", "LDL cholesterol", LIPIDS, "18262-6", "mg/dL", 0, ("2", "1000"), adults(None, "129", "NCEP")),
    Entry("TRIG", "Triglycerides", LIPIDS, "2571-8", "mg/dL", 0, ("10", "10000"), adults(None, "149", "NCEP")),
    Entry("TSH", "Thyrotropin", HORMONES, "3016-3", "m[IU]/L", 2, ("0", "500"), adults("0.50", "4.00")),
    Entry("FERR", "Ferritin", HORMONES, "2276-4", "ng/mL", 0, ("0", "100000"), by_sex(("11", "307"), ("24", "336"))),
    Entry(
        "CRP",
        "C-reactive protein",
        HORMONES,
        "1988-5",
        "mg/L",
        1,
        ("0", "1000"),
        (Range(None, "8.0", "ABIM", critical=(None, "300.0")),),
    ),
    Entry(
        "TROP",
        "Troponin I, high sensitivity",
        HORMONES,
        "89579-7",
        "ng/L",
        0,
        ("0", "500000"),
        by_sex((None, "16"), (None, "34"), "IFCC", critical=(None, "100")),
        Material.PLASMA,
    ),
    Entry(
        "UGLU",
        "Glucose, urine strip",
        URINE,
        "25428-4",
        specimen=Material.URINE,
        kind=LabTest.Kind.CODED,
        options=STRIP,
    ),
    Entry(
        "UPRO",
        "Protein, urine strip",
        URINE,
        "20454-5",
        specimen=Material.URINE,
        kind=LabTest.Kind.CODED,
        options=STRIP,
    ),
    Entry(
        "HCG",
        "Pregnancy test, urine",
        URINE,
        "2106-3",
        specimen=Material.URINE,
        kind=LabTest.Kind.CODED,
        options=POSITIVE,
    ),
    Entry("UCULT", "Urine culture", INFECTION, "630-4", specimen=Material.URINE, kind=LabTest.Kind.TEXT),
    Entry("HIV", "HIV 1 and 2, antigen and antibody", INFECTION, "56888-1", kind=LabTest.Kind.CODED, options=REACTIVE),
    Entry("HBSAG", "Hepatitis B surface antigen", INFECTION, "5196-1", kind=LabTest.Kind.CODED, options=REACTIVE),
    Entry(
        "MAL",
        "Malaria, blood film",
        INFECTION,
        "32700-7",
        specimen=Material.BLOOD,
        kind=LabTest.Kind.CODED,
        options=(
            {"code": "negative", "label": "No parasites seen"},
            {"code": "positive", "label": "Plasmodium seen", "abnormal": True},
            {"code": "falciparum", "label": "Plasmodium falciparum seen", "abnormal": True, "critical": True},
        ),
    ),
    Entry("STOOL", "Stool microscopy", INFECTION, "10704-4", specimen=Material.STOOL, kind=LabTest.Kind.TEXT),
    Entry("ECG", "Electrocardiogram", REPORTS, "11524-6", specimen=Material.NONE, kind=LabTest.Kind.FILE),
    Entry("HISTO", "Histology report", REPORTS, "11526-1", specimen=Material.TISSUE, kind=LabTest.Kind.FILE),
)


@transaction.atomic
def install() -> int:
    """Add what is not there yet to the open tenant's catalogue. Returns how many tests were added."""
    there = set(LabTest.objects.values_list("code", flat=True))
    missing = [entry for entry in CATALOGUE if entry.code not in there]
    kinds, known = lab_seeds.tubes(), lab_seeds.conditions()
    for entry in missing:
        add(entry, kinds, known)
    lab_seeds.panels()
    return len(missing)


def add(entry: Entry, kinds: dict[str, SpecimenType], known: dict[str, LabCondition]) -> LabTest:
    low, high = (Decimal(limit) for limit in entry.possible) if entry.possible else (None, None)
    names = ("code", "name", "group", "loinc", "unit", "decimals", "specimen", "kind")
    test = LabTest(
        **{name: getattr(entry, name) for name in names},
        options=[{"abnormal": False, "critical": False, **option} for option in entry.options],
        absolute_low=low,
        absolute_high=high,
    )
    lab_seeds.place(test, kinds)
    test.save()
    ReferenceRange.objects.bulk_create(range_of(test, row, known.get(row.condition)) for row in entry.ranges)
    return test


def range_of(test: LabTest, row: Range, condition: LabCondition | None) -> ReferenceRange:
    limits = (row.low, row.high, *row.critical)
    low, high, critical_low, critical_high = (Decimal(limit) if limit is not None else None for limit in limits)
    return ReferenceRange(
        tenant_id=test.tenant_id,
        test=test,
        sex=row.sex,
        age_from_hours=row.age_from,
        age_to_hours=row.age_to,
        condition=condition,
        weeks_from=row.weeks[0],
        weeks_to=row.weeks[1],
        low=low,
        high=high,
        critical_low=critical_low,
        critical_high=critical_high,
        source=SOURCES[row.source],
    )
