"""Entries for what was booked before there was a ledger; from here on the database keeps it."""

from typing import Any

from django.db import migrations

from billing.sql import (
    ASKED_AT_COMMIT,
    BACKFILL,
    CHARGES_AT_ODDS,
    CURRENCY_STAYS,
    ENTRY_BALANCES,
    LEDGER_AGREES,
    ONLY_ADDED_TO,
    PAYMENTS_AT_ODDS,
)
from hospital.db.fence import Withhold


def backfill(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM hospital_tenant")
        for (tenant,) in cursor.fetchall():
            cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant)])
            for statement in BACKFILL:
                cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SELECT set_config('app.tenant', '', true)")


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_ledger")]

    operations = [
        migrations.RunPython(backfill, migrations.RunPython.noop),
        *[
            Withhold(name, ["UPDATE", "DELETE"])
            for name in ("LedgerAccount", "JournalEntry", "JournalLine", "Discount", "Void")
        ],
        *[
            migrations.RunSQL(statement, migrations.RunSQL.noop)
            for statement in (
                ONLY_ADDED_TO,
                ENTRY_BALANCES,
                CHARGES_AT_ODDS,
                PAYMENTS_AT_ODDS,
                LEDGER_AGREES,
                ASKED_AT_COMMIT,
                CURRENCY_STAYS,
            )
        ],
    ]
