from django.db import migrations, models

# Letters that were written before say by their row whose they are. Tables of the upper app, where it is installed already.
KNOWN = """
DO $$ BEGIN
  IF to_regclass('scheduling_offer') IS NULL THEN RETURN; END IF;
  ALTER TABLE hospital_letter NO FORCE ROW LEVEL SECURITY;
  ALTER TABLE scheduling_appointment NO FORCE ROW LEVEL SECURITY;
  ALTER TABLE scheduling_offer NO FORCE ROW LEVEL SECURITY;
  ALTER TABLE scheduling_wish NO FORCE ROW LEVEL SECURITY;
  ALTER TABLE hospital_letter DISABLE TRIGGER USER;
  UPDATE hospital_letter l SET patient_id = a.patient_id FROM scheduling_appointment a WHERE a.id = l.about;
  UPDATE hospital_letter l SET patient_id = w.patient_id
    FROM scheduling_offer o JOIN scheduling_wish w ON w.id = o.wish_id WHERE o.id = l.about;
  ALTER TABLE hospital_letter ENABLE TRIGGER USER;
  ALTER TABLE scheduling_wish FORCE ROW LEVEL SECURITY;
  ALTER TABLE scheduling_offer FORCE ROW LEVEL SECURITY;
  ALTER TABLE scheduling_appointment FORCE ROW LEVEL SECURITY;
  ALTER TABLE hospital_letter FORCE ROW LEVEL SECURITY;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("hospital", "0006_second_person")]

    operations = [
        migrations.AddField(
            model_name="letter",
            name="patient_id",
            field=models.UUIDField(help_text="Whose address it is, if it is a patient's.", null=True),
        ),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
