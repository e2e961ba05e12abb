"""Mark who did not come, now: `manage.py mark_no_shows`. The worker does the same every minute."""

from typing import Any

from django.core.management.base import BaseCommand

from scheduling.tasks import mark_no_shows


class Command(BaseCommand):
    help = "Mark booked appointments as no-shows so long after their beginning as their location says."

    def handle(self, *args: Any, **options: Any) -> None:
        done, failed = mark_no_shows()
        self.stdout.write(f"{done} marked as no-show, {failed} failed.")
