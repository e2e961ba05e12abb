"""Paper as PDF: the letterhead and who it is about on every page, the foot with "Page 2 of 3"."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from fpdf.enums import XPos, YPos

from hospital.context import current
from hospital.scripts import DEJAVU, SPELLED, AnyScript

FONT = "DejaVu"
MARGIN = 18.0
GREY = 90


def moment(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%-d %b %Y, %H:%M") if at else ""


class Paper(AnyScript):
    """The same head and foot on each page. `about` is the line under the house, `mark` stands at its right."""

    def __init__(self, title: str, *, about: str, mark: str = "") -> None:
        super().__init__(format="A4")
        self.about, self.mark = about, mark
        self.add_font(FONT, "", DEJAVU / "DejaVuSans.ttf")
        self.add_font(FONT, "B", DEJAVU / "DejaVuSans-Bold.ttf")
        self.set_margins(MARGIN, 14, MARGIN)
        self.set_auto_page_break(True, margin=20)
        self.set_title(title)
        self.set_creation_date(timezone.now())
        self.add_page()

    def header(self) -> None:
        self.set_font(FONT, "B", 11)
        self.cell(110, 6, current().tenant.name)
        self.set_font(FONT, "B", 9)
        self.cell(0, 6, self.mark, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.say(self.about, 8)
        self.line(MARGIN, self.get_y() + 1, self.w - MARGIN, self.get_y() + 1)
        self.ln(4)

    def footer(self) -> None:
        self.set_y(-18)
        self.say(SPELLED if self.spelled else "", 7)
        self.set_y(-14)
        self.set_font(FONT, "", 7)
        self.cell(130, 5, f"Printed {moment(timezone.now())} by {current().person}")
        self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def say(self, text: str, size: float = 9.5, *, bold: bool = False, grey: bool = False) -> None:
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(GREY if grey else 0)
        self.multi_cell(0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(0)

    def part(self, title: str, text: str) -> None:
        if self.will_page_break(16):
            self.add_page()
        self.ln(2)
        self.say(title, 8.5, bold=True, grey=True)
        with self.freely():
            self.say(text)
