"""Labels of specimens in real size, 50 by 25 mm: the bars for the screen, and the same label as PDF for a label printer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import groupby

import zxingcpp
from django.conf import settings
from django.utils import timezone
from PIL import Image

from clinical.models import Specimen
from hospital.scripts import SPELLED, AnyScript

WIDTH, HEIGHT = 50.0, 25.0
MODULE, BARS_HIGH, POINT = 0.33, 8.5, 0.3528
# The weights of the screen's font that labels need, taken out once with fontTools.varLib.instancer: for each paper it took a second.
FONT = settings.BASE_DIR / "static" / "vendor" / "inter"


def runs(modules: list[bool]) -> Iterator[tuple[int, int]]:
    """Where each dark run begins, and how long it is."""
    at = 0
    for is_dark, run in groupby(modules):
        width = len(list(run))
        if is_dark:
            yield at, width
        at += width


@dataclass(frozen=True)
class Bars:
    """Code 128 as the places and widths of its dark bars, counted in modules, with the quiet zone around."""

    text: str

    @cached_property
    def row(self) -> list[bool]:
        drawn = zxingcpp.create_barcode(self.text, zxingcpp.BarcodeFormat.Code128).to_image()
        picture = Image.fromarray(drawn)
        return [picture.getpixel((at, 0)) == 0 for at in range(picture.width)]

    @property
    def dark(self) -> Iterator[tuple[int, int]]:
        yield from runs(self.row)

    @property
    def pixels(self) -> int:
        """How wide they are on the screen, where an inch is 96 pixels."""
        return round(len(self.row) * MODULE / 25.4 * 96)

    @property
    def svg(self) -> str:
        path = "".join(f"M{at} 0h{width}v1h-{width}z" for at, width in self.dark)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(self.row)} 1" preserveAspectRatio="none" '
            f'shape-rendering="crispEdges"><path d="{path}"/></svg>'
        )

    def draw(self, paper: AnyScript, left: float, top: float, high: float) -> None:
        for at, width in self.dark:
            paper.rect(left + at * MODULE, top, width * MODULE, high, style="F")


@dataclass(frozen=True)
class Matrix:
    """DataMatrix as rows of dark runs, counted in modules, with the quiet zone around: read from a bent wrist and a slide."""

    text: str

    @cached_property
    def rows(self) -> list[list[bool]]:
        drawn = zxingcpp.create_barcode(self.text, zxingcpp.BarcodeFormat.DataMatrix).to_image()
        picture = Image.fromarray(drawn)
        return [[picture.getpixel((x, y)) == 0 for x in range(picture.width)] for y in range(picture.height)]

    @property
    def side(self) -> int:
        return len(self.rows)

    @property
    def dark(self) -> Iterator[tuple[int, int, int]]:
        """Column, row and width of each dark run."""
        for row, modules in enumerate(self.rows):
            yield from ((at, row, width) for at, width in runs(modules))

    @property
    def svg(self) -> str:
        path = "".join(f"M{x} {y}h{width}v1h-{width}z" for x, y, width in self.dark)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.side} {self.side}" '
            f'shape-rendering="crispEdges"><path d="{path}"/></svg>'
        )

    def draw(self, paper: AnyScript, left: float, top: float, side: float) -> None:
        module = side / self.side
        for x, y, width in self.dark:
            paper.rect(left + x * module, top + y * module, width * module, module, style="F")


@dataclass(frozen=True)
class Label:
    """What stands on it: who, when born, which tests, when and by whom taken, which tube, and how often printed."""

    specimen: Specimen

    @property
    def lines(self) -> list[str]:
        patient, tube = self.specimen.patient, self.specimen
        return [
            patient.name,
            " · ".join(filter(None, (patient.number, self.birth, patient.get_sex_display()[:1]))),
            f"{tube.type_name} · {self.tests}",
        ]

    @property
    def birth(self) -> str:
        return f"{self.specimen.patient.birth_date:%d.%m.%Y}" if self.specimen.patient.birth_date else "born ?"

    @property
    def tests(self) -> str:
        return " ".join(order.test.code for order in self.specimen.orders.all() if order.status != "cancelled")

    @property
    def foot(self) -> str:
        """The number, when it was taken or printed, who took it, and whether it is not the first label."""
        at = self.specimen.collected_at or self.specimen.labelled_at or timezone.now()
        who = initials(str(self.specimen.collected_by)) if self.specimen.collected_by else ""
        again = f"REPRINT {self.specimen.labels - 1}" if self.specimen.labels > 1 else ""
        return "  ".join(filter(None, (self.specimen.number, f"{timezone.localtime(at):%d.%m. %H:%M}", who, again)))

    @property
    def bars(self) -> Bars:
        return Bars(self.specimen.bars)


def initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:3]).upper()


def pdf(specimens: Iterable[Specimen]) -> bytes:
    """One page of label size for each."""
    paper = roll(WIDTH, HEIGHT)
    for specimen in specimens:
        paper.add_page()
        draw(paper, Label(specimen))
    out = BytesIO()
    paper.output(out)
    return out.getvalue()


def roll(width: float, height: float) -> AnyScript:
    """Paper of a label printer: one page is one label, and ends where it is cut."""
    paper = AnyScript(unit="mm", format=(width, height))
    paper.set_auto_page_break(False)
    paper.set_margin(0)
    paper.add_font("inter", fname=FONT / "inter-latin-400.ttf")
    paper.add_font("inter", style="B", fname=FONT / "inter-latin-700.ttf")
    paper.add_font("more", fname=FONT / "inter-latin-ext-400.ttf")
    paper.set_fallback_fonts(["more"], exact_match=False)
    return paper


def draw(paper: AnyScript, label: Label) -> None:
    name, who, what = label.lines
    line(paper, 1.2, name, 8, "B")
    line(paper, 4.8, who, 6)
    line(paper, 7.6, what, 6)
    label.bars.draw(paper, (WIDTH - len(label.bars.row) * MODULE) / 2, 11.2, BARS_HIGH)
    line(paper, 20.6, label.foot, 6)
    say_if_spelled(paper, 22.8)


def say_if_spelled(paper: AnyScript, top: float, left: float = 2) -> None:
    """Of one label, not of the next."""
    if paper.spelled:
        paper.set_font("inter", size=3.8)
        paper.set_xy(left, top)
        paper.cell(h=3.8 * POINT, text=SPELLED)
    paper.spelled = False


def line(paper: AnyScript, top: float, text: str, size: float, style: str = "") -> None:
    """Cut where the label ends: what matters stands first."""
    paper.set_font("inter", style=style, size=size)
    while text and paper.get_string_width(text) > WIDTH - 4:
        text = text[:-1]
    paper.set_xy(2, top)
    paper.cell(h=size * POINT, text=text)
