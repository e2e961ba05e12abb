"""A wristband in real size, 250 by 25 mm: who it is in letters, the number as Code 128 and, for a bent wrist, as DataMatrix."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from clinical.labels import POINT, Bars, Matrix, roll, say_if_spelled
from clinical.models import Patient
from hospital.context import current
from hospital.scripts import AnyScript

WIDTH, HEIGHT = 250.0, 25.0
TEXT, TEXT_WIDE, BARS, BARS_HIGH, SQUARE = 28.0, 96.0, 130.0, 11.0, 14.0


@dataclass(frozen=True)
class Wristband:
    """What is read aloud before anything is done: name, date of birth, sex, number. Nothing that anybody else need not see."""

    patient: Patient

    @property
    def born(self) -> str:
        if self.patient.birth_date is None:
            return "date of birth not known"
        return f"born {'about ' if self.patient.birth_date_estimated else ''}{self.patient.birth_date:%-d %b %Y}"

    @property
    def who(self) -> str:
        return f"{self.born}  ·  {self.patient.get_sex_display()}"

    @property
    def where(self) -> str:
        return f"{self.patient.number}  ·  {current().tenant.name}"

    @property
    def bars(self) -> Bars:
        return Bars(self.patient.number)

    @property
    def matrix(self) -> Matrix:
        return Matrix(self.patient.number)

    def pdf(self) -> bytes:
        paper = roll(WIDTH, HEIGHT)
        paper.add_page()
        self.matrix.draw(paper, 9, 5.5, SQUARE)
        write(paper, 2.6, self.patient.name, 15, "B")
        write(paper, 10.2, self.who, 11)
        write(paper, 15.6, self.where, 11)
        say_if_spelled(paper, 21.6, TEXT)
        self.bars.draw(paper, BARS, (HEIGHT - BARS_HIGH) / 2, BARS_HIGH)
        self.matrix.draw(paper, 188, 5.5, SQUARE)
        out = BytesIO()
        paper.output(out)
        return out.getvalue()


def write(paper: AnyScript, top: float, text: str, size: float, style: str = "") -> None:
    """A long name is written smaller, as long as it can be read; only then is it cut."""
    paper.set_font("inter", style=style, size=size)
    while size > 8 and paper.get_string_width(text) > TEXT_WIDE:
        size -= 0.5
        paper.set_font_size(size)
    while paper.get_string_width(text) > TEXT_WIDE:
        text = text[:-1]
    paper.set_xy(TEXT, top)
    paper.cell(h=size * POINT, text=text)
