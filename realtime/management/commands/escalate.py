"""Let the alerts climb whose time has come, now: `manage.py escalate`. The worker does the same every 30 seconds."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.alerts import ladder


class Command(BaseCommand):
    help = "Let alerts climb that nobody has acknowledged in time. Harmless when it is run twice, or by two at once."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{ladder.sweep()} climbed.")
