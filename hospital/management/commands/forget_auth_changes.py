"""Forget old lines of the list that open sockets are checked by: `manage.py forget_auth_changes`. The worker does it every hour."""

from typing import Any

from django.core.management.base import BaseCommand

from hospital.tasks import forget_auth_changes


class Command(BaseCommand):
    help = "Forget which rights changed more than an hour ago."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{forget_auth_changes()} forgotten.")
