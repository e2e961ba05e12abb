"""The letter that goes with an invitation."""

from __future__ import annotations

from hospital.context import current
from hospital.models import Invitation, Letter, Tenant
from hospital.outbox import Words, writes


def path_of(tenant: Tenant, secret: str) -> str:
    return f"/accounts/invitation/{tenant.slug}/{secret}/"


def post(invitation: Invitation, *, site: str) -> Letter:
    return Letter.post("invitation", about=invitation.pk, to=invitation.email, site=site)


@writes("invitation")
def words(letter: Letter) -> Words | None:
    invitation, tenant = Invitation.objects.get(pk=letter.about), current().tenant
    if not invitation.is_open:
        return None
    return Words(
        f"Invitation to {tenant.name}",
        f"{invitation.name},\n\nyou are invited to work at {tenant.name}.\nOpen this address within {Invitation.LIFE.days} days:"
        f"\n\n{letter.site}{path_of(tenant, invitation.secret)}\n",
    )
