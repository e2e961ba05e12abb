"""`manage.py hl7 PATH… [--tenant SLUG] [--tests]`"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinical.hl7.door import Door, Taken
from clinical.hl7.reading import announced, as_bytes
from clinical.hl7.routes import Routes
from hospital.models import Tenant

BEGINNINGS = (b"MSH", b"FHS", b"BHS")
WORDS = ("applied", "inbox", "duplicate", "refused")


class Command(BaseCommand):
    help = (
        "Reads HL7 v2 messages from files and folders into one organisation: each is applied, or waits in the inbox "
        "with a reason. A second run changes nothing. The exit code is 1 if a message was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="files, or folders to look through")
        parser.add_argument(
            "--tenant", metavar="SLUG", default="", help="the organisation; without it, the one that the sender has"
        )
        parser.add_argument("--tests", action="store_true", help="apply messages that are marked as a test, too")

    def handle(self, *, paths: list[str], tenant: str, tests: bool, **options: Any) -> None:
        routes = Routes(organisation(tenant) if tenant else None)
        tally: Counter[str] = Counter()
        for path in files_under(paths):
            for taken in self._take(path, routes, tests):
                tally[taken.word] += 1
                self.stdout.write(f"{path.name}: {taken.line}")
        if not tally:
            raise CommandError("There is no HL7 message here.")
        self.stdout.write(", ".join(f"{tally[word]} {word}" for word in WORDS))
        if tally["refused"]:
            raise CommandError(f"{tally['refused']} refused.")

    def _take(self, path: Path, routes: Routes, tests: bool) -> Iterator[Taken]:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        count = 0
        for taken in Door(routes, via=f"file {path.name}", tests=tests).take_all(content):
            count += 1
            yield taken
        said = announced(content)
        if said is not None and said != count:
            self.stderr.write(self.style.WARNING(f"{path.name}: its envelope says {said} messages, and has {count}."))


def organisation(slug: str) -> Tenant:
    found = Tenant.objects.filter(slug=slug, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no active organisation “{slug}”.")
    return found


def files_under(paths: list[str]) -> Iterator[Path]:
    """The named files, and in folders those that begin as messages do, by name."""
    for path in map(Path, paths):
        if not path.exists():
            raise CommandError(f"{path} is not there.")
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.is_file() and begins_as_a_message(one))
        else:
            yield path


def begins_as_a_message(path: Path) -> bool:
    with path.open("rb") as file:
        start = as_bytes(file.read(4096)).lstrip(b"\x0b\r\n\t ")
    return start.startswith(BEGINNINGS)
