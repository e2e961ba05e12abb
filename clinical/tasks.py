"""What is slow or periodic. Each task carries its tenant; a sweep goes through the tenants one after the other."""

from __future__ import annotations

import logging
from uuid import UUID

from clinical import orphans, pairs
from clinical.models import Batch, Biopsy, Document, Encounter, Medicine
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
def sweep_orphans() -> int:
    """Files that no row names, an hour after they came: how many went."""
    return orphans.sweep_all()


@app.task
def watch_expiry() -> tuple[int, int]:
    """What the calendar alone changes: how many medicines became low overnight, and batches came near their expiry."""
    found = [watch_in(tenant) for tenant in Tenant.objects.filter(is_active=True)]
    return sum(low for low, _ in found), sum(expiring for _, expiring in found)


@app.task
def watch_unsigned() -> int:
    """How many authors were told that a note has waited for a day, two or three."""
    return sum(notes_late_in(tenant) for tenant in Tenant.objects.filter(is_active=True))


def notes_late_in(tenant: Tenant) -> int:
    with acting_for(tenant):
        late = list(Encounter.objects.newly_late().order_by("started_at"))
    told = 0
    for note in late:
        with acting_for(tenant):
            told += note.notice_age()
    return told


@app.task
def watch_biopsies() -> int:
    """How many biopsies became overdue, or more so: nobody has to touch them for that."""
    return sum(biopsies_late_in(tenant) for tenant in Tenant.objects.filter(is_active=True))


def biopsies_late_in(tenant: Tenant) -> int:
    with acting_for(tenant):
        late = list(Biopsy.objects.newly_late().order_by("serial"))
    told = 0
    for biopsy in late:
        told += was_told_late(tenant, biopsy)
    return told


def was_told_late(tenant: Tenant, biopsy: Biopsy) -> bool:
    """One that cannot be saved holds up no other."""
    try:
        with acting_for(tenant):
            return biopsy.notice_late()
    except Exception:
        log.exception("biopsy %s of %s was not told as late", biopsy.pk, tenant.slug)
        return False


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


@app.task
def find_duplicates() -> int:
    """Each night, through all records: pairs that may be one person."""
    return sum(pairs.find_duplicates(tenant) for tenant in Tenant.objects.filter(is_active=True))
