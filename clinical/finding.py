"""Finding a patient again: by whatever somebody remembers, and before registering the same person twice.

Under row-level security an index serves only operators that are marked leakproof, as docs/operations.md does: with the
mark, a name among 200,000 is found in 8 ms, without it in 440. The column begins with a space, and so does each word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, TypeVar

import phonenumbers
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection
from django.db.models import Case, F, FloatField, Q, Value, When
from django.db.models.functions import Greatest

from clinical import phones
from clinical.names import fold

if TYPE_CHECKING:
    from clinical.models.patient import Patient, Patients

P = TypeVar("P", bound="Patients")
TOO_LITTLE = 3
SHORTEST_PHONE = 5  # digits that are worth looking for among telephones
ALIKE = 0.4  # of the trigrams of a word: "okafro" finds Okafor
NUMBER = re.compile(r"\A(?:p[-\s]?)?0*(\d{1,12})\Z", re.IGNORECASE)
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: at for at, name in enumerate(MONTH_NAMES, 1)}
YEAR_FIRST = re.compile(r"\A(\d{4})[-./ ](\d{1,2})[-./ ](\d{1,2})\Z")
DAY_FIRST = re.compile(r"\A(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4})\Z")
IN_WORDS = re.compile(r"\A(\d{1,2})\.? ([a-z]{3})[a-z]*\.?,? (\d{4})\Z")
MONTH_FIRST = re.compile(r"\A([a-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})\Z")


def search(patients: P, text: str) -> P:
    """The best first. Nothing typed finds nobody."""
    text = " ".join(text.split())[:100]
    words = fold(text).split()
    if not words:
        return patients.none()
    if dates := dates_in(text):
        return patients.filter(birth_date__in=dates)
    exact = known_by(text, words)
    found = patients.filter(exact)
    if any(character.isdigit() for character in text) or found[:TOO_LITTLE].count() == TOO_LITTLE:
        return ranked(found, text, words)
    allow_typing_errors()
    return ranked(patients.filter(exact | alike(words)), text, words)


def known_by(text: str, words: list[str]) -> Q:
    """Each word somewhere in the names, the telephone or the document; or the number; or the telephone as said."""
    condition = Q()
    for word in words:
        condition &= anywhere(word)
    if match := NUMBER.match(text):
        condition |= Q(mrn=int(match[1]))
    if digits := phone_digits(text):
        condition |= Q(search__contains=digits)
    return condition


def alike(words: list[str]) -> Q:
    condition = Q()
    for word in words:
        condition &= Q(search__trigram_word_similar=word) if len(word) > 2 else anywhere(word)
    return condition


def anywhere(word: str) -> Q:
    """One or two letters only begin a word: inside of words they are everywhere, and no index knows them."""
    return Q(search__contains=word if len(word) > 2 else f" {word}")


def ranked(found: P, text: str, words: list[str]) -> P:
    if all(len(word) < 3 for word in words) and not NUMBER.match(text):
        return found.order_by("family_name", "given_name", "id")
    match = NUMBER.match(text)
    number = int(match[1]) if match else -1
    own = Case(When(mrn=number, then=Value(2.0)), default=Value(0.0), output_field=FloatField())
    return found.annotate(likeness=Greatest(own, TrigramWordSimilarity(" ".join(words), "search"))).order_by(
        F("likeness").desc(), "family_name", "given_name", "id"
    )


def allow_typing_errors() -> None:
    """The threshold of the trigram operator, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [str(ALIKE)])


def phone_digits(text: str) -> str:
    """What a telephone number would be stored as, if this is one or a part of one."""
    digits = "".join(character for character in text if character.isdigit()).lstrip("0")
    if len(digits) < SHORTEST_PHONE:
        return ""
    number = phones.parse(text)
    if number is None or not phonenumbers.is_possible_number(number):
        return digits
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+")


def dates_in(text: str) -> list[date]:
    """All dates that the text can mean: 3/4/1990 is a day in April or in March."""
    text = text.casefold().strip()
    if match := YEAR_FIRST.match(text):
        return real((match[1], match[2], match[3]))
    if match := DAY_FIRST.match(text):
        return real((match[3], match[2], match[1]), (match[3], match[1], match[2]))
    if match := IN_WORDS.match(text):
        return real((match[3], MONTHS.get(match[2], 0), match[1]))
    if match := MONTH_FIRST.match(text):
        return real((match[3], MONTHS.get(match[1], 0), match[2]))
    return []


def real(*readings: tuple[str | int, str | int, str | int]) -> list[date]:
    found = []
    for year, month, day in readings:
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return found


# --- the same person twice ---------------------------------------------------------------

WORTH_SAYING = 50
CANDIDATES = 50


@dataclass(frozen=True)
class Description:
    given_name: str = ""
    family_name: str = ""
    birth_date: date | None = None
    phone: str = ""
    document_number: str = ""

    @property
    def name(self) -> str:
        return fold(f"{self.given_name} {self.family_name}")

    @property
    def document(self) -> str:
        return fold(self.document_number).replace(" ", "")


def duplicates(described: Description, exclude: Patient | None) -> list[tuple[Patient, int, list[str]]]:
    found = []
    for patient in candidates(described, exclude):
        score, reasons = likeness(described, patient)
        if score >= WORTH_SAYING:
            found.append((patient, score, reasons))
    return sorted(found, key=lambda entry: (-entry[1], entry[0].mrn))[:5]


def candidates(described: Description, exclude: Patient | None) -> Patients:
    from clinical.models.patient import Patient

    condition = same_name(described.name.split()) if len(described.name) > 2 else Q(pk=None)
    if described.birth_date:
        condition |= Q(birth_date__in=[described.birth_date, *swapped(described.birth_date)])
    if described.phone:
        condition |= Q(phone=described.phone)
    if described.document_number.strip():
        condition |= Q(search__endswith=f" {described.document}")
    allow_typing_errors()
    likely = TrigramWordSimilarity(described.name, "search")
    others = Patient.objects.exclude(pk=exclude.pk) if exclude else Patient.objects.all()
    return others.filter(condition).order_by(likely.desc())[:CANDIDATES]


def same_name(words: list[str]) -> Q:
    condition = Q()
    for word in words:
        condition &= Q(search__trigram_word_similar=word)
    return condition


def likeness(described: Description, patient: Patient) -> tuple[int, list[str]]:
    """How much speaks for the same person. A shared telephone alone is a family, a shared birthday alone is chance."""
    parts = [
        part
        for part in (
            by_document(described, patient),
            by_name(described, patient),
            by_birth(described, patient),
            by_phone(described, patient),
        )
        if part
    ]
    score = sum(points for points, _ in parts)
    return max(0, min(100, score)), [reason for _, reason in parts if reason]


def by_document(described: Description, patient: Patient) -> tuple[int, str] | None:
    same = described.document and described.document == fold(patient.document_number).replace(" ", "")
    return (100, "same identity document") if same else None


def by_name(described: Description, patient: Patient) -> tuple[int, str] | None:
    mine, theirs = described.name, fold(patient.name)
    if not mine:
        return None
    if sorted(mine.split()) == sorted(theirs.split()):
        return 55, "same name"
    ratio = max(
        SequenceMatcher(None, mine, theirs).ratio(),
        SequenceMatcher(None, " ".join(sorted(mine.split())), " ".join(sorted(theirs.split()))).ratio(),
    )
    return (round(45 * ratio), "similar name") if ratio >= 0.75 else None


def by_birth(described: Description, patient: Patient) -> tuple[int, str] | None:
    mine, theirs = described.birth_date, patient.birth_date
    if mine is None or theirs is None:
        return None
    if mine == theirs:
        return 35, "same date of birth"
    if theirs in swapped(mine):
        return 20, "day and month of birth exchanged"
    if patient.birth_date_estimated and abs((mine - theirs).days) < 800:
        return 10, "about the same age"
    return -20, ""


def by_phone(described: Description, patient: Patient) -> tuple[int, str] | None:
    return (25, "same telephone") if described.phone and described.phone == patient.phone else None


def swapped(day: date) -> list[date]:
    return [other for other in real((day.year, day.day, day.month)) if other != day]
