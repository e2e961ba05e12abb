"""Which claims of ours a payment could be for that names none of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import models
from django.db.models.functions import RowNumber

from billing.models import Claim, RemittanceClaim
from hospital.seals import raw

OFFERED, LOOKED_AT = 6, 50


@raw()
def likely(heard: Sequence[RemittanceClaim]) -> dict[UUID, list[Claim]]:
    """For each the likeliest first: by payer's number, then by charge, name and day. One question, however many they are."""
    sums = {abs(one.charge) for one in heard}
    numbers = {one.payer_number for one in heard if one.payer_number}
    sent = Claim.objects.shown().filter(submitted_at__isnull=False)
    alike = sent.filter(models.Q(amount__in=sums) | models.Q(payer_number__in=numbers))
    named = models.Case(models.When(payer_number__in=numbers, then="payer_number"), default=models.Value(""))
    place = models.Window(RowNumber(), partition_by=[named, "amount"], order_by=models.F("submitted_at").desc())
    rows = list(alike.annotate(place=place).filter(place__lte=LOOKED_AT).order_by("-submitted_at")) if heard else []
    return {one.pk: offered(one, rows) for one in heard}


def offered(heard: RemittanceClaim, rows: Sequence[Claim]) -> list[Claim]:
    day, names = heard.value.day, parts_of(heard.patient_name)

    def unlike(claim: Claim) -> tuple[bool, bool, bool]:
        return not is_numbered(claim), not names & parts_of(claim.patient.name), claim.service_on != day

    def is_numbered(claim: Claim) -> bool:
        return bool(heard.payer_number) and claim.payer_number == heard.payer_number

    found = [claim for claim in rows if is_numbered(claim) or claim.amount == abs(heard.charge)]
    return sorted(found, key=unlike)[:OFFERED]


def parts_of(name: str) -> set[str]:
    return {part.casefold() for part in name.split()}
