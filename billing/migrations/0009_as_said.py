"""What was said is kept in tables without a status too."""

from django.db import migrations

from billing.insurance_sql import AS_SAID_EVERYWHERE


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_authorisations")]

    operations = [migrations.RunSQL(AS_SAID_EVERYWHERE, migrations.RunSQL.noop)]
