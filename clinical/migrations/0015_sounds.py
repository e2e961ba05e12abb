from django.db import migrations


class Migration(migrations.Migration):
    """How names sound: dmetaphone."""

    dependencies = [("clinical", "0014_restricted_charts")]
    operations = [migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch", migrations.RunSQL.noop)]
