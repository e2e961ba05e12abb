"""What a payer wanted to be asked before: a claim carries the number of the authorisation, and uses its units."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from billing.models import Authorisation, AuthorisationUse, Claim, ClaimLine
from billing.models.authorisation import covering
from hospital.seals import raw


def granted(claim: Claim, line: ClaimLine, number: str = "") -> Authorisation | None:
    if not line.procedure:
        return None
    of = (claim.patient, claim.payer, line.procedure, line.service_on)
    return covering(*of, units=line.units, source=line.charge_id, number=number)


@raw()
def carry_numbers(claim: Claim) -> None:
    """Into the lines of a draft that have none. What somebody wrote stays."""
    version = claim.current
    if version is None or version.is_frozen:
        return
    for line in version.lines.filter(authorisation=""):
        found = granted(claim, line)
        if found is not None and found.payer_number:
            line.authorisation = found.payer_number
            line.save(update_fields=["authorisation"])


@raw()
def use_units(claim: Claim) -> None:
    """Once for each charge, however often the claim is made ready. What the line does not say any more is given back first."""
    if claim.current is None:
        return
    lines = list(claim.current.lines.exclude(authorisation="").select_related("charge"))
    said: dict[Any, ClaimLine] = {line.charge_id: line for line in lines}
    for use in uses_of(claim):
        line = said.get(use.source)
        if line is None or (line.units, line.authorisation) != (use.units, use.authorisation.payer_number):
            use.authorisation.give_back(use, f"{claim.number}: the line was changed", by=None)
    for line in lines:
        found = granted(claim, line, number=line.authorisation)
        if found is not None:
            found.use(line.units, line.service_on, by=None, source=line.charge_id, note=claim.number)


@raw()
def give_back_units(claim: Claim, reason: str) -> None:
    """What is not claimed after all was not used either."""
    for use in uses_of(claim):
        use.authorisation.give_back(use, f"{claim.number}: {reason}"[:200], by=None)


def uses_of(claim: Claim) -> list[AuthorisationUse]:
    """What any version of it used of what its own payer granted, and another claim to that payer does not count on."""
    charges = ClaimLine.objects.filter(claim_version__claim=claim)
    elsewhere = ClaimLine.objects.filter(
        claim_version__claim__in=Claim.objects.standing().filter(payer=claim.payer).exclude(pk=claim.pk),
        claim_version=F("claim_version__claim__current"),
    )
    used = AuthorisationUse.objects.filter(authorisation__payer=claim.payer, reverses=None, reversals=None)
    used = used.filter(source__in=charges.values("charge")).exclude(source__in=elsewhere.values("charge"))
    return list(used.select_related("authorisation").order_by("authorisation", "pk"))
