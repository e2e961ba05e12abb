"""`manage.py import_fhir PATH… --tenant SLUG [--strict]`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinical.fhir.files import files_under
from clinical.fhir.importer import Import, Stopped
from clinical.fhir.tally import Tally
from hospital.models import Tenant

WIDTH = 24


class Command(BaseCommand):
    help = (
        "Reads FHIR R4 records (bundles or single resources, JSON or NDJSON, plain or gzipped) into one organisation. "
        "A second run changes nothing. What cannot be read is reported with its place, and the rest goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="files, or folders to look through")
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="the organisation, as in its address")
        parser.add_argument("--strict", action="store_true", help="undo a file with a broken entry, and stop there")

    def handle(self, *, paths: list[str], tenant: str, strict: bool, **options: Any) -> None:
        organisation = Tenant.objects.filter(slug=tenant, is_active=True).first()
        if organisation is None:
            raise CommandError(f"There is no active organisation “{tenant}”.")
        files = list(files_under(paths))
        if not files:
            raise CommandError("There is no FHIR file here: nothing ends in .json, .json.gz or .ndjson.")
        progress = Progress(self.stderr, len(files))
        run = Import(organisation, strict=strict, progress=progress.show)
        try:
            run.take(files)
        except Stopped as stopped:
            self._report(run.tally, progress)
            raise CommandError(
                "Stopped. The file with the broken entry was undone; those before it are in."
            ) from stopped
        self._report(run.tally, progress)

    def _report(self, tally: Tally, progress: Progress) -> None:
        progress.end()
        for problem in tally.broken:
            self.stderr.write(self.style.ERROR(f"broken: {problem}"))
        for note in tally.notes:
            self.stderr.write(self.style.WARNING(f"note: {note}"))
        for line in tally.lines():
            self.stdout.write(line)
        seconds = progress.seconds
        self.stdout.write(
            f"{tally.resources:,} resources in {seconds:.1f} s, {tally.resources / seconds:,.0f} a second"
        )


class Progress:
    """A bar that is drawn over on a terminal, and a line for each file elsewhere."""

    def __init__(self, out: Any, files: int) -> None:
        self.out, self.files, self.done, self.started = out, files, 0, monotonic()

    @property
    def seconds(self) -> float:
        return max(monotonic() - self.started, 0.001)

    def show(self, path: Path, tally: Tally) -> None:
        self.done += 1
        full = WIDTH * self.done // self.files
        bar = f"{'█' * full}{'·' * (WIDTH - full)} {self.done}/{self.files} files, {tally.resources:,} resources, {path.name[:40]}"
        if self.out.isatty():
            self.out.write(f"\r\x1b[K{bar}", ending="")
            self.out.flush()
        else:
            self.out.write(bar)

    def end(self) -> None:
        if self.out.isatty():
            self.out.write("")
