"""Entries for what was booked before there was a ledger; from here on the database keeps it."""

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
from hospital.db.statements import in_each_tenant


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_ledger")]

    operations = [
        migrations.RunPython(in_each_tenant(*BACKFILL), migrations.RunPython.noop),
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
