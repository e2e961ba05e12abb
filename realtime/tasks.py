"""What the engine does by itself. Each is also a `manage.py` command."""

from __future__ import annotations

from django.conf import settings

from hospital.celery import app
from hospital.models import Tenant
from hospital.tenancy import acting_for
from realtime.alerts import ladder
from realtime.models import Event


@app.task
def escalate() -> int:
    """Alerts whose time has come take their next step. Returns how many did."""
    return ladder.sweep()


@app.task
def forget_events() -> int:
    """What the live pages and the notices no longer need of the log. Returns how many events went."""
    return sum(forgotten_in(tenant) for tenant in Tenant.objects.all())


def forgotten_in(tenant: Tenant) -> int:
    """Each batch in a transaction of its own."""
    gone = 0
    while True:
        with acting_for(tenant):
            batch = Event.forget(settings.EVENTS_KEPT)
        if not batch:
            return gone
        gone += batch
