"""Who did what to which row, and who read which chart. Written by the database; nobody changes it."""

from __future__ import annotations

import json

from django.db import connection, models

from hospital.tenancy import TenantModel


class AuditEntry(TenantModel):
    """One line of the audit log. The application may read it, and has no right to write, change or delete.

    Triggers (hospital/db/fence.py) write a line for each insert, update and delete of a fenced table: an insert
    carries the whole row in `after`, an update only the columns that changed. `note` writes the other actions.
    """

    at = models.DateTimeField()
    person_id = models.UUIDField(null=True)
    role = models.CharField(max_length=30)
    request = models.CharField(max_length=64)
    action = models.CharField(max_length=20)
    table = models.CharField(max_length=63, db_column="table_name")
    row_id = models.UUIDField(null=True)
    patient_id = models.UUIDField(null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    # The chain against tampering numbers and links the lines; its trigger comes with it.
    seq = models.BigIntegerField(null=True)
    hash = models.BinaryField(null=True)

    class Meta(TenantModel.Meta):
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["tenant", "patient_id", "-id"], name="audit_of_patient"),
            models.Index(fields=["tenant", "table", "row_id", "-id"], name="audit_of_row"),
            models.Index(fields=["tenant", "person_id", "-id"], name="audit_of_person"),
        ]

    @staticmethod
    def note(action: str, *, table: str = "", row_id=None, patient_id=None, detail: dict | None = None) -> None:
        """Record an action that changes no row: a chart opened, a file downloaded, a list exported."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT audit_note(%s, %s, %s, %s, %s::jsonb)",
                [action, table, row_id, patient_id, None if detail is None else json.dumps(detail)],
            )
