"""Imports that were begun and not ended, now: `manage.py continue_imports`. The worker does the same every half minute."""

from typing import Any

from django.core.management.base import BaseCommand

from scheduling.tasks import continue_imports


class Command(BaseCommand):
    help = "Book more lines of the imports of appointments that are under way, for some seconds."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{continue_imports()} lines settled.")
