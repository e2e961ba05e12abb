from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as Migrate

from hospital.db.autodetect import FencingAutodetector


class Command(Migrate):
    """Migrate as the owner of the tables: the application's role may not."""

    autodetector = FencingAutodetector

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
