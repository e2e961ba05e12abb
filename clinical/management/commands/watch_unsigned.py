"""Look for notes without a signature, now: `manage.py watch_unsigned`. The worker does the same every ten minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from clinical.tasks import watch_unsigned


class Command(BaseCommand):
    help = "Tell the authors of notes that have waited 24, 48 or 72 hours for their signature."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{watch_unsigned()} told.")
