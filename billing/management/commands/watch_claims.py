"""Look for claims that came near their last day of filing, now: `manage.py watch_claims`. The worker does the same every ten minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from billing.tasks import watch_claims


class Command(BaseCommand):
    help = "Tell of the claims that have to be filed within 30, 14 or 7 days, today, or were not."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{watch_claims()} told.")
