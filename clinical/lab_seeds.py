"""What a new laboratory begins with beside its tests: tubes, benches, panels, and the conditions that move a range."""

from __future__ import annotations

from clinical.models.lab_panel import Panel
from clinical.models.lab_range import LabCondition
from clinical.models.lab_test import LabTest, Material
from clinical.models.specimen import SpecimenType

Cap = SpecimenType.Cap
# code, name, tube, cap, millilitres, handling, stable for hours, order of draw (CLSI GP41)
TUBES = (
    (
        "CIT",
        "Citrate blood",
        "Sodium citrate 3.2 %",
        Cap.LIGHT_BLUE,
        "2.7",
        "Fill to the mark. Invert four times.",
        24,
        10,
    ),
    ("SST", "Serum", "Serum gel", Cap.GOLD, "5.0", "Let it clot for 30 minutes before spinning.", 48, 20),
    ("HEP", "Heparin plasma", "Lithium heparin", Cap.GREEN, "4.0", "Invert eight times.", 24, 30),
    ("EDTA", "EDTA blood", "K2 EDTA", Cap.LAVENDER, "3.0", "Invert eight times. Do not freeze.", 24, 40),
    ("FLU", "Fluoride plasma", "Sodium fluoride", Cap.GREY, "2.0", "Invert eight times.", 24, 50),
    ("URI", "Urine", "Urine cup", Cap.YELLOW, "10.0", "Midstream. In the fridge after two hours.", 24, 60),
    ("STO", "Stool", "Stool pot", Cap.WHITE, None, "A spoonful. Keep cool.", 24, 70),
    ("TIS", "Tissue", "Formalin pot", Cap.WHITE, None, "Ten times the volume of formalin.", None, 80),
)
BY_MATERIAL = {
    Material.SERUM: "SST",
    Material.PLASMA: "HEP",
    Material.BLOOD: "EDTA",
    Material.URINE: "URI",
    Material.STOOL: "STO",
    Material.TISSUE: "TIS",
}
OWN_TUBE = {"INR": "CIT", "DDIM": "CIT", "GLU": "FLU"}
BENCHES = {
    "Blood count": "Haematology",
    "Chemistry": "Chemistry",
    "Lipids and sugar": "Chemistry",
    "Hormones and markers": "Immunology",
    "Urine": "Urine",
    "Infection": "Microbiology",
}
OWN_BENCH = {
    "INR": "Coagulation",
    "DDIM": "Coagulation",
    "HIV": "Immunology",
    "HBSAG": "Immunology",
    "MAL": "Haematology",
}
# routine, urgent, stat
MINUTES = {"Microbiology": (2880, 1440, 720), "Haematology": (180, 60, 30), "Coagulation": (180, 60, 45)}
PANELS = (
    ("FBC", "Full blood count", "58410-2", ("HB", "HCT", "WBC", "PLT", "MCV")),
    ("BMP", "Basic metabolic panel", "51990-0", ("NA", "K", "CL", "HCO3", "BUN", "CREA", "GLU", "CA")),
    ("LFT", "Liver panel", "24325-3", ("ALB", "BILI", "ALT", "AST", "ALP")),
    ("LIPID", "Lipid panel", "57698-3", ("CHOL", "HDL", "LDL", "TRIG")),
    ("UDIP", "Urine strip", "", ("UGLU", "UPRO")),
)
CONDITIONS = (
    ("pregnant", "Pregnant", LabCondition.Weeks.RUNNING, 10),
    ("born", "Gestation at birth", LabCondition.Weeks.FIXED, 20),
    ("fasting", "Fasting", LabCondition.Weeks.NONE, 30),
    ("menopause", "After the menopause", LabCondition.Weeks.NONE, 40),
    ("smoker", "Smoker", LabCondition.Weeks.NONE, 50),
)


def tubes() -> dict[str, SpecimenType]:
    """Each by its code; those that are there stay as they are."""
    for code, name, tube, cap, millilitres, handling, stable, rank in TUBES:
        values = {"name": name, "tube": tube, "cap": cap, "millilitres": millilitres, "handling": handling}
        SpecimenType.objects.get_or_create(code=code, defaults={**values, "stable_hours": stable, "rank": rank})
    return {kind.code: kind for kind in SpecimenType.objects.all()}


def conditions() -> dict[str, LabCondition]:
    for code, name, weeks, rank in CONDITIONS:
        LabCondition.objects.get_or_create(code=code, defaults={"name": name, "weeks": weeks, "rank": rank})
    return {condition.code: condition for condition in LabCondition.objects.all()}


def place(test: LabTest, kinds: dict[str, SpecimenType]) -> None:
    """The tube, the bench and the targets of a new test. It is not saved yet."""
    test.specimen_type = kinds.get(OWN_TUBE.get(test.code) or BY_MATERIAL.get(Material(test.specimen), ""))
    test.bench = OWN_BENCH.get(test.code) or BENCHES.get(test.group, "")
    if test.bench in MINUTES:
        test.minutes_routine, test.minutes_urgent, test.minutes_stat = MINUTES[test.bench]


def panels() -> None:
    tests = {test.code: test for test in LabTest.objects.all()}
    for code, name, loinc, members in PANELS:
        panel, is_new = Panel.objects.get_or_create(code=code, defaults={"name": name, "loinc": loinc})
        if is_new:
            panel.set_tests([tests[member] for member in members if member in tests])
