"""What of money was begun and waits for its end."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import DateTimeField, Expression, ExpressionWrapper, F, Q
from django.db.models.functions import Cast
from django.utils.text import Truncator

from billing.models import Authorisation, Claim
from billing.models.authorisation import TIERS, VIEW
from billing.models.claim import MANAGE, REJECTED_FOR
from hospital.http import ActingPerson
from hospital.loops import Line, Loop, after

OF_AUTHORISATIONS = ("prior_auth:created", "prior_auth:status_changed", "prior_auth:expiring", "prior_auth:updated")


def day_after(field: str, span: timedelta) -> Expression:
    """So long after the beginning of a day, as the moment that a list is sorted by."""
    return Cast(ExpressionWrapper(F(field) + span, DateTimeField()), DateTimeField())


def authorisation_line(row: Authorisation, acting: ActingPerson) -> Line:
    words = f"{row.number}, {row.policy.insurer}: {row.get_status_display().lower()}"
    whose = row.doctor.name if row.doctor else ""
    note = f"last day {row.valid_until:%-d %b %Y}" if row.valid_until else ""
    return Line(words, row.get_absolute_url(), row.patient, whose, note)


def own_authorisations(acting: ActingPerson) -> Q:
    """A doctor's own; the desk of billing has them all."""
    return Q(doctor=acting.person) if acting.may("clinical.diagnose") else Q()


def claim_line(claim: Claim, acting: ActingPerson) -> Line:
    words = f"{claim.number} to {claim.payer}"
    return Line(words, claim.get_absolute_url(), claim.patient, "", str(claim.get_status_display()))


def rejected_line(claim: Claim, acting: ActingPerson) -> Line:
    words = f"{claim.number} to {claim.payer}: rejected"
    return Line(words, claim.get_absolute_url(), claim.patient, "", Truncator(claim.answer).chars(80))


LOOPS = (
    Loop(
        "claims",
        "Claims near their deadline",
        "report-money",
        MANAGE,
        lambda acting: Claim.objects.near_deadline(),
        since=F("status_at"),
        due=ExpressionWrapper(Cast(F("deadline"), DateTimeField()), DateTimeField()),
        line=claim_line,
        on=("claim:created", "claim:updated", "claim:status_changed"),
        joins=("patient", "payer"),
    ),
    Loop(
        "rejected_claims",
        "Rejected claims to mend",
        "arrow-back-up",
        MANAGE,
        lambda acting: Claim.objects.rejected(),
        since=F("status_at"),
        due=after("status_at", timedelta(days=REJECTED_FOR[-1])),
        line=rejected_line,
        on=("claim:updated", "claim:status_changed"),
        joins=("patient", "payer"),
    ),
    Loop(
        "authorisations",
        "Authorisations that end",
        "file-certificate",
        VIEW,
        lambda acting: Authorisation.objects.expiring(),
        since=day_after("valid_until", timedelta(days=-TIERS[0])),
        due=day_after("valid_until", timedelta(days=1)),
        line=authorisation_line,
        on=OF_AUTHORISATIONS,
        mine=own_authorisations,
        joins=("patient", "policy", "doctor"),
    ),
)
