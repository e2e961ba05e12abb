"""What is slow or periodic. Each task carries its tenant; a sweep goes through the tenants one after the other."""

from __future__ import annotations

import logging
from uuid import UUID

from clinical.models import Batch, Document, Medicine
from hospital.celery import app
from hospital.models import Tenant
from hospital.tenancy import acting_for, tenant_task

log = logging.getLogger(__name__)


@app.task
@tenant_task
def scan_document(document_id: str) -> None:
    Document.objects.get(pk=document_id).scan()


@app.task
def scan_waiting_documents() -> tuple[int, int]:
    """Each document in a transaction of its own, so that one never holds up the others: how many were settled, and left."""
    settled = left = 0
    for tenant in Tenant.objects.filter(is_active=True):
        for pk in waiting_in(tenant):
            if was_scanned(tenant, pk):
                settled += 1
            else:
                left += 1
    return settled, left


@app.task
def watch_expiry() -> tuple[int, int]:
    """What the calendar alone changes: how many medicines became low overnight, and batches came near their expiry."""
    found = [watch_in(tenant) for tenant in Tenant.objects.filter(is_active=True)]
    return sum(low for low, _ in found), sum(expiring for _, expiring in found)


def watch_in(tenant: Tenant) -> tuple[int, int]:
    with acting_for(tenant):
        low = list(Medicine.objects.low_overnight())
        expiring = list(Batch.objects.newly_expiring().select_related("medicine").order_by("medicine_id", "pk"))
    for medicine in low:
        with acting_for(tenant):
            medicine.notice_expired()
    for batch in expiring:
        with acting_for(tenant):
            batch.notice_expiry()
    return len(low), len(expiring)


def waiting_in(tenant: Tenant) -> list[UUID]:
    with acting_for(tenant):
        return list(Document.objects.waiting().order_by("uploaded_at").values_list("pk", flat=True))


def was_scanned(tenant: Tenant, pk: UUID) -> bool:
    try:
        with acting_for(tenant):
            Document.objects.get(pk=pk).scan()
    except Exception:
        log.exception("document %s of %s was not scanned", pk, tenant.slug)
        return False
    return True
