"""`manage.py x12 PATH…`"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.x12.complaints import Level
from billing.x12.contents import File, understood
from billing.x12.segments import BEGINNING
from billing.x12.spoken import lines_of

HEAD = 4096


class Command(BaseCommand):
    help = (
        "Tells what X12 files are: the kind, the parties, the sums, whether they balance, and what is wrong with them. "
        "Nothing is stored. The exit code is 1 if a file has an error or does not balance."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="files, or folders to look through")
        parser.add_argument("--quiet", action="store_true", help="no notes on segments that are in order and not used")

    def handle(self, *, paths: list[str], quiet: bool, **options: Any) -> None:
        bad = count = 0
        for path in files_under(paths):
            count += 1
            bad += self._tell(path, quiet)
        if not count:
            raise CommandError("There is no X12 file here.")
        if bad:
            raise CommandError(f"{bad} of {count} with an error or out of balance.")

    def _tell(self, path: Path, quiet: bool) -> bool:
        try:
            file = understood(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        self.stdout.write(self.style.MIGRATE_HEADING(path.name))
        balanced = True
        for part in file.contents:
            told = lines_of(part)
            balanced = balanced and told.balanced
            for line in told.lines:
                self.stdout.write(f"  {line}")
        self._complain(file, quiet)
        return bool(file.errors) or not balanced

    def _complain(self, file: File, quiet: bool) -> None:
        styles: dict[Level, Callable[[str], str]] = {
            Level.ERROR: self.style.ERROR,
            Level.WARNING: self.style.WARNING,
            Level.NOTE: str,
        }
        for one in file.complaints:
            if not (quiet and one.level is Level.NOTE):
                self.stdout.write(styles[one.level](f"  {one.level}: {one}"))


def files_under(paths: list[str]) -> Iterator[Path]:
    """The named files, and in folders those that look like X12, by name."""
    for path in map(Path, paths):
        if not path.exists():
            raise CommandError(f"{path} is not there.")
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.is_file() and looks_like_x12(one))
        else:
            yield path


def looks_like_x12(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return BEGINNING.match(head.decode("latin-1").lstrip("\ufeffï»¿ \r\n")) is not None
