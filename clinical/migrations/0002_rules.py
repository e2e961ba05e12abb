"""What the models cannot say: append-only tables, a ledger that keeps itself, and what the application may only read."""

from django.db import migrations

from clinical.sql import APPEND_ONLY, PATIENT_SEARCH, STOCK_BOOK, STOCK_GUARD, append_only
from hospital.db.fence import Withhold


class Migration(migrations.Migration):
    dependencies = [("clinical", "0001_initial")]

    operations = [
        # --- patients ---
        migrations.RunSQL(PATIENT_SEARCH, "DROP INDEX patient_search"),
        # --- logs and ledgers ---
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION append_only CASCADE"),
        # --- pharmacy ---
        migrations.RunSQL(append_only("clinical_stockmove"), migrations.RunSQL.noop),
        migrations.RunSQL(STOCK_BOOK, "DROP FUNCTION stock_book CASCADE"),
        migrations.RunSQL(STOCK_GUARD, "DROP FUNCTION stock_guard CASCADE"),
        # --- laboratory ---
        migrations.RunSQL(append_only("clinical_labresult"), migrations.RunSQL.noop),
        Withhold("Icd10Code", ["INSERT", "UPDATE", "DELETE"]),
    ]
