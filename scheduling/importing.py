"""From an uploaded file to lines that wait, and from lines that were settled back to a file."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

from django.db import transaction

from hospital.models import Person
from hospital.spreadsheets import as_csv
from hospital.tenancy import current
from scheduling.imports import COLUMNS, Table
from scheduling.judging import judged
from scheduling.models import AppointmentImport, AppointmentType, ImportLine, Provider

AT_ONCE = 500


@transaction.atomic
def look_through(name: str, table: Table, *, outside: bool, by: Person | None) -> AppointmentImport:
    """Nothing is booked yet: each line has its verdict, and waits."""
    made = AppointmentImport(name=name[:200], columns=table.columns, outside=outside, total=len(table.rows))
    made.uploaded_by = by
    made.start(by=by)
    lines = list(judged(table, outside=outside))
    for line in lines:
        line.of, line.tenant = made, current().tenant
    ImportLine.objects.bulk_create(lines, batch_size=AT_ONCE)
    return made


def begin(run: AppointmentImport, *, by: Person | None) -> None:
    """The worker takes the lines. A broker that is away makes nobody wait: the beat finds the import too."""
    from scheduling.tasks import import_lines

    run.begin(by=by)
    keys = (str(run.tenant_id), str(run.pk))

    def queue() -> None:
        Thread(target=import_lines.apply_async, args=(keys,), kwargs={"retry": False}, daemon=True).start()

    transaction.on_commit(queue, robust=True)


def result_of(run: AppointmentImport) -> str:
    """The file again, each line with what became of it."""
    return as_csv(result_rows(run))


def result_rows(run: AppointmentImport) -> Iterator[list[object]]:
    yield ["line", *run.columns, "result", "why", "appointment"]
    width = len(run.columns)
    for line in run.lines.select_related("appointment"):
        cells = [*line.cells, *[""] * width][:width]
        result = line.get_outcome_display() or f"Waits: {line.get_verdict_display().lower()}"
        yield [line.number, *cells, result, line.words, str(line.appointment or "")]


def template() -> str:
    """A file to fill in: the columns, and one line as an example."""
    kind, provider = AppointmentType.objects.first(), Provider.objects.select_related("person").first()
    example = {
        "patient_number": "P-000001",
        "date": "2027-03-24",
        "time": "09:30",
        "type": str(kind or "Check-up"),
        "provider": str(provider or "Adaeze Obi"),
        "reason": "Follow-up",
    }
    return as_csv([list(COLUMNS), [example.get(column, "") for column in COLUMNS]])
