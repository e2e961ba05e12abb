"""Patients of our own, and those of the public records if they lie beside the project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random

from billing.demo import charts
from clinical import days
from clinical.fhir.files import files_under
from clinical.fhir.importer import Import
from clinical.models import Allergy, Patient, Problem
from hospital.models import Person, Tenant

WOMEN = (
    "Amara Okafor", "Lucía Fernández", "Ingrid Solberg", "Mei Tanaka", "Aisha Rahman", "Chloé Laurent", "Zofia Kowalska", "Leilani Kahale",
    "Ruth Abernathy", "Thandiwe Dlamini", "Sofia Rossi", "Nadia Petrova", "Harriet Blackwood", "Yara Mansour", "Bridget O'Neill", "Parvati Iyer",
    "Camila Duarte", "Esther Mwangi", "Freya Lindholm", "Josephine Baker-Hill",
)  # fmt: skip
MEN = (
    "Kwame Mensah", "Diego Castillo", "Lars Andersen", "Hiroshi Sato", "Omar Farouk", "Étienne Moreau", "Piotr Nowak", "Keoni Makoa",
    "Walter Prescott", "Sipho Ndlovu", "Marco Bianchi", "Dmitri Volkov", "Arthur Pembroke", "Karim Nasser", "Seán Gallagher", "Arjun Mehta",
    "Rafael Souza", "Joseph Kamau", "Nils Bergström", "Theodore Whitfield",
)  # fmt: skip
STREETS = ("Elm Street", "Mill Lane", "Station Road", "Harbour View", "Church Walk", "Orchard Close", "Bridge Street")
ALLERGIES = (
    ("Penicillin", "medication", "high", "Swelling of the face"),
    ("Peanut", "food", "high", "Hives, shortness of breath"),
    ("Latex", "environment", "low", "Itching"),
    ("Ibuprofen", "medication", "low", "Wheezing"),
)
PROBLEMS = (
    ("I10", "Essential (primary) hypertension"),
    ("E11.9", "Type 2 diabetes mellitus without complications"),
    ("J45.909", "Unspecified asthma, uncomplicated"),
)


def import_public(tenant: Tenant, folder: Path) -> int:
    """How many resources of the public records came in; none, if they are not there."""
    return Import(tenant).take(files_under([str(folder)])).total("new") if folder.is_dir() else 0


def register_own(
    chance: Random, *, city: str, doctor: Person, reception: Person, number: Callable[[int], str]
) -> list[Patient]:
    people = [
        (name, sex) for pair in zip(WOMEN, MEN, strict=True) for name, sex in zip(pair, ("female", "male"), strict=True)
    ]
    chance.shuffle(people)
    return [
        register(name, sex, at, chance, city=city, doctor=doctor, reception=reception, number=number)
        for at, (name, sex) in enumerate(people)
    ]


def register(
    name: str,
    sex: str,
    at: int,
    chance: Random,
    *,
    city: str,
    doctor: Person,
    reception: Person,
    number: Callable[[int], str],
) -> Patient:
    given, _, family = name.partition(" ")
    born = days.today() - timedelta(days=chance.randrange(20 * 365, 85 * 365))
    if at % 6 == 5:
        born = days.today() - timedelta(days=chance.randrange(4 * 366, 11 * 365))
    patient = Patient.register(
        by=reception,
        given_name=given,
        family_name=family,
        sex=sex,
        birth_date=date(born.year, 1, 1) if at == 3 else born,
        birth_date_estimated=at == 3,
        phone=number(at),
        line=f"{chance.randrange(1, 190)} {chance.choice(STREETS)}",
        city=city,
        tags=["interpreter"] if at == 8 else [],
    )
    if at % 5 == 1:
        substance, category, criticality, reaction = ALLERGIES[at // 5 % len(ALLERGIES)]
        Allergy.record(
            patient,
            by=doctor,
            substance=substance,
            category=category,
            criticality=criticality,
            reaction=reaction,
            verification="confirmed",
        )
    if at % 4 == 2 and at % 6 != 5:
        code, words = PROBLEMS[at // 4 % len(PROBLEMS)]
        Problem.record(patient, by=doctor, code=code, system="http://hl7.org/fhir/sid/icd-10-cm", text=words)
    charts.fill(patient, at, doctor=doctor)
    return patient
