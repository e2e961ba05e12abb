"""`manage.py demo [--records FOLDER] [--logins]`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.demo.houses import HOUSES, LOG_IN_WITH
from billing.demo.plans import make

RECORDS = settings.BASE_DIR.parent / "shared" / "data" / "synthea"


class Command(BaseCommand):
    help = "Makes two hospitals in the middle of a working day, with people for every role. Running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--logins", action="store_true", help="only say who can log in")
        parser.add_argument(
            "--records",
            type=Path,
            default=RECORDS,
            metavar="FOLDER",
            help="public FHIR records to import, if they are there",
        )

    def handle(self, *, logins: bool, records: Path, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This is a production system. The demo would put invented patients among real ones.")
        if logins:
            self.print_logins()
            return
        for house in HOUSES:
            tenant = house.open()
            made = make(house, tenant, records)
            self.stdout.write(f"{house.name}: {'made' if made else 'is there already'}, at /{house.slug}/")

    def print_logins(self) -> None:
        for house in HOUSES:
            self.stdout.write(f"{house.name}  /{house.slug}/")
            for account in house.people:
                self.stdout.write(f"  {account.email:<34} {', '.join(account.roles)}")
        self.stdout.write(f"The password of all of them: {LOG_IN_WITH}")
