"""Let go of slots that were held too long, now: `manage.py end_holds`. The worker does the same every 15 seconds."""

from typing import Any

from django.core.management.base import BaseCommand

from scheduling.tasks import end_holds


class Command(BaseCommand):
    help = "End holds whose time is over, so that the slots are offered on all screens again."

    def handle(self, *args: Any, **options: Any) -> None:
        done, failed = end_holds()
        self.stdout.write(f"{done} holds ended, {failed} failed.")
