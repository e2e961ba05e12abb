"""Look what the calendar has done to the stock, now: `manage.py watch_expiry`. The worker does the same every hour."""

from typing import Any

from django.core.management.base import BaseCommand

from clinical.tasks import watch_expiry


class Command(BaseCommand):
    help = "Tell the pharmacies what expires soon, and what is low since a batch expired."

    def handle(self, *args: Any, **options: Any) -> None:
        low, expiring = watch_expiry()
        self.stdout.write(f"{low} low because a batch expired, {expiring} newly near their expiry.")
