"""Finding a patient again, by whatever somebody remembers.

Under row-level security an index serves only operators that are marked leakproof, as docs/operations.md does: with the
mark, a name among 200,000 is found in 8 ms, without it in 440. The column begins with a space, and so does each word.
"""

from __future__ import annotations

import operator
import re
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import phonenumbers
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection
from django.db.models import Case, FloatField, IntegerField, Q, Value, When
from django.db.models.functions import Cast

from clinical import phones
from clinical.names import fold
from hospital.context import current

if TYPE_CHECKING:
    from clinical.models.patient import Patients

P = TypeVar("P", bound="Patients")
TOO_LITTLE = 3
AT_MOST = 50  # patients of one contact
SHORTEST_PHONE = 5  # digits that are worth looking for among telephones
WHOLLY_LIKE = Cast(Value(1.0), FloatField())  # PostgreSQL does not order by a bare constant
ALIKE = 0.4  # of the trigrams of a word: "okafro" finds Okafor
NUMBER = re.compile(r"\A(?:p[-\s]?)?0*(\d{1,12})\Z", re.IGNORECASE)
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: at for at, name in enumerate(MONTH_NAMES, 1)}
YEAR_FIRST = re.compile(r"\A(\d{4})[-./ ](\d{1,2})[-./ ](\d{1,2})\Z")
DAY_FIRST = re.compile(r"\A(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4})\Z")
IN_WORDS = re.compile(r"\A(\d{1,2})\.? ([a-z]{3})[a-z]*\.?,? (\d{4})\Z")
MONTH_FIRST = re.compile(r"\A([a-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})\Z")


def search(patients: P, text: str) -> P:
    """The best first. Nothing typed finds nobody. What a merged record is found by, finds the one that stands for it."""
    patients = patients.filter(merged_into=None)
    text = " ".join(text.split())[:100]
    words = fold(text).split()
    if not words:
        return patients.none()
    patients = patients.filter(findable(text))
    if dates := dates_in(text):
        return patients.filter(birth_date__in=dates)
    exact = known_by(text, words)
    found = patients.filter(exact)
    if any(character.isdigit() for character in text) or not any(map(is_long, words)) or is_enough(found):
        return ranked(found, text, words, likeness=WHOLLY_LIKE)
    allow_typing_errors()
    likeness = Case(When(exact, then=WHOLLY_LIKE), default=TrigramWordSimilarity(" ".join(words), "search"))
    return ranked(patients.filter(exact | alike(words)), text, words, likeness=likeness)


def is_enough(found: P) -> bool:
    """Ordered by what has no index, as in `ranked`."""
    return len(found.order_by("search").values_list("pk")[:TOO_LITTLE]) == TOO_LITTLE


def is_long(word: str) -> bool:
    """One or two letters only begin a word: inside of words they are everywhere, and no index knows them."""
    return len(word) > 2


def findable(text: str) -> Q:
    """A restricted chart is found by its exact number only, except by those who may open it."""
    from clinical.models.restriction import openable

    person = current().person
    mine = openable(person) if person else set()
    number = NUMBER.match(text)
    return Q(is_restricted=False) | Q(pk__in=mine) | Q(mrn=int(number[1]) if number else -1)


def known_by(text: str, words: list[str]) -> Q:
    """Each word somewhere in the names, the telephone or the document; or the number; or the telephone as said."""
    condition = Q()
    for word in words:
        condition &= anywhere(word)
    if match := NUMBER.match(text):
        condition |= Q(mrn=int(match[1])) | stands_for(int(match[1]))
    if digits := phone_digits(text):
        condition |= Q(search__contains=digits) | Q(pk__in=who_is_reached_by(f"+{digits}"))
    return condition


def who_is_reached_by(number: str) -> list[UUID]:
    """Patients with a contact who has just this telephone: looked up first, so that each condition keeps its index."""
    from clinical.models.contact import PatientContact

    standing = PatientContact.objects.standing().filter(phone=number)
    return list(standing.values_list("patient_id", flat=True)[:AT_MOST])


def stands_for(mrn: int) -> Q:
    """The record into which the one of this number was merged."""
    from clinical.models.patient import Patient

    merged = Patient.objects.filter(mrn=mrn).exclude(merged_into=None).first()
    return Q(pk=merged.current.pk) if merged else Q()


def alike(words: list[str]) -> Q:
    condition = Q()
    for word in words:
        condition &= Q(search__trigram_word_similar=word) if is_long(word) else anywhere(word)
    return condition


def anywhere(word: str) -> Q:
    return Q(search__contains=word if is_long(word) else f" {word}")


def ranked(found: P, text: str, words: list[str], *, likeness: Case | Cast) -> P:
    """The own number, then what has all words, then what is only like them.

    The order is never that of an index, also among those that are equal: else PostgreSQL reads the whole house by name, in
    hope of meeting the first few soon.
    """
    match = NUMBER.match(text)
    own = When(mrn=int(match[1]) if match else -1, then=Value(2.0))
    found = found.annotate(likeness=Case(own, default=likeness, output_field=FloatField()))
    wholly = reduce(operator.add, (how_wholly(word) for word in words))
    return found.annotate(wholly=wholly).order_by("-likeness", "-wholly", "family_name", "given_name", "id")


def how_wholly(word: str) -> Case:
    """A word of its own, the beginning of one, or inside of one. Digits are begun more often than written whole."""
    whole = Q() if word.isdigit() else Q(search__contains=f" {word} ") | Q(search__endswith=f" {word}")
    ways = [When(whole, then=2)] if whole else []
    return Case(*ways, When(search__contains=f" {word}", then=1), default=0, output_field=IntegerField())


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
