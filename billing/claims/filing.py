"""The clocks of a claim that the payer has not taken: until when it may be filed, and how long it has been rejected.

They are read from the calendar; nobody has to touch the row.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from billing.models import Claim
from billing.models.claim import REJECTED_FOR, TIERS
from clinical import days


def tier_of(claim: Claim) -> int | None:
    """30, 14, 7 or 0 days before the deadline, once it is reached; -1 when it has passed."""
    left = claim.days_left
    if left is None or left > TIERS[0]:
        return None
    return -1 if left < 0 else min(tier for tier in TIERS if left <= tier)


def newly_near() -> models.QuerySet[Claim]:
    """Those that reached a tier of which nobody was told yet."""
    today, due = days.today(), models.Q()
    for tier in TIERS:
        due |= models.Q(deadline__lte=today + timedelta(days=tier)) & untold(tier)
    return Claim.objects.to_file().filter(due | models.Q(deadline__lt=today) & untold(-1))


def untold(tier: int) -> models.Q:
    return models.Q(said_tier=None) | models.Q(said_tier__gt=tier)


@transaction.atomic
def notice(claim: Claim) -> bool:
    """Once for each tier."""
    claim.lock()
    tier = tier_of(claim)
    if tier is None or (claim.said_tier is not None and claim.said_tier <= tier):
        return False
    claim.put(said_tier=tier)
    return True


def days_rejected(claim: Claim) -> int:
    """Whole days since the payer rejected it."""
    return (timezone.now() - claim.status_at).days if claim.status == Claim.Status.REJECTED else 0


def long_rejected() -> models.QuerySet[Claim]:
    """Those that nobody has mended for so long as nobody was told yet."""
    due, now = models.Q(), timezone.now()
    for tier in REJECTED_FOR:
        due |= models.Q(status_at__lte=now - timedelta(days=tier), said_rejected__lt=tier)
    return Claim.objects.rejected().filter(due)


@transaction.atomic
def notice_rejected(claim: Claim) -> bool:
    """Once for each tier."""
    claim.lock()
    tier = next((one for one in REJECTED_FOR if one <= days_rejected(claim)), 0)
    if tier <= claim.said_rejected:
        return False
    claim.put(said_rejected=tier)
    return True


def in_words(claim: Claim) -> str:
    """How long it may still be filed, or has been rejected; nothing while that is long, or it is with the payer."""
    left = claim.days_left
    if left is None or left > TIERS[0]:
        return rejected_in_words(claim)
    if left < 0:
        return f"{claim.number} was not filed in time"
    return f"{claim.number} must be filed {'today' if left == 0 else f'within {left} days'}"


def rejected_in_words(claim: Claim) -> str:
    since = days_rejected(claim)
    return (
        f"{claim.number} was rejected {since} days ago, and nobody has mended it" if since >= REJECTED_FOR[-1] else ""
    )
