"""`manage.py import_appointments FILE --tenant SLUG [--check] [--outside] [--result FILE]`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hospital.models import Tenant
from hospital.tenancy import acting_for
from hospital.workflow import Refused
from scheduling import importing
from scheduling.imports import Table, read
from scheduling.models import AppointmentImport
from scheduling.tasks import take_lines


class Command(BaseCommand):
    help = (
        "Books the appointments of a CSV file. Each line is booked, or listed with the reason why not; the same file "
        "again books nothing twice. The columns are described in docs/scheduling.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="the organisation, as in its address")
        parser.add_argument("--check", action="store_true", help="only say what is wrong, and book nothing")
        parser.add_argument("--outside", action="store_true", help="book outside the working hours too")
        parser.add_argument("--result", type=Path, metavar="FILE", help="write the lines with their results there")

    def handle(self, *, file: Path, tenant: str, check: bool, outside: bool, result: Path | None, **rest: Any) -> None:
        organisation = Tenant.objects.filter(slug=tenant, is_active=True).first()
        if organisation is None:
            raise CommandError(f"There is no active organisation “{tenant}”.")
        table = self.table(file)
        with acting_for(organisation):
            run = importing.look_through(file.name, table, outside=outside, by=None)
            if check:
                run.discard(by=None)
            else:
                run.begin(by=None)
        if not check:
            take_lines(organisation, run.pk)
        with acting_for(organisation):
            self.report(run, result)

    def table(self, file: Path) -> Table:
        try:
            return read(file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except Refused as refused:
            raise CommandError(str(refused)) from refused

    def report(self, run: AppointmentImport, result: Path | None) -> None:
        for line in run.lines.exclude(words=""):
            self.stderr.write(
                f"line {line.number}: {line.get_outcome_display() or line.get_verdict_display()}: {line.words}"
            )
        tally = run.tally()
        if run.status == AppointmentImport.Status.DISCARDED:
            self.stdout.write(
                f"{tally['ok'] + tally['warning']} can be booked, {tally['known']} imported before, {tally['error']} cannot."
            )
        else:
            self.stdout.write(
                f"{tally['booked']} booked, {tally['there']} imported before, {tally['refused']} not booked."
            )
        if result:
            result.write_text(importing.result_of(run), encoding="utf-8")
