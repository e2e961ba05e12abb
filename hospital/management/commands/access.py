from django.core.management.base import BaseCommand

from hospital.access import table


class Command(BaseCommand):
    help = "Print which role may open which address, as in docs/access.md."

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(table(), ending="")
