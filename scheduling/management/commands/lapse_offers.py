"""Offers of the waitlist that nobody took, now: `manage.py lapse_offers`. The worker does the same every 30 seconds."""

from typing import Any

from django.core.management.base import BaseCommand

from scheduling.tasks import lapse_offers


class Command(BaseCommand):
    help = "Let offers lapse whose time is over, and ask the next in order."

    def handle(self, *args: Any, **options: Any) -> None:
        done, failed = lapse_offers()
        self.stdout.write(f"{done} offers lapsed, {failed} failed.")
