"""The letter that goes with an invitation."""

from __future__ import annotations

from django.core.mail import send_mail

from hospital.models import Invitation, Tenant


def path_of(tenant: Tenant, secret: str) -> str:
    return f"/accounts/invitation/{tenant.slug}/{secret}/"


def post(invitation: Invitation, tenant: Tenant, address: str) -> None:
    days = Invitation.LIFE.days
    words = f"{invitation.name},\n\nyou are invited to work at {tenant.name}.\nOpen this address within {days} days:\n\n{address}\n"
    send_mail(f"Invitation to {tenant.name}", words, None, [invitation.email])
