"""The e-mail about an alert says that one waits, and where. Nothing about a patient leaves the house."""

from __future__ import annotations

from hospital.context import current
from hospital.models import Letter
from hospital.outbox import Words, writes
from realtime.alerts.models import Alert


@writes("alert")
def words(letter: Letter) -> Words | None:
    alert, tenant = Alert.objects.get(pk=letter.about), current().tenant
    if not alert.is_open:
        return None
    return Words(
        f"An alert waits at {tenant.name}",
        "A critical alert waits for you. Log in to read it and to say what you have done:"
        f"\n\n{letter.site}/{tenant.slug}/alerts/{alert.pk}/\n",
    )
