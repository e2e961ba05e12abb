"""Delete files that no row names, now: `manage.py sweep_orphans`. The worker does the same every six hours."""

from typing import Any

from django.core.management import BaseCommand

from clinical import orphans


class Command(BaseCommand):
    help = "Delete uploaded files that no row names, in all hospitals."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{orphans.sweep_all()} files without a row were deleted.")
