"""Scan what waits, now: `manage.py scan_documents`. The worker does the same every minute."""

from typing import Any

from django.core.management.base import BaseCommand

from clinical.tasks import scan_waiting_documents


class Command(BaseCommand):
    help = "Scan all uploaded documents that still wait, in all hospitals."

    def handle(self, *args: Any, **options: Any) -> None:
        settled, left = scan_waiting_documents()
        self.stdout.write(f"{settled} settled, {left} still waiting.")
