from django.db import migrations, models

from clinical.signer_sql import SIGNER_GUARD, SIGNER_GUARD_UNDO


class Migration(migrations.Migration):
    dependencies = [("clinical", "0024_harmless_letters")]

    operations = [
        migrations.AddIndex(
            model_name="patientcontact",
            index=models.Index(fields=["tenant", "phone"], name="contact_phone"),
        ),
        migrations.RunSQL(SIGNER_GUARD, SIGNER_GUARD_UNDO),
    ]
