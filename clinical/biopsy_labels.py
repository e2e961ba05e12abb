"""Labels of containers, blocks and slides in real size, 60 by 30 mm, with Code 128 and DataMatrix, for screen and printer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

from django.utils import timezone

from clinical.labels import MODULE, POINT, Bars, Matrix, initials, roll
from clinical.models import BiopsyPart
from hospital.scripts import AnyScript

WIDTH, HEIGHT = 60.0, 30.0
BARS_TOP, BARS_HIGH = 16.2, 8.0
SQUARE, SQUARE_LEFT, SQUARE_TOP = 12.0, 46.5, 1.5


@dataclass(frozen=True)
class PartLabel:
    """What stands on it: who, when born, which biopsy and which part, where it was taken, when, by whom."""

    part: BiopsyPart

    @property
    def lines(self) -> list[str]:
        biopsy, patient = self.part.biopsy, self.part.biopsy.patient
        birth = f"{patient.birth_date:%d.%m.%Y}" if patient.birth_date else "born ?"
        return [
            patient.name,
            " · ".join((patient.number, birth, patient.get_sex_display()[:1])),
            f"{biopsy.number} {self.part.name} · {biopsy.get_kind_display()}",
            " · ".join(filter(None, (biopsy.where, self.part.what, self.part.stain))),
        ]

    @property
    def foot(self) -> str:
        at = timezone.localtime(self.part.labelled_at or timezone.now())
        who = initials(str(self.part.labelled_by)) if self.part.labelled_by else ""
        again = f"REPRINT {self.part.labels - 1}" if self.part.labels > 1 else ""
        return "  ".join(filter(None, (self.part.number, f"{at:%d.%m.%Y %H:%M}", who, again)))

    @property
    def bars(self) -> Bars:
        return Bars(self.part.bars)

    @property
    def matrix(self) -> Matrix:
        return Matrix(self.part.bars)


def pdf(parts: Iterable[BiopsyPart]) -> bytes:
    """One page of label size for each."""
    paper = roll(WIDTH, HEIGHT)
    for part in parts:
        paper.add_page()
        draw(paper, PartLabel(part))
    out = BytesIO()
    paper.output(out)
    return out.getvalue()


def draw(paper: AnyScript, label: PartLabel) -> None:
    beside = SQUARE_LEFT - 2.5
    for top, text, size, style in zip(
        (1.4, 5.2, 8.2, 11.2), label.lines, (8, 6.5, 7, 6.5), ("B", "", "B", ""), strict=True
    ):
        line(paper, top, text, size, beside, style)
    label.matrix.draw(paper, SQUARE_LEFT, SQUARE_TOP, SQUARE)
    label.bars.draw(paper, (WIDTH - len(label.bars.row) * MODULE) / 2, BARS_TOP, BARS_HIGH)
    line(paper, 25.6, label.foot, 7, WIDTH - 4)


def line(paper: AnyScript, top: float, text: str, size: float, width: float, style: str = "") -> None:
    """Cut where its place ends: what matters stands first."""
    paper.set_font("inter", style=style, size=size)
    while text and paper.get_string_width(text) > width:
        text = text[:-1]
    paper.set_xy(2, top)
    paper.cell(h=size * POINT, text=text)
