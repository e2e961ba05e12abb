"""Invoices, credit notes, reminders and statements as PDF, in any script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from fpdf.enums import TableCellFillMode
from fpdf.fonts import FontFace

from billing.letterhead import letterhead
from billing.models import CreditNote, Invoice
from billing.money import spoken
from billing.statement import Statement
from clinical.models import Patient
from hospital.paper_pdf import FONT, Paper, moment


def paper_for(title: str, number: str, patient: Patient) -> Paper:
    paper = Paper(f"{title} {number}".strip(), about=f"{patient.name}    {patient.number}", mark=number)
    if house := letterhead():
        paper.say(house, 8, grey=True)
    paper.say(title, 14, bold=True)
    return paper


def write_table(paper: Paper, widths: Sequence[int], heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The first column in words, the others as sums."""
    paper.ln(3)
    paper.set_font(FONT, "", 8)
    with paper.table(
        col_widths=tuple(widths),
        line_height=4,
        borders_layout="HORIZONTAL_LINES",
        headings_style=FontFace(emphasis="BOLD"),
        cell_fill_mode=TableCellFillMode.NONE,
        text_align=("LEFT", *["RIGHT"] * (len(widths) - 1)),
        padding=1,
    ) as table:
        table.row(heads)
        for row in rows:
            table.row(row)
    paper.ln(2)


def invoice_pdf(invoice: Invoice, owed: Decimal, notes: Iterable[CreditNote]) -> bytes:
    paper = paper_for("Invoice", invoice.number, invoice.patient)
    if invoice.issued_at:
        paper.say(f"Issued {moment(invoice.issued_at)}. To be paid until {invoice.due_on:%-d %b %Y}.")
    rows = [
        (
            f"{line.text}\n{line.visit_number}, {moment(line.done_at)}",
            str(line.quantity),
            spoken(line.unit_price),
            spoken(line.discount) if line.discount else "",
            spoken(line.insured) if line.insured else "",
            spoken(line.total),
        )
        for line in invoice.current_lines()
    ]
    heads = ("For", "Quantity", "Each", "Less", "Insurance", "Amount")
    write_table(paper, (66, 18, 22, 22, 22, 24), heads, rows)
    paper.say(f"Total {spoken(invoice.total)}", 11, bold=True)
    if invoice.tax:
        paper.say(f"It contains {spoken(invoice.tax)} tax.")
    for note in notes:
        paper.say(f"Credit note {note.number}: -{spoken(note.total)}")
    paper.say(f"Still to be paid: {spoken(owed)}")
    if invoice.note:
        paper.part("Note", invoice.note)
    if invoice.status == Invoice.Status.CANCELLED:
        paper.part("Cancelled", invoice.cancel_reason)
    return bytes(paper.output())


def statement_pdf(statement: Statement) -> bytes:
    paper = paper_for("Statement", "", statement.patient)
    paper.say(f"{statement.period.first:%-d %b %Y} to {statement.period.last:%-d %b %Y}")
    rows = [("Balance before", "", "", spoken(statement.before))]
    rows += [
        (f"{line.words}\n{moment(line.at)}", line.visit, spoken(line.amount), spoken(line.balance))
        for line in statement.lines
    ]
    write_table(paper, (86, 26, 30, 32), ("What", "Visit", "Amount", "Balance"), rows)
    paper.say(f"Balance {spoken(statement.after)}", 11, bold=True)
    paper.say(statement.asks)
    return bytes(paper.output())
