"""After the database was restored: no page may continue the log that it knows. `manage.py new_epoch`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections, transaction

from hospital.models import Tenant

ENTER = "SELECT set_config('app.tenant', %s, true)"
BEGIN = """
    INSERT INTO realtime_head (id, tenant_id, epoch, seq) VALUES (gen_random_uuid(), %s, gen_random_uuid(), 0)
    ON CONFLICT (tenant_id) DO UPDATE SET epoch = excluded.epoch
"""


class Command(BaseCommand):
    help = "Give the event log of each hospital a new epoch, so that every open page fetches what it shows."

    def handle(self, *args: Any, **options: Any) -> None:
        """As the owner: the application may not write where a log stands."""
        tenants = list(Tenant.objects.values_list("pk", flat=True))
        with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
            for tenant_id in tenants:
                cursor.execute(ENTER, [str(tenant_id)])
                cursor.execute(BEGIN, [tenant_id])
        self.stdout.write(f"{len(tenants)} logs begin a new epoch.")
