"""How a claim begins: from a signed encounter and the charges of its visit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from billing.claims.kept import follow, kept_of
from billing.models import Charge, Claim, ClaimLine, ClaimVersion, Kind, ProcedureCode
from billing.models.claim import MANAGE
from billing.models.claim_version import MOST_DIAGNOSES
from billing.models.procedure_code import CPT
from billing.money import ZERO
from billing.x12.claim import VOID
from clinical.models import Encounter, Policy
from clinical.models.diagnosis import Diagnosis
from hospital.context import current
from hospital.models import Counter, Person
from hospital.seals import raw
from hospital.workflow import Refused, allow
from scheduling.models import Appointment

RELATIONS = {"self": "18", "spouse": "01", "parent": "19", "other": "G8"}  # of the patient to the holder (SBR02)
SIGNED = (Encounter.Status.SIGNED, Encounter.Status.COSIGNED)
NO_PAYER_WAITS_LONGER = timedelta(days=400)
ORDERS = {Claim.Order.PRIMARY: 1, Claim.Order.SECONDARY: 2, Claim.Order.TERTIARY: 3}


def to_be_claimed() -> models.QuerySet[Encounter]:
    """Signed notes of insured patients, in whose visit something was charged that is on no claim.

    Also what was charged after the claim had gone out: that one is corrected then. One that has not gone out takes it up.
    """
    insured = Policy.objects.in_use().filter(patient=models.OuterRef("patient"), payer__isnull=False)
    claims = Claim.objects.filter(visit=models.OuterRef("visit"), order=Claim.Order.PRIMARY, status__in=Claim.UNSENT)
    left_out = Claim.objects.filter(encounter=models.OuterRef("pk"), status=Claim.Status.WITHDRAWN)
    charged = unclaimed().filter(visit=models.OuterRef("visit"))
    lately = Encounter.objects.shown().filter(status__in=SIGNED, signed_at__gte=timezone.now() - NO_PAYER_WAITS_LONGER)
    signed = lately.filter(models.Exists(insured), models.Exists(charged))
    return signed.exclude(models.Exists(claims)).exclude(models.Exists(left_out)).order_by("signed_at", "pk")


def unclaimed() -> models.QuerySet[Charge]:
    """What could still be claimed from the first payer: done, not waived, no courtesy, not free, and on no claim that stands."""
    on_claim = ClaimLine.objects.filter(
        charge=models.OuterRef("pk"),
        claim_version=models.F("claim_version__claim__current"),
        claim_version__claim__order=Claim.Order.PRIMARY,
    ).exclude(claim_version__claim__status__in=Claim.GONE)
    courtesy = ProcedureCode.objects.filter(
        kind=models.OuterRef("kind"), code=models.OuterRef("code"), is_claimed=False
    )
    charged = Charge.objects.open().filter(models.Q(amount__gt=0) | models.Q(needs_price=True))
    return charged.exclude(models.Exists(on_claim)).exclude(models.Exists(courtesy))


def standing_for(notes: Iterable[Encounter]) -> dict[UUID, Claim]:
    """The claims to first payers that stand already, by note: what was charged late is claimed with their correction."""
    rows = Claim.objects.standing().filter(encounter__in=list(notes), order=Claim.Order.PRIMARY)
    return {claim.encounter_id: claim for claim in rows}


def policy_of(encounter: Encounter, order: str, on: date) -> Policy | None:
    """The policy in use at this place of the order of payers, on that day."""
    place = (encounter.patient_id, order, on)
    return policies_at([place]).get(place)


def policies_at(places: Collection[tuple[UUID, str, date]]) -> dict[tuple[UUID, str, date], Policy]:
    """The policies in use, by patient, place in the order of payers, and day: in one question, however many are asked for."""
    rows = Policy.objects.in_use().filter(patient__in={patient for patient, _, _ in places}, payer__isnull=False)
    in_use = {(row.patient_id, row.order): row for row in rows.select_related("payer")}
    found = {place: in_use.get((place[0], ORDERS[Claim.Order(place[1])])) for place in places}
    return {place: row for place, row in found.items() if row and covers(row, place[2])}


def covers(policy: Policy, on: date) -> bool:
    return (policy.valid_from or on) <= on <= (policy.valid_until or on)


@transaction.atomic
def begin(encounter: Encounter, *, by: Person | None) -> Claim:
    """A draft to the first payer. One that stands already is it."""
    allow(MANAGE, by)
    encounter.visit.lock()
    encounter.refresh_from_db()
    if encounter.status not in SIGNED:
        raise Refused("Only a signed note is claimed: ask its author to sign it.")
    if standing := Claim.objects.standing().filter(encounter=encounter, order=Claim.Order.PRIMARY).first():
        return standing
    on = day_of(encounter)
    policy = policy_of(encounter, Claim.Order.PRIMARY, on)
    if policy is None:
        raise Refused(
            f"No insurance of the patient was in use on {on:%-d %b %Y}, or it names no insurer of the list. Record it first."
        )
    return start(encounter, policy, Claim.Order.PRIMARY, by=by)


def begin_by_itself(encounter: Encounter) -> None:
    """At the signature. Nothing that is missing stands in its way: then the note waits in the list."""
    if not Policy.objects.in_use().filter(patient=encounter.patient_id, payer__isnull=False).exists():
        return
    if to_be_claimed().filter(pk=encounter.pk).exists() and policy_of(
        encounter, Claim.Order.PRIMARY, day_of(encounter)
    ):
        begin(encounter, by=None)


def let_go(encounter: Encounter, *, by: Person | None) -> None:
    """What it rests on was a mistake. What the payer has got is told, and corrected by a person."""
    words = "The note was entered in error"
    for claim in Claim.objects.standing().filter(encounter=encounter).order_by("serial"):
        claim.lock()
        if claim.is_unsent and not (claim.current and claim.current.corrects):
            claim.go(Claim.Status.WITHDRAWN, by=None, words=words)
        else:
            claim.put()
            claim.tell(f"{words}: make the claim void", by=by)


def start(
    encounter: Encounter,
    policy: Policy,
    order: str,
    *,
    by: Person | None,
    previous: Claim | None = None,
    decided_on: date | None = None,
) -> Claim:
    """A later payer counts from the day on which the one before decided."""
    on = day_of(encounter)
    claim = Claim(
        patient_id=encounter.patient_id,
        visit=encounter.visit,
        encounter=encounter,
        policy=policy,
        payer=policy.payer,
        order=order,
        previous=previous,
        service_on=on,
        serial=Counter.take("claim"),
    )
    claim.deadline = claim.file_by(max(decided_on or on, on))
    version = ClaimVersion(claim=claim, number=1, diagnoses=diagnoses_of(encounter), place=place_of(encounter))
    claim.current = version
    lines = lines_of(version) if previous is None else lines_after(previous, version)
    claim.amount = sum((line.amount for line in lines), ZERO)
    claim.start(by=by)
    version.save(force_insert=True)
    for line in lines:
        line.save(force_insert=True)
    claim.tell(f"After {previous.number}" if previous else "From the signed note", by=by)
    return claim


def place_of(encounter: Encounter) -> str:
    """By the appointment that the visit came of: a video visit has no other place than the patient's home."""
    if encounter.visit.appointments.filter(kind=Appointment.Kind.VIRTUAL).exists():
        return ClaimVersion.Place.TELEHEALTH_HOME
    return ClaimVersion.Place.OFFICE


def day_of(encounter: Encounter) -> date:
    return local_day(encounter.visit.registered_at)


def local_day(moment) -> date:
    return timezone.localdate(moment, current().tenant.zone)


@raw()
def diagnoses_of(encounter: Encounter) -> list[str]:
    """As they were signed, the main one first. What is only suspected is not claimed as if it were known."""
    rows = encounter.diagnosis_snapshots.filter(certainty=Diagnosis.Certainty.CONFIRMED)
    codes = rows.order_by("-is_primary", "position").values_list("code", flat=True)
    return [code.replace(".", "") for code in codes][:MOST_DIAGNOSES]


def lines_of(version: ClaimVersion) -> list[ClaimLine]:
    """One for each charge of the visit that insurers are asked for. What has no code yet is there, and held back by the check."""
    codes = ProcedureCode.objects.all().by_charge()
    claim = version.claim
    charges = list(unclaimed().filter(visit=claim.visit))
    lines = [
        line_of(version, charge, codes.get((charge.kind, charge.code)) or by_itself(charge), position)
        for position, charge in enumerate(charges, 1)
    ]
    kept = kept_of(charges)
    for line in lines:
        follow(line, kept)
    return lines


def by_itself(charge: Charge) -> ProcedureCode:
    """A procedure that is charged by its code of CPT needs no other. Of all else nobody has said the code."""
    is_cpt = charge.kind == Kind.PROCEDURE and re.match(CPT, charge.code)
    return ProcedureCode(procedure=charge.code if is_cpt else "")


def lines_after(previous: Claim, version: ClaimVersion) -> list[ClaimLine]:
    """To a later payer goes what went to the one before. What that one authorised, this one did not."""
    lines = previous.current.lines.select_related("charge").order_by("position") if previous.current else []
    return [copy_of(line, version, authorisation="") for line in lines]


def copy_of(line: ClaimLine, version: ClaimVersion, **changed: Any) -> ClaimLine:
    names = (
        *("position", "charge", "procedure", "modifiers", "units", "amount"),
        *("pointers", "service_on", "authorisation"),
    )
    return ClaimLine(claim_version=version, **{name: getattr(line, name) for name in names} | changed)


def line_of(version: ClaimVersion, charge: Charge, code: ProcedureCode, position: int) -> ClaimLine:
    return ClaimLine(
        claim_version=version,
        position=position,
        charge=charge,
        procedure=code.procedure,
        modifiers=list(code.modifiers),
        units=charge.quantity,
        amount=charge.amount,
        pointers=[1] if version.diagnoses else [],
        service_on=local_day(charge.charged_at),
    )


@transaction.atomic
def gather(claim: Claim) -> None:
    """What was charged, cancelled or priced since. What somebody wrote into the other lines stays.

    A later payer is asked for nothing that the first was not; what is made void is said as it was.
    """
    claim.lock()
    version = claim.current
    if not claim.is_edited or version is None or version.is_frozen or version.frequency == VOID:
        return
    lines = list(version.lines.select_related("charge"))
    gone = [line for line in lines if not line.charge.is_open]
    for line in gone:
        line.findings.all().delete()
        line.delete()
    kept = [line for line in lines if line not in gone]
    known = {one.charge_id for one in kept}
    new = [] if claim.previous else [line for line in lines_of(version) if line.charge_id not in known]
    for position, line in enumerate(new, max((line.position for line in kept), default=0) + 1):
        line.position = position
        line.save(force_insert=True)
    pieces = kept_of(line.charge for line in kept)
    for line in kept:
        if follow(line, pieces):
            line.save(update_fields=["units", "amount"])
    total = sum((line.amount for line in [*kept, *new]), ZERO)
    if total != claim.amount or gone or new:
        claim.put(amount=total)
