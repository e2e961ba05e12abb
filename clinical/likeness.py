"""Whether two records are one person: what speaks for it, and how much. A person decides.

Points add up to at most 100. A shared telephone alone is a family, a shared birthday alone is chance; 50 is worth saying.
Names that only sound alike are told by Double Metaphone (Lawrence Philips), which PostgreSQL brings in fuzzystrmatch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection
from django.db.models import Q

from clinical.finding import allow_typing_errors, real
from clinical.names import fold

if TYPE_CHECKING:
    from clinical.models.patient import Patient, Patients

WORTH_SAYING = 50
CANDIDATES = 50
SHOWN = 5
ABOUT = 800  # days by which an estimated date of birth may be wrong
Point = tuple[int, str]
_sounds: dict[str, tuple[str, ...]] = {}
REMEMBERED = 100_000


@dataclass(frozen=True)
class Description:
    """What is compared: of a record, or of a form that is still being typed."""

    given_name: str = ""
    family_name: str = ""
    birth_date: date | None = None
    phone: str = ""
    document_number: str = ""
    email: str = ""
    birth_date_estimated: bool = False
    policies: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, patient: Patient, policies: Iterable[str] = ()) -> Description:
        return cls(
            patient.given_name,
            patient.family_name,
            patient.birth_date,
            patient.phone,
            patient.document_number,
            patient.email,
            patient.birth_date_estimated,
            frozenset(plain(number) for number in policies),
        )

    @property
    def name(self) -> str:
        return fold(f"{self.given_name} {self.family_name}")

    @property
    def document(self) -> str:
        return plain(self.document_number)


def plain(number: str) -> str:
    return fold(number).replace(" ", "")


# --- who comes into question ---------------------------------------------------------------


def duplicates(described: Description, exclude: Patient | None) -> list[tuple[Patient, int, list[str]]]:
    """The most alike first."""
    likely = list(candidates(described, exclude))
    learn(word for other in [described.name, *(fold(one.name) for one in likely)] for word in other.split())
    found = []
    for patient in likely:
        policies = [policy.member_number for policy in patient.policies.all()]
        score, reasons = likeness(described, Description.of(patient, policies))
        if score >= WORTH_SAYING:
            found.append((patient, score, reasons))
    return sorted(found, key=lambda entry: (-entry[1], entry[0].mrn))[:SHOWN]


def candidates(described: Description, exclude: Patient | None) -> Patients:
    from clinical.models.patient import Patient

    condition = same_name(described.name.split()) if len(described.name) > 2 else Q(pk=None)
    if described.birth_date:
        condition |= Q(birth_date__in=[described.birth_date, *swapped(described.birth_date)])
    if described.phone:
        condition |= Q(phone=described.phone)
    if described.document:
        condition |= Q(search__contains=f" {described.document}")
    if described.policies:
        condition |= Q(pk__in=holders(described.policies))
    allow_typing_errors()
    likely = TrigramWordSimilarity(described.name, "search")
    others = Patient.objects.filter(merged_into=None, is_restricted=False)
    others = others.exclude(pk=exclude.pk) if exclude else others
    return others.filter(condition).order_by(likely.desc()).prefetch_related("policies")[:CANDIDATES]


def holders(numbers: Iterable[str]) -> list:
    from clinical.models.policy import Policy

    return list(
        Policy.objects.filter(member_number__in=list(numbers)).values_list("patient_id", flat=True)[:CANDIDATES]
    )


def same_name(words: list[str]) -> Q:
    condition = Q()
    for word in words:
        condition &= Q(search__trigram_word_similar=word)
    return condition


# --- how much speaks for it ----------------------------------------------------------------


def likeness(one: Description, other: Description) -> tuple[int, list[str]]:
    judged = (judge(one, other) for judge in (by_document, by_policy, by_name, by_birth, by_phone, by_email))
    points = [point for point in judged if point]
    score = sum(worth for worth, _ in points)
    return max(0, min(100, score)), [reason for _, reason in points if reason]


def by_document(one: Description, other: Description) -> Point | None:
    return (100, "same identity document") if one.document and one.document == other.document else None


def by_policy(one: Description, other: Description) -> Point | None:
    """Families share a number."""
    return (20, "same policy number") if one.policies & other.policies else None


def by_name(one: Description, other: Description) -> Point | None:
    mine, theirs = one.name, other.name
    if not mine or not theirs:
        return None
    if sorted(mine.split()) == sorted(theirs.split()):
        return 55, "same name"
    sorted_mine, sorted_theirs = (" ".join(sorted(name.split())) for name in (mine, theirs))
    ratio = max(
        SequenceMatcher(None, mine, theirs).ratio(),
        SequenceMatcher(None, sorted_mine, sorted_theirs).ratio(),
        trigrams_in_common(mine, theirs),
    )
    if sound_alike(mine, theirs):
        return max(42, round(45 * ratio)), "similar name" if ratio >= 0.75 else "name sounds alike"
    return (round(45 * ratio), "similar name") if ratio >= 0.75 else None


def by_birth(one: Description, other: Description) -> Point | None:
    mine, theirs = one.birth_date, other.birth_date
    if mine is None or theirs is None:
        return None
    estimated = one.birth_date_estimated or other.birth_date_estimated
    if mine == theirs:
        return (15, "about the same age") if estimated else (35, "same date of birth")
    if theirs in swapped(mine):
        return 20, "day and month of birth exchanged"
    if estimated and abs((mine - theirs).days) < ABOUT:
        return 10, "about the same age"
    if one_digit_off(mine, theirs):
        return 15, "one digit of the date of birth differs"
    return -20, ""


def by_phone(one: Description, other: Description) -> Point | None:
    return (25, "same telephone") if one.phone and one.phone == other.phone else None


def by_email(one: Description, other: Description) -> Point | None:
    return (20, "same e-mail") if one.email and one.email.casefold() == other.email.casefold() else None


def swapped(day: date) -> list[date]:
    return [other for other in real((day.year, day.day, day.month)) if other != day]


def one_digit_off(mine: date, theirs: date) -> bool:
    return sum(a != b for a, b in zip(mine.isoformat(), theirs.isoformat(), strict=True)) == 1


def trigrams_in_common(mine: str, theirs: str) -> float:
    """As pg_trgm counts them."""
    a, b = trigrams(mine), trigrams(theirs)
    return len(a & b) / len(a | b) if a | b else 0.0


def trigrams(name: str) -> set[str]:
    return {padded[at : at + 3] for word in name.split() for padded in [f"  {word} "] for at in range(len(padded) - 2)}


# --- how names sound -----------------------------------------------------------------------


def sound_alike(mine: str, theirs: str) -> bool:
    """Each word of the shorter name sounds like another word of the longer one. A single word says too little."""
    short, long = sorted((mine.split(), theirs.split()), key=len)
    if len(short) < 2:
        return False
    left = list(long)
    for word in short:
        match = next((other for other in left if same_sound(word, other)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def same_sound(word: str, other: str) -> bool:
    if word == other:
        return True
    learn((word, other))
    return bool(set(_sounds[word]) & set(_sounds[other]))


def learn(words: Iterable[str]) -> None:
    """How these words sound, asked of the database once each. Only Latin letters have a sound here."""
    unknown = sorted({word for word in words if word not in _sounds})
    if not unknown:
        return
    if len(_sounds) > REMEMBERED:
        _sounds.clear()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w, dmetaphone(w), dmetaphone_alt(w) FROM unnest(%s::text[]) w WHERE w ~ '^[a-z]+$'", [unknown]
        )
        heard = {word: (first, second) for word, first, second in cursor.fetchall()}
    _sounds.update({word: tuple(filter(None, heard.get(word, ()))) for word in unknown})
