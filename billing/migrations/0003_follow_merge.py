from django.db import migrations

from billing.sql import IMMUTABLE_BUT_MERGED


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_rules"), ("clinical", "0012_merge")]
    operations = [migrations.RunSQL(IMMUTABLE_BUT_MERGED, migrations.RunSQL.noop)]
