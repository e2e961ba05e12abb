"""Write the files of claims that wait, now: `manage.py write_claim_batches`. The worker does the same every ten seconds."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.tasks import write_claim_batches


class Command(BaseCommand):
    help = "Write the batches of claims that were asked for."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{write_claim_batches()} settled.")
