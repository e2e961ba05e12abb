"""Look through all records for pairs that may be one person, now: `manage.py find_duplicates`. The worker does it each night."""

from typing import Any

from django.core.management.base import BaseCommand

from clinical.tasks import find_duplicates


class Command(BaseCommand):
    help = "Find records that may be of one person, for the list of possible duplicates."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{find_duplicates()} new pairs.")
