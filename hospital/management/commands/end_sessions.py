"""Log somebody out everywhere, now: `manage.py end_sessions grace@riverside.example`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hospital.models import Person
from hospital.sessions import end_all


class Command(BaseCommand):
    help = "End all sessions of a person. Open pages are cleared within seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(email=options["email"].lower()).first()
        if person is None:
            raise CommandError(f"Nobody has the e-mail address {options['email']}.")
        self.stdout.write(f"{end_all(person.sessions.all())} ended.")
