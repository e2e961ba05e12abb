"""Tell the supervisor, now, that work gets done: `manage.py pulse`. The worker does the same every ten seconds."""

from typing import Any

from django.core.management.base import BaseCommand

from hospital.tasks import pulse


class Command(BaseCommand):
    help = "Tell the supervisor that work gets done. The beat does it every ten seconds."

    def handle(self, *args: Any, **options: Any) -> None:
        pulse()
