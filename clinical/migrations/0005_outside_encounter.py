import django.db.models.deletion
from django.db import migrations, models

import hospital.tenancy

# Names of indexes are one to a schema: the old ones make room for those of the encounters that are written here.
RENAMED = """
DO $$ DECLARE old record; BEGIN
  FOR old IN SELECT conname AS name FROM pg_constraint
    WHERE conrelid = 'clinical_outsideencounter'::regclass AND conname LIKE 'clinical\\_encounter\\_%'
  LOOP
    EXECUTE format('ALTER TABLE clinical_outsideencounter RENAME CONSTRAINT %I TO %I',
      old.name, left(replace(old.name, 'clinical_encounter_', 'clinical_outsideencounter_'), 63));
  END LOOP;
  FOR old IN SELECT indexname AS name FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = 'clinical_outsideencounter' AND indexname LIKE 'clinical\\_encounter\\_%'
  LOOP
    EXECUTE format('ALTER INDEX %I RENAME TO %I',
      old.name, left(replace(old.name, 'clinical_encounter_', 'clinical_outsideencounter_'), 63));
  END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("clinical", "0004_insurance")]

    operations = [
        migrations.RemoveConstraint(model_name="encounter", name="encounter_fhir_id_once"),
        migrations.RenameModel(old_name="Encounter", new_name="OutsideEncounter"),
        # What the model's triggers still have to do in this transaction, before its table is altered by hand.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL IMMEDIATE"),
        migrations.RunSQL(RENAMED, migrations.RunSQL.noop),
        migrations.RenameIndex(
            model_name="outsideencounter",
            new_name="outside_encounter_of_patient",
            old_name="encounter_of_patient",
        ),
        migrations.AddConstraint(
            model_name="outsideencounter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("fhir_id", ""), _negated=True),
                fields=("tenant", "fhir_id"),
                name="outside_encounter_fhir_id_once",
            ),
        ),
        migrations.AlterField(
            model_name="outsideencounter",
            name="patient",
            field=hospital.tenancy.TenantKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="outside_encounters",
                to="clinical.patient",
            ),
        ),
        migrations.AlterField(
            model_name="outsideencounter",
            name="practitioner",
            field=hospital.tenancy.TenantKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="outside_encounters",
                to="clinical.practitioner",
            ),
        ),
        migrations.AlterField(
            model_name="outsideencounter",
            name="organisation",
            field=hospital.tenancy.TenantKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="outside_encounters",
                to="clinical.organisation",
            ),
        ),
    ]
