"""`manage.py verify_ledger [SLUG …]`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.models import JournalEntry
from billing.verify import faults
from hospital.models import Tenant
from hospital.tenancy import acting_for

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Checks the ledger: debits equal credits, every row that moved money has its entry, and both say the same sums."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="only these organisations")

    def handle(self, *, slugs: list[str], **options: Any) -> None:
        tenants = Tenant.objects.filter(slug__in=slugs) if slugs else Tenant.objects.all()
        wrong = sum(self.verify(tenant) for tenant in tenants)
        if wrong:
            raise CommandError(f"The ledger has {wrong} faults.")

    def verify(self, tenant: Tenant) -> int:
        with acting_for(tenant):
            found = list(faults())
            count = JournalEntry.objects.count()
        self.stdout.write(f"{tenant.slug}: {count} entries, {len(found) or 'no'} faults")
        for fault in found[:SHOWN]:
            self.stdout.write(f"  {fault}")
        return len(found)
