"""Forget permissions on what is gone, now: `manage.py forget_orphan_grants`. The worker does the same every night."""

from typing import Any

from django.core.management.base import BaseCommand

from hospital.tasks import forget_orphan_grants


class Command(BaseCommand):
    help = "Forget permissions on organisations that are gone."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{forget_orphan_grants()} forgotten.")
