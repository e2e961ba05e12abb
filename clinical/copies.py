"""Paper of which only the first is the original."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from hospital.models import AuditEntry
from hospital.tenancy import EditableModel


@transaction.atomic
def note_print(row: EditableModel, patient_id: UUID, *, since: datetime | None = None) -> int:
    """Note one more print, and say how many there were before. Of two who print at once, the second has a copy."""
    row.lock()
    table = row._meta.db_table
    before = AuditEntry.objects.filter(table=table, row_id=row.pk, action="print")
    if since:
        before = before.filter(at__gte=since)
    count = before.count()
    AuditEntry.note("print", table=table, row_id=row.pk, patient_id=patient_id)
    return count
