"""The laboratory's report: of a visit, or of a patient over a period. What it says is what was stored with each result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import Coalesce, RowNumber
from fpdf.enums import TableCellFillMode
from fpdf.fonts import FontFace

from clinical.models import Correction, LabOrder, LabResult, Patient
from clinical.models.laboratory import Orders
from hospital.paper_pdf import FONT, Paper, moment

HISTORY = 3
OUT = (LabOrder.Status.RELEASED, LabOrder.Status.REVIEWED)
WIDTHS = (42, 34, 22, 24, 52)


@dataclass(frozen=True)
class Line:
    """One test: its value as it was released, what it was before, and what was said until it was corrected."""

    order: LabOrder
    result: LabResult
    before: list[LabOrder]
    correction: Correction | None

    @property
    def history(self) -> str:
        return "; ".join(f"{one.result} ({moment(one.released_at)})" for one in self.before)

    @property
    def remarks(self) -> list[str]:
        said, result = [], self.result
        if self.correction:
            said.append(
                f"Corrected {moment(self.correction.released_at)}, formerly {self.correction.former}: {result.reason}"
            )
        if result.delta:
            confirmed = f". Confirmed: {self.order.delta_reason}" if self.order.delta_reason else ""
            said.append(f"Delta: {result.delta}{confirmed}")
        return [
            *said,
            *(one for one in (result.note, result.source and f"From {result.source}. {result.remark}") if one),
        ]


@dataclass(frozen=True)
class LabReport:
    patient: Patient
    about: str
    lines: list[Line]
    open: int  # tests that have no released result yet

    @property
    def state(self) -> str:
        return "Preliminary" if self.open else "Final"

    @property
    def groups(self) -> list[tuple[str, list[Line]]]:
        ordered = sorted(
            self.lines, key=lambda line: (line.order.test.group, line.order.test.name, line.order.released_at)
        )
        return [(group, list(lines)) for group, lines in groupby(ordered, key=lambda line: line.order.test.group)]


def report_of(patient: Patient, orders: Orders, about: str) -> LabReport:
    """A constant number of queries, however long it is."""
    rows = list(orders.counted().select_related("test", "result", "released_by", "visit", "ordered_by"))
    out = [order for order in rows if order.status in OUT]
    before = former_values(patient, out)
    corrections = {
        one.result_id: one
        for one in Correction.objects.filter(order__in=out, status="released").select_related("former")
    }
    lines = [
        Line(order, order.result, before.get(order.pk, []), corrections.get(order.result_id))
        for order in out
        if order.result
    ]
    return LabReport(patient, about, lines, len(rows) - len(out))


def former_values(patient: Patient, orders: list[LabOrder]) -> dict[Any, list[LabOrder]]:
    """The values of the same tests that were released before each of these."""
    rank = Window(RowNumber(), partition_by=F("test"), order_by=Coalesce("collected_at", "released_at").desc())
    known = LabOrder.objects.filter(
        patient=patient, status__in=OUT, test__in={order.test_id for order in orders}, result__isnull=False
    )
    rows = list(known.annotate(rank=rank).filter(rank__lte=200).select_related("result").order_by("rank"))
    return {order.pk: list(earlier(order, rows))[:HISTORY] for order in orders}


def earlier(order: LabOrder, rows: Sequence[LabOrder]) -> Iterator[LabOrder]:
    mine = order.collected_at or order.released_at
    for row in rows:
        at = row.collected_at or row.released_at
        if row.test_id == order.test_id and row.pk != order.pk and at and mine and at < mine:
            yield row


# --- on paper ---------------------------------------------------------------------------


def pdf_of(report: LabReport) -> bytes:
    patient = report.patient
    born = patient.birth_date.strftime("%-d %b %Y") if patient.birth_date else "not known"
    about = f"{patient.name}    {patient.number}    born {born}    {patient.get_sex_display()}    {report.about}"
    paper = Paper("Laboratory report", about=about, mark=report.state.upper())
    paper.say("Laboratory report", 14, bold=True)
    if report.open:
        paper.say(
            f"{report.open} {'test has' if report.open == 1 else 'tests have'} no released result yet.", 8.5, grey=True
        )
    if not report.lines:
        paper.say("No result is released.")
    for group, lines in report.groups:
        write_group(paper, group, lines)
    paper.ln(3)
    paper.say(
        "Flags: L low, H high, LL and HH critical, A abnormal, C critical. Ranges are those stored with each result.",
        7,
        grey=True,
    )
    return bytes(paper.output())


LETTERS = {"low": "L", "high": "H", "abnormal": "A", "critical_low": "LL", "critical_high": "HH", "critical": "C"}


def write_group(paper: Paper, group: str, lines: list[Line]) -> None:
    if paper.will_page_break(24):
        paper.add_page()
    paper.ln(3)
    paper.say(group, 10.5, bold=True)
    paper.set_font(FONT, "", 8)
    bold = FontFace(emphasis="BOLD")
    with paper.table(
        col_widths=WIDTHS,
        line_height=4.2,
        borders_layout="HORIZONTAL_LINES",
        headings_style=bold,
        cell_fill_mode=TableCellFillMode.NONE,
        text_align="LEFT",
        padding=1,
    ) as table:
        table.row(("Test", "Result", "Flag", "Range", "Before, released"))
        for line in lines:
            write_line(table, line, bold)


def write_line(table: Any, line: Line, bold: FontFace) -> None:
    row, result = table.row(), line.result
    row.cell(f"{line.order.test}\n{line.order.number}")
    row.cell(str(result), style=bold if result.flag else None)
    row.cell(LETTERS.get(result.flag, ""), style=bold)
    row.cell(result.range_words)
    who = line.order.released_by.name if line.order.released_by else ""
    row.cell("\n".join(filter(None, (line.history, f"{moment(line.order.released_at)}, {who}".strip(", ")))))
    for remark in line.remarks:
        table.row().cell(remark, colspan=len(WIDTHS))
