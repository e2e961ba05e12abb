"""Forget old e-mails of the outbox, now: `manage.py forget_letters`. The worker does the same every night."""

from typing import Any

from django.core.management.base import BaseCommand

from hospital.tasks import forget_letters


class Command(BaseCommand):
    help = "Forget e-mails that were settled longer than LETTERS_KEPT_DAYS ago, in all hospitals."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{forget_letters()} forgotten.")
