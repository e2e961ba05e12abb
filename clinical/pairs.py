"""The search through all records of a house for pairs that may be one person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from uuid import UUID

from clinical.likeness import WORTH_SAYING, Description, learn, likeness, plain, swapped
from clinical.models import Patient, Policy, PossibleDuplicate
from hospital.models import Tenant
from hospital.tenancy import acting_for

TOO_MANY = 40  # share this: it says nothing, a date of birth of 1 January for example
Key = tuple[str, object]
FIELDS = ("given_name", "family_name", "birth_date", "phone", "document_number", "email", "birth_date_estimated")


def find_duplicates(tenant: Tenant) -> int:
    """How many new pairs were flagged. Those that somebody decided about are not asked about again."""
    with acting_for(tenant):
        described = dict(descriptions())
        known = set(PossibleDuplicate.objects.values_list("one_id", "other_id"))
    learn(word for one in described.values() for word in one.name.split())
    flagged = 0
    for one, other in sorted(alike_in_something(described)):
        if (one, other) not in known:
            score, reasons = likeness(described[one], described[other])
            flagged += score >= WORTH_SAYING and flag(tenant, one, other, score, reasons)
    return flagged


def descriptions() -> Iterator[tuple[UUID, Description]]:
    numbers = defaultdict(set)
    for pk, number in Policy.objects.values_list("patient_id", "member_number"):
        numbers[pk].add(plain(number))
    rows = Patient.objects.filter(merged_into=None, is_unidentified=False, is_restricted=False).values("pk", *FIELDS)
    for row in rows.iterator():
        yield row["pk"], Description(**{name: row[name] for name in FIELDS}, policies=frozenset(numbers[row["pk"]]))


def alike_in_something(described: dict[UUID, Description]) -> set[tuple[UUID, UUID]]:
    """Only who shares something is compared: a million pairs instead of a billion."""
    sharing: dict[Key, list[UUID]] = defaultdict(list)
    for pk, one in described.items():
        for key in keys_of(one):
            sharing[key].append(pk)
    return {
        (min(pair), max(pair)) for same in sharing.values() if len(same) <= TOO_MANY for pair in combinations(same, 2)
    }


def keys_of(one: Description) -> Iterator[Key]:
    yield "name", " ".join(sorted(one.name.split()))
    if one.birth_date:
        yield "born", min([one.birth_date, *swapped(one.birth_date)])
        yield "family", (one.birth_date.year, min(one.name.split(), default=""))
    for kind, value in (("phone", one.phone), ("document", one.document), ("email", one.email.casefold())):
        if value:
            yield kind, value
    for number in one.policies:
        yield "policy", number


def flag(tenant: Tenant, one: UUID, other: UUID, score: int, reasons: list[str]) -> bool:
    """In a transaction of its own, so that nobody who registers has to wait."""
    with acting_for(tenant):
        both = {patient.pk: patient for patient in Patient.objects.filter(pk__in=(one, other), merged_into=None)}
        if len(both) < 2:
            return False
        found = PossibleDuplicate.Found.SWEEP
        return PossibleDuplicate.flag(both[one], both[other], score, reasons, found=found) is not None
