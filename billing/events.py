"""What colleagues hear about money."""

from __future__ import annotations

from collections.abc import Callable

from billing import authorisation_words, payment_words, refund_words
from billing.claims import filing
from billing.models import (
    Authorisation,
    Claim,
    ClaimBatch,
    Denial,
    JournalEntry,
    PayerFile,
    PayerRefund,
    Refund,
    Remittance,
)
from realtime.catalogue import LiveEvent, Loudness, When, changed, created, either, reached, said

SEES_CLAIMS = "billing.view_claims"
WITH_AUTHORISATIONS, SEES_AUTHORISATIONS = ("billing", "main_doctor"), ("billing.view_authorisation",)


@said("changed in anything but its status")
def claim_rewritten(claim: Claim, created: bool, fields: frozenset[str] | None) -> bool:
    return not created and fields is not None and "status" not in fields


def claim_title(claim: Claim, role: str) -> str:
    return filing.in_words(claim) or f"{claim.number} was changed"


def of_claim(name: str, when: When, title: str | Callable[[Claim, str], str]) -> LiveEvent:
    """All about a claim is heard by the same."""
    return LiveEvent(
        name, Claim, when=when, hears=("billing",), needs=(SEES_CLAIMS,), title=title, link="billing:claim"
    )


EVENTS = (
    LiveEvent(
        "payment:received",
        JournalEntry,
        when=payment_words.money_moved,
        hears=("reception", "billing", "admin", "checker_doctor"),
        needs=(payment_words.SEES_ACCOUNTS, "clinical.view_visit"),
        about=payment_words.about,
        loudness=payment_words.loudness,
        title=payment_words.title,
        link=payment_words.link,
    ),
    LiveEvent(
        "patient:balance_changed",
        JournalEntry,
        when=payment_words.changes_balance,
        hears=("reception", "billing"),
        needs=(payment_words.SEES_ACCOUNTS,),
        about=payment_words.about,
        title=payment_words.moved,
        link=payment_words.link,
    ),
    LiveEvent(
        "refund:changed",
        Refund,
        when=either(created, changed("status")),
        hears=("reception", "billing", "admin"),
        needs=(payment_words.SEES_ACCOUNTS,),
        about=refund_words.about,
        loudness=refund_words.loudness,
        notice_to=refund_words.who_asked,
        title=refund_words.title,
        link=lambda refund: refund.payment.get_absolute_url(),
    ),
    LiveEvent(
        "payer_refund:changed",
        PayerRefund,
        when=either(created, changed("status")),
        hears=("billing", "admin"),
        needs=("billing.post_remittance",),
        about=refund_words.about_claim,
        loudness=refund_words.loudness,
        notice_to=refund_words.who_asked,
        title="{0.spoken_amount} back to {0.payer}: {0.in_words}",
        link="billing:payer_refund",
    ),
    LiveEvent(
        "claim:paid",
        Claim,
        when=reached(Claim.Status.PAID, Claim.Status.PARTIALLY_PAID),
        hears=("billing",),
        needs=(SEES_CLAIMS,),
        title="{0.payer} decided about {0.number}",
        link="billing:claim",
    ),
    LiveEvent(
        "claim:denied",
        Denial,
        when=either(created, changed("heard")),
        hears=("billing",),
        needs=(SEES_CLAIMS,),
        about=lambda denial: denial.claim.patient_id,
        loudness=Loudness.CRITICAL,
        title="{0.claim.number}: {0.claim.payer} refuses {0.spoken_amount}",
        link="billing:denial",
        answers=lambda denial: denial.assigned_to_id,
    ),
    LiveEvent(
        "denial:changed",
        Denial,
        when=changed(),
        hears=("billing",),
        needs=(SEES_CLAIMS,),
        about=lambda denial: denial.claim.patient_id,
        title="{0.claim.number}: the denial is {0.in_words}",
        link="billing:denial",
    ),
    LiveEvent(
        "payer_file:taken",
        PayerFile,
        when=either(created, changed("state")),
        hears=("billing",),
        needs=("billing.post_remittance",),
        title="{0.name}: {0.state_in_words}",
        link="billing:payer_file",
    ),
    LiveEvent(
        "remittance:changed",
        Remittance,
        when=either(created, changed()),
        hears=("billing",),
        needs=("billing.post_remittance",),
        title="{0}: {0.in_words}",
        link="billing:remittance",
    ),
    *(
        LiveEvent(
            f"prior_auth:{name}",
            Authorisation,
            when=when,
            hears=WITH_AUTHORISATIONS,
            needs=SEES_AUTHORISATIONS,
            loudness=loudness,
            title=title,
            link=Authorisation.get_absolute_url,
            answers=authorisation_words.whose if name == "denied" else None,
        )
        for name, when, loudness, title in (
            ("created", created, Loudness.INFO, authorisation_words.title),
            ("updated", authorisation_words.only_its_words, Loudness.INFO, authorisation_words.title),
            ("status_changed", changed("status"), Loudness.INFO, authorisation_words.title),
            ("approved", authorisation_words.was_granted, Loudness.NOTICE, authorisation_words.title),
            ("denied", reached("denied"), Loudness.CRITICAL, authorisation_words.title_of_denial),
            ("expiring", authorisation_words.comes_near, Loudness.NOTICE, authorisation_words.title_of_end),
        )
    ),
    of_claim("claim:created", created, "{0.number}: a claim to {0.payer}"),
    of_claim("claim:updated", claim_rewritten, claim_title),
    of_claim("claim:status_changed", changed("status"), "{0.number} is {0.in_words}"),
    of_claim("claim:submitted", reached(Claim.Status.SUBMITTED), "{0.number} is submitted to {0.payer}"),
    LiveEvent(
        "claim_batch:changed",
        ClaimBatch,
        when=either(created, changed()),
        hears=("billing",),
        needs=(SEES_CLAIMS,),
        title="{0.number}: {0.done} of {0.total}",
        link="billing:claim_batch",
    ),
)
