from django.db import migrations

from billing.desk_sql import FORMER_PATIENT, PAID_FOR_ITS_OWN


class Migration(migrations.Migration):
    """Money of one patient never pays for another, also where it was taken for no visit."""

    dependencies = [("billing", "0010_desk")]

    operations = [migrations.RunSQL(PAID_FOR_ITS_OWN, FORMER_PATIENT)]
