"""Look for biopsies that became overdue, now: `manage.py watch_biopsies`. The worker does the same every ten minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from clinical.tasks import watch_biopsies


class Command(BaseCommand):
    help = "Tell of the biopsies that reached another tier of being overdue."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{watch_biopsies()} told.")
