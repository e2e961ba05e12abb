"""Reminders, now: `manage.py remind_patients`. The worker does the same every five minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from scheduling.tasks import remind_patients


class Command(BaseCommand):
    help = "Post the reminders of appointments that come near; the outbox sends them."

    def handle(self, *args: Any, **options: Any) -> None:
        done, failed = remind_patients()
        self.stdout.write(f"{done} reminders posted, {failed} failed.")
