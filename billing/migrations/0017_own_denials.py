from django.db import migrations

from billing.denial_sql import AS_BOOKED_BY_ITS_OWN, FORMER_AS_BOOKED
from hospital.db.statements import in_each_tenant

# All of whose remittances were posted or put aside before files followed them (billing.remitting.file_follows).
FINISHED = """
UPDATE billing_payerfile SET state = 'taken', version = version + 1 WHERE state = 'waiting'
    AND EXISTS (SELECT FROM billing_remittance r WHERE r.file_id = billing_payerfile.id)
    AND NOT EXISTS (SELECT FROM billing_remittance r WHERE r.file_id = billing_payerfile.id AND r.status = 'read')
"""


class Migration(migrations.Migration):
    """The rule of denials reads the moves of its own tenant; files that are finished say so."""

    dependencies = [("billing", "0016_procedures")]

    operations = [
        migrations.RunSQL(AS_BOOKED_BY_ITS_OWN, FORMER_AS_BOOKED),
        migrations.RunPython(in_each_tenant(FINISHED), migrations.RunPython.noop),
    ]
