"""Why people come, what is found, what the laboratory says, and what they take home."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dose:
    medicine: str
    quantity: int
    dose: str
    frequency: str
    days: int
    instructions: str = ""


@dataclass(frozen=True)
class Story:
    complaint: str
    symptoms: str
    findings: str
    vitals: dict[str, str]  # by name, see clinical.vitals
    diagnoses: tuple[str, ...]
    tests: dict[str, str] = field(default_factory=dict)  # value by code
    doses: tuple[Dose, ...] = ()
    priority: str = "routine"
    who: str = "adult"  # or woman, child


WELL = {
    "temperature": "36.7",
    "pulse": "74",
    "breathing": "15",
    "systolic": "122",
    "diastolic": "78",
    "oxygen": "98",
    "weight": "74.5",
    "height": "172.0",
}

STORIES: dict[str, Story] = {
    "pneumonia": Story(
        "Cough and fever for five days",
        "Productive cough, fever at night, pain on the right when breathing in.",
        "Crackles at the right base. No oedema.",
        {**WELL, "temperature": "38.9", "pulse": "104", "breathing": "22", "oxygen": "94", "pain": "4"},
        ("J18.9",),
        {"WBC": "15.2", "CRP": "11.8", "HB": "13.4"},
        (Dose("AZIT250", 6, "2 tablets", "once a day", 3), Dose("PARA500", 30, "2 tablets", "up to 4 times a day", 5, "For fever")),
        "urgent",
    ),
    "urine": Story(
        "Burning when passing water",
        "Frequent and painful micturition for two days. No fever, no back pain.",
        "Mild suprapubic tenderness.",
        {**WELL, "temperature": "37.1", "pain": "3", "weight": "63.0", "height": "165.0"},
        ("N39.0",),
        {"UPRO": "trace", "UGLU": "negative", "UCULT": "Escherichia coli, more than 100,000 per mL, sensitive to nitrofurantoin"},
        (Dose("NITR100", 10, "1 capsule", "twice a day", 5, "With food"),),
        who="woman",
    ),
    "sugar": Story(
        "Follow-up of diabetes",
        "Feels well. Sometimes thirsty at night.",
        "Feet without wounds, pulses present.",
        {**WELL, "systolic": "146", "diastolic": "92", "weight": "92.4", "waist": "108"},
        ("E11.65", "I10"),
        {"GLU": "212", "HBA1C": "8.9", "CREA": "0.9"},
        (Dose("METF850", 60, "1 tablet", "twice a day", 30, "With meals"), Dose("AMLO5", 30, "1 tablet", "in the morning", 30)),
    ),
    "anaemia": Story(
        "Tired and short of breath on the stairs",
        "Exhausted for weeks, heavy periods.",
        "Pale conjunctivae. Soft systolic murmur.",
        {**WELL, "pulse": "112", "systolic": "104", "diastolic": "62", "weight": "58.2", "height": "163.0"},
        ("D50.9",),
        {"HB": "6.4", "MCV": "68.0", "FERR": "4", "PLT": "410"},
        (Dose("FERR200", 60, "1 tablet", "twice a day", 30, "With orange juice"),),
        "urgent",
        who="woman",
    ),
    "potassium": Story(
        "Weak legs, on water tablets",
        "Muscle weakness since yesterday, palpitations.",
        "Power reduced in both legs. Pulse irregular.",
        {**WELL, "pulse": "58", "systolic": "138"},
        ("E87.6", "I10"),
        {"K": "2.3", "NA": "136", "CREA": "1.2"},
        (Dose("LISI10", 30, "1 tablet", "in the evening", 30),),
        "urgent",
    ),
    "thyroid": Story(
        "Always cold, gaining weight",
        "Weight gain, constipation, dry skin for months.",
        "Slow reflexes, no goitre.",
        {**WELL, "pulse": "56", "weight": "81.3", "height": "168.0"},
        ("E03.9",),
        {"TSH": "14.20", "CHOL": "248"},
        (Dose("LEVO50", 60, "1 tablet", "before breakfast", 60),),
    ),
    "chest": Story(
        "Pressure in the chest",
        "Retrosternal pressure for an hour, radiating to the left arm.",
        "Sweating. Heart sounds normal.",
        {**WELL, "pulse": "98", "systolic": "158", "diastolic": "96", "pain": "7"},
        ("I20.9",),
        {"TROP": "12", "ECG": "Sinus rhythm, 96 a minute. No elevation of the ST segment."},
        (Dose("ASPI300", 30, "1 tablet", "once a day", 30), Dose("ATOR20", 30, "1 tablet", "in the evening", 30)),
        "emergency",
    ),
    "migraine": Story(
        "Throbbing headache on one side",
        "Headache since this morning with nausea and sensitivity to light.",
        "No neck stiffness, neurological examination normal.",
        {**WELL, "pain": "7"},
        ("G43.909",),
        doses=(Dose("SUMA50", 6, "1 tablet", "at the beginning of an attack", 30, "Not more than 2 a day"), Dose("IBUP400", 20, "1 tablet", "up to 3 times a day", 7)),
    ),
    "stomach": Story(
        "Vomiting and diarrhoea",
        "Since last night, several times. Drinks small amounts.",
        "Abdomen soft, bowel sounds lively, skin turgor slightly reduced.",
        {**WELL, "temperature": "37.8", "pulse": "96"},
        ("A09",),
        doses=(Dose("ORS", 10, "1 sachet", "after each loose stool", 3), Dose("ONDA4", 6, "1 tablet", "up to 3 times a day", 2)),
    ),
    "ankle": Story(
        "Twisted ankle",
        "Fell on the stairs, can put weight on it.",
        "Swelling of the outer ankle, no bony tenderness.",
        {**WELL, "pain": "5"},
        ("S93.401A",),
        doses=(Dose("IBUP400", 15, "1 tablet", "3 times a day", 5, "With food"),),
    ),
    "back": Story(
        "Low back pain after lifting",
        "Since yesterday, no numbness, bladder normal.",
        "Paravertebral tenderness, straight leg raise negative.",
        {**WELL, "pain": "6", "weight": "88.0"},
        ("M54.50",),
        doses=(Dose("PARA500", 40, "2 tablets", "4 times a day", 5), Dose("IBUP400", 15, "1 tablet", "3 times a day", 5)),
    ),
    "pressure": Story(
        "Blood pressure check",
        "No complaints. Readings at home around 150.",
        "Heart and lungs normal.",
        {**WELL, "systolic": "152", "diastolic": "94"},
        ("I10",),
        {"CREA": "1.0", "K": "4.3", "LDL": "148"},
        (Dose("AMLO5", 30, "1 tablet", "in the morning", 30), Dose("ATOR20", 30, "1 tablet", "in the evening", 30)),
    ),
    "rash": Story(
        "Itching rash on both arms",
        "Since a walk in the garden three days ago.",
        "Streaks of small vesicles on both forearms.",
        {**WELL},
        ("L23.9",),
        doses=(Dose("HYDR1", 1, "a thin layer", "twice a day", 7), Dose("CETI10", 10, "1 tablet", "in the evening", 10)),
    ),
    "advice": Story(
        "Advice before a journey",
        "Travels to Kenya in six weeks. Healthy.",
        "Nothing abnormal.",
        {**WELL},
        ("Z71.3",),
    ),
    "ear": Story(
        "Earache and fever",
        "Pulls at the left ear since last night.",
        "Left eardrum red and bulging.",
        {"temperature": "38.6", "pulse": "110", "breathing": "22", "oxygen": "98", "weight": "21.5", "height": "118.0"},
        ("H66.90",),
        doses=(Dose("AMOXS", 2, "5 mL", "3 times a day", 7, "Shake the bottle"),),
        who="child",
    ),
    "throat": Story(
        "Sore throat",
        "Hurts when swallowing, no cough.",
        "Tonsils red with white spots, lymph nodes of the neck swollen.",
        {"temperature": "38.2", "pulse": "104", "breathing": "21", "oxygen": "99", "weight": "24.0", "height": "124.0"},
        ("J03.90",),
        {"CRP": "3.1", "WBC": "12.4"},
        (Dose("AMOXS", 2, "5 mL", "3 times a day", 7),),
        who="child",
    ),
}  # fmt: skip
