"""`manage.py hl7_sender --tenant SLUG --application NAME [--facility NAME] …`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from clinical.management.commands.hl7 import organisation
from clinical.models import Hl7Sender
from hospital.tenancy import acting_for


class Command(BaseCommand):
    help = "Says for which organisation a listener without --tenant takes the messages of a sender (MSH-3 to MSH-6)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--application", default="", help="MSH-3")
        parser.add_argument("--facility", default="", help="MSH-4")
        parser.add_argument("--for-application", default="", help="MSH-5; without it, any")
        parser.add_argument("--for-facility", default="", help="MSH-6; without it, any")
        parser.add_argument("--end", action="store_true", help="bring them here no longer")

    def handle(self, *, tenant: str, application: str, facility: str, end: bool, **options: Any) -> None:
        with acting_for(organisation(tenant)):
            row, _ = Hl7Sender.objects.get_or_create(application=application, facility=facility)
            row.for_application, row.for_facility = options["for_application"], options["for_facility"]
            row.is_routed = not end
            row.save()
        self.stdout.write(f"{row}: {'not routed' if end else f'to {tenant}'}")
