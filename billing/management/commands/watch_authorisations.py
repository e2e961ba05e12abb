"""Look for authorisations that end, now: `manage.py watch_authorisations`. The worker does the same every ten minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.tasks import watch_authorisations


class Command(BaseCommand):
    help = "Tell of the authorisations that end in 30, 14 or 7 days, and close those that are over."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{watch_authorisations()} told.")
