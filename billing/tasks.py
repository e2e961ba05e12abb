"""What of money is slow or periodic. A sweep goes through the tenants one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from billing.claims import filing, sending
from billing.models import Authorisation
from hospital.celery import app
from hospital.models import Tenant
from hospital.tenancy import acting_for

log = logging.getLogger(__name__)


@app.task
def write_claim_batches() -> int:
    """The files that were asked for, and those that a worker left half written: how many were settled."""
    asked = [(tenant, pk) for tenant in Tenant.objects.filter(is_active=True) for pk in sending.waiting(tenant)]
    return sum(was_written(tenant, pk) for tenant, pk in asked)


def was_written(tenant: Tenant, pk: UUID) -> bool:
    """One that cannot be written holds up no other."""
    try:
        sending.write(tenant, pk)
    except Exception:
        log.exception("batch %s of %s was not written", pk, tenant.slug)
        return False
    return True


@app.task
def watch_claims() -> int:
    """How many claims came nearer to the last day on which the payer takes them, or have been rejected for long."""
    return sum(claims_near_in(tenant) for tenant in Tenant.objects.filter(is_active=True))


def claims_near_in(tenant: Tenant) -> int:
    return noticed(tenant, filing.newly_near, filing.notice) + noticed(
        tenant, filing.long_rejected, filing.notice_rejected
    )


def noticed(tenant: Tenant, rows: Callable[[], Any], notice: Callable[[Any], bool]) -> int:
    found = looked_up(tenant, lambda: list(rows().order_by("serial")))
    return sum(was_noticed(tenant, partial(notice, row)) for row in found)


@app.task
def watch_authorisations() -> int:
    """How many authorisations ended, or came near their end: 30, 14 and 7 days before it."""
    return sum(authorisations_near_in(tenant) for tenant in Tenant.objects.filter(is_active=True))


def authorisations_near_in(tenant: Tenant) -> int:
    rows = Authorisation.objects
    near = looked_up(
        tenant, lambda: list((rows.run_out() | rows.filter(pk__in=rows.newly_near().values("pk"))).order_by("serial"))
    )
    return sum(was_noticed(tenant, row.notice_end) for row in near)


def looked_up(tenant: Tenant, rows: Callable[[], list[Any]]) -> list[Any]:
    """One tenant that cannot be looked at holds up no other."""
    try:
        with acting_for(tenant):
            return rows()
    except Exception:
        log.exception("what comes near its end in %s was not looked up", tenant.slug)
        return []


def was_noticed(tenant: Tenant, notice: Callable[[], bool]) -> bool:
    """Each in a transaction of its own: one that cannot be noticed holds up no other."""
    try:
        with acting_for(tenant):
            return notice()
    except Exception:
        log.exception("something near its end in %s was not noticed", tenant.slug)
        return False
