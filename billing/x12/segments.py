"""Text to segments. The first segment (ISA) says by its own shape which separators the file has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from billing.x12.complaints import Complaints

NAME = re.compile(r"[A-Z][A-Z0-9]{1,2}")
BLANKS = " \t\r\n\v\f\ufeff"  # unlike those of Python without FS, GS, RS and US, which are made to separate
MARK = r"[^A-Za-z0-9 \t\r\n]"
BEGINNING = re.compile(rf"(ISA|GS|ST)({MARK})")
# Among the bytes of a picture "GS" and "ST" occur by chance, so that what stands after them has to be theirs as well.
FIRST = re.compile(rf"ISA{MARK}|GS({MARK})[A-Z]{{2}}\1|ST{MARK}[0-9]{{3}}(?![A-Za-z0-9])")
NEXT = re.compile(r"[^\w ]\s*(GS|ST)$")
USUAL_COMPONENTS = ":>|<\\"
ISA_ELEMENTS = 16
LONGEST_ISA = 300  # 106 letters by the book; some systems do not pad, others pad too much
MOST_SEGMENTS = 500_000


@dataclass(frozen=True)
class Marks:
    """The separators that a file chose for itself."""

    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    end: str = "~"


@dataclass(frozen=True)
class Segment:
    """`elements` begin with the name, so that their numbers are those of the standard."""

    elements: tuple[str, ...]
    position: int
    marks: Marks

    @property
    def name(self) -> str:
        return self.elements[0]

    @property
    def is_named(self) -> bool:
        return bool(NAME.fullmatch(self.name))

    @property
    def spoken(self) -> str:
        """The name as complaints have it: what is no name may be anything, also a patient's."""
        return self.name if self.is_named else "segment"

    def at(self, number: int) -> str:
        return self.elements[number] if number < len(self.elements) else ""

    def repeats(self, number: int) -> list[str]:
        return [one for part in self.at(number).split(self.marks.repetition) if (one := part.strip(BLANKS))]

    def components(self, number: int) -> list[str]:
        """The parts of a composite element, also where the file separates them by another mark than it says."""
        return self.parts_of(self.at(number))

    def parts_of(self, text: str) -> list[str]:
        return [part.strip(BLANKS) for part in text.split(self.component_mark(text))]

    def component_mark(self, text: str) -> str:
        if self.marks.component in text:
            return self.marks.component
        used = {self.marks.element, self.marks.repetition, self.marks.end}
        found = (
            mark for mark in USUAL_COMPONENTS if mark not in used and re.match(rf"\w{{1,3}}{re.escape(mark)}", text)
        )
        return next(found, self.marks.component)

    def part(self, number: int, component: int) -> str:
        parts = self.components(number)
        return parts[component - 1] if component <= len(parts) else ""


def segments_in(text: str, complaints: Complaints) -> Iterator[Segment]:
    """Every segment of the text in its order. What stands before the first one is complained about."""
    begin = FIRST.search(text)
    if begin is None:
        complaints.error("This is no X12: there is no ISA, GS or ST.")
        return
    if text[: begin.start()].strip(BLANKS):
        complaints.error("What stands before the first segment was left out.")
    place, position, marks = begin.start(), 0, None
    while place < len(text):
        place = after_blanks(text, place, marks)
        if place >= len(text):
            return
        if marks is None or text.startswith("ISA", place):
            marks = marks_at(text, place, position + 1, complaints, marks)
        end = text.find(marks.end, place)
        segment = cut(text[place : end if end >= 0 else len(text)], position + 1, marks)
        place = end + len(marks.end) if end >= 0 else len(text)
        if segment is None:
            continue
        position += 1
        if position > MOST_SEGMENTS:
            complaints.error(f"It has more than {MOST_SEGMENTS:,} segments. The others were not read.")
            return
        if end < 0:
            complaints.warn("The file ends before this segment does.", segment.spoken, position)
        yield segment


def after_blanks(text: str, place: int, marks: Marks | None) -> int:
    """Line ends and blanks between segments mean nothing."""
    end = marks.end if marks else ""
    while place < len(text) and text[place] in BLANKS and text[place] != end:
        place += 1
    return place


def cut(text: str, position: int, marks: Marks) -> Segment | None:
    """A line end inside a segment comes from a system that folds its lines; it is no part of any element."""
    whole = text.replace("\r", "").replace("\n", "")
    if not whole.strip(BLANKS):
        return None
    name, *elements = (element.strip(BLANKS) for element in whole.split(marks.element))
    while elements and not elements[-1]:
        elements.pop()
    return Segment((name.upper(), *elements), position, marks)


def marks_at(text: str, place: int, position: int, complaints: Complaints, before: Marks | None) -> Marks:
    if not text.startswith("ISA", place) or place + 3 >= len(text):
        return before or guessed(text, place, complaints)
    element = text[place + 3]
    if element.isalnum() or element in BLANKS:
        complaints.error("Its separators cannot be told.", "ISA", position)
        return before or guessed(text, place, complaints)
    head = text[place : place + LONGEST_ISA]
    pieces = head.split(element)
    if len(pieces) <= ISA_ELEMENTS or any(map(NEXT.search, pieces[:ISA_ELEMENTS])):
        complaints.warn("It has not all of its 16 elements; the separators are guessed.", "ISA", position)
        return guessed(text, place, complaints, element)
    return declared(pieces, element, position, complaints)


def declared(pieces: list[str], element: str, position: int, complaints: Complaints) -> Marks:
    """By the 16th element: the separator of components, and after it what ends a segment."""
    tail, rest = pieces[ISA_ELEMENTS], element.join(pieces[ISA_ELEMENTS:])
    component, end = tail[:1] or ":", tail[1:2] or "~"
    if re.match(r"\W\s*GS", tail) and re.search(rf"{re.escape(component)}\s*ST{re.escape(element)}", rest):
        complaints.warn("The separator of components is missing.", "ISA", position, ISA_ELEMENTS)
        component, end = ":", component
    if end == "\r":
        end = "\n" if tail[2:3] == "\n" else "\r"
    repetition = pieces[11].strip()[:1]
    if not repetition or repetition.isalnum():  # versions before 5010 have no repetitions
        repetition = next(mark for mark in "^!`" if mark not in (element, component, end))
    marks = Marks(element, component, repetition, end)
    if len({element, component, repetition, end}) < 4 or any(
        mark.isalnum() or mark == " " for mark in (component, end)
    ):
        complaints.error("Its separators cannot be told apart.", "ISA", position)
        return usable(marks)
    return marks


def usable(marks: Marks) -> Marks:
    """The usual ones in place of those that are no use."""
    chosen: list[str] = [marks.element]
    for said, usual in ((marks.end, "~\n'"), (marks.component, ":>|"), (marks.repetition, "^!`")):
        options = [said, *usual]
        chosen.append(next(one for one in options if one not in chosen and not one.isalnum() and one != " "))
    return Marks(chosen[0], chosen[2], chosen[3], chosen[1])


def guessed(text: str, place: int, complaints: Complaints, element: str = "") -> Marks:
    """Without an ISA to go by: the usual end if it occurs, else that of the line."""
    if not element:
        begin = BEGINNING.match(text, place)
        element = begin[2] if begin else "*"
        complaints.warn("There is no ISA that says the separators; they are guessed.")
    rest = text[place:]
    end = next((mark for mark in "~'\n\r" if mark != element and mark in rest), "~" if element != "~" else "\n")
    return usable(Marks(element, ":", "^", end))
