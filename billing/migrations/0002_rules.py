from django.db import migrations

from billing.sql import ALLOCATIONS_FIT, CHARGE_COVERS, IMMUTABLE
from hospital.db.fence import Withhold


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        Withhold("Payment", ["UPDATE", "DELETE"]),
        Withhold("Allocation", ["UPDATE", "DELETE"]),
        *[
            migrations.RunSQL(statement, migrations.RunSQL.noop)
            for statement in (IMMUTABLE, ALLOCATIONS_FIT, CHARGE_COVERS)
        ],
    ]
