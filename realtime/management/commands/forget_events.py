"""Forget old events, now: `manage.py forget_events`. The worker does the same every night."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.tasks import forget_events


class Command(BaseCommand):
    help = "Forget events that are older than EVENTS_KEPT_DAYS, in all hospitals. Alerts and the audit are kept."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{forget_events()} forgotten.")
