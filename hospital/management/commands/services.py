"""The embedded PostgreSQL and Valkey: start them to stay, stop them, look at them, talk to them."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from hospital.embedded import ServerError, programs


class Command(BaseCommand):
    help = "Start, stop or show the embedded PostgreSQL and Valkey, or open psql."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("start", help="start them to stay, until `stop`")
        actions.add_parser("stop", help="stop them, unless bin/run or bin/test needs them")
        actions.add_parser("status", help="show what runs, and where")
        psql = actions.add_parser("psql", help="open psql as the application's role; what follows -- goes to psql")
        psql.add_argument("--owner", action="store_true", help="as the owner of the tables")
        psql.add_argument("arguments", nargs="*", metavar="ARGUMENT")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, action)(**options)
        except ServerError as error:
            raise CommandError(error) from error

    def start(self, **options: Any) -> None:
        settings.EMBEDDED.start()
        self.status()

    def stop(self, **options: Any) -> None:
        settings.EMBEDDED.stop()
        self.status()

    def status(self, **options: Any) -> None:
        for name, value in settings.EMBEDDED.status().items():
            self.stdout.write(f"{name:<10}{value}")

    def psql(self, *, owner: bool, arguments: list[str], **options: Any) -> None:
        os.environ["PATH"] += f"{os.pathsep}{programs.postgres('psql').parent}"
        connections["owner" if owner else "default"].client.runshell(arguments)
