"""Forget old keys of forms, now: `manage.py forget_form_keys`. The worker does the same every hour."""

from typing import Any

from django.core.management.base import BaseCommand

from hospital.tasks import forget_form_keys


class Command(BaseCommand):
    help = "Forget the keys of forms that were sent more than 48 hours ago, in all hospitals."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{forget_form_keys()} forgotten.")
