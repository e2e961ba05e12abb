"""Addresses that are sent to patients: signed, for one row, and over when its time has come. They tell nothing by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.core import signing
from django.utils import timezone

from hospital.models import Tenant
from scheduling.models import Appointment, Offer

APPOINTMENT, OFFER = "scheduling.appointment", "scheduling.offer"


@dataclass(frozen=True)
class Link:
    """What a genuine link is about, and until when it can be used."""

    about: UUID
    until: datetime

    @property
    def is_over(self) -> bool:
        return self.until <= timezone.now()


def appointment_path(tenant: Tenant, appointment: Appointment) -> str:
    secret = signed(APPOINTMENT, tenant, appointment.pk, appointment.begins_at)
    return f"/accounts/appointments/{tenant.slug}/{secret}/"


def offer_path(tenant: Tenant, offer: Offer) -> str:
    return f"/accounts/offers/{tenant.slug}/{signed(OFFER, tenant, offer.pk, offer.expires_at)}/"


def signed(purpose: str, tenant: Tenant, about: UUID, until: datetime) -> str:
    return signer(purpose).sign_object([tenant.pk.hex, about.hex, until.timestamp()])


def opened(purpose: str, tenant: Tenant, secret: str) -> Link | None:
    """Nothing for a secret that was not made here, for this purpose and this organisation."""
    try:
        owner, about, until = signer(purpose).unsign_object(secret)
    except (signing.BadSignature, ValueError):
        return None
    return Link(UUID(about), datetime.fromtimestamp(until, UTC)) if owner == tenant.pk.hex else None


def signer(purpose: str) -> signing.Signer:
    return signing.Signer(salt=purpose, sep=".")
