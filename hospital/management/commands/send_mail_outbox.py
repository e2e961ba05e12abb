"""Send the e-mails that wait, now: `manage.py send_mail_outbox`. The worker does the same every 20 seconds."""

from typing import Any

from django.core.management.base import BaseCommand

from hospital import outbox


class Command(BaseCommand):
    help = "Send the e-mails that wait in the outbox of each hospital and whose time has come."

    def handle(self, *args: Any, **options: Any) -> None:
        sent, failed = outbox.send_all()
        self.stdout.write(f"{sent} sent, {failed} not.")
