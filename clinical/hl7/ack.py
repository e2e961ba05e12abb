"""What a sender is told, by chapter 2.9: in the original mode one answer, in the enhanced mode what MSH-15 and MSH-16 ask for."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from clinical.hl7.escapes import escaped
from clinical.hl7.reading import Marks, Message, Unreadable, marks_of
from hospital.identifiers import uuid7

APPLICATION, FACILITY = "HOSPITAL", ""
# Table 0357
CONDITIONS = {
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    103: "Table value not found",
    200: "Unsupported message type",
    202: "Unsupported processing id",
    204: "Unknown key identifier",
    205: "Duplicate key identifier",
    206: "Application record locked",
    207: "Application internal error",
}


class Verdict(enum.StrEnum):
    ACCEPT = "A"  # it is here, and applied or waiting for a person
    ERROR = "E"  # it is here, and its sender made a mistake
    REJECT = "R"  # it is not HL7, or cannot be taken now: it stays with its sender


@dataclass(frozen=True)
class Problem:
    """`place` as ERR-2 has it: segment, its number, field, repetition, component."""

    code: int
    words: str
    place: tuple[str, ...] = ()
    severity: str = "E"


def answers(message: Message, verdict: Verdict, problem: Problem | None = None) -> list[str]:
    """None, one, or two: the commit acknowledgement and then that of the application."""
    commit, application = (known_condition(message.head.part(number)) for number in (15, 16))
    if not commit and not application:
        return [answer(message, f"A{verdict}", problem)]
    found = []
    if wanted(commit, verdict is not Verdict.REJECT):
        found.append(answer(message, f"C{'R' if verdict is Verdict.REJECT else 'A'}", problem))
    if wanted(application, verdict is Verdict.ACCEPT):
        found.append(answer(message, f"A{verdict}", problem))
    return found


def known_condition(said: str) -> str:
    """What is no word of the table says nothing: rather one answer too many than none."""
    return said.upper() if said.upper() in ("AL", "NE", "ER", "SU") else ""


def wanted(condition: str, good: bool) -> bool:
    """Table 0155."""
    return condition == "AL" or (condition == "SU" and good) or (condition == "ER" and not good)


def answer(message: Message, code: str, problem: Problem | None) -> str:
    marks, head = message.marks, message.head
    echoed = {number: head.value(number).text for number in (3, 4, 5, 6, 11, 12, 18)}
    trigger = marks.component.join(filter(None, ("ACK", message.trigger, "ACK")))
    kind = trigger if message.trigger else "ACK"
    header = [f"MSH{marks.field}{marks.in_msh_2}", echoed[5] or APPLICATION, echoed[6], echoed[3], echoed[4]]
    header += [now(), "", kind, control_id(), echoed[11] or "P", echoed[12] or "2.5", "", "", "", "", "", echoed[18]]
    told = [f"MSA{marks.field}{code}{marks.field}{head.value(10).text}"]
    if problem:
        told = [f"{told[0]}{marks.field}{escaped(problem.words, marks)}", error(problem, message.version, marks)]
    return "\r".join([marks.field.join(header).rstrip(marks.field), *told]) + "\r"


def error(problem: Problem, version: str, marks: Marks) -> str:
    """ERR as versions from 2.5 have it; before, code and place share its first field."""
    named = CONDITIONS[problem.code]
    if version < "2.5":
        first = [*problem.place, "", "", ""][:3]
        coded = marks.sub.join((str(problem.code), named, "HL70357"))
        return marks.field.join(("ERR", marks.component.join((*first, coded))))
    coded = marks.component.join((str(problem.code), named, "HL70357"))
    place = marks.component.join(problem.place)
    words = escaped(problem.words, marks)
    return marks.field.join(("ERR", "", place, coded, problem.severity, "", "", "", words))


def rejection(raw: bytes, words: str, code: int = 100) -> str:
    """For what cannot be read as a message: with the control id, if so much can be found."""
    header = next(iter(raw.replace(b"\n", b"\r").split(b"\r")), b"").decode("latin-1").lstrip("\x0b ")
    try:
        marks = marks_of(header.encode("latin-1")) if header.startswith("MSH") and len(header) > 7 else Marks()
    except Unreadable:
        marks = Marks()
    said = header.split(marks.field)
    known = said[9] if header.startswith("MSH") and len(said) > 9 else ""
    first = [f"MSH{marks.field}{marks.in_msh_2}", APPLICATION, "", "", "", now(), "", "ACK", control_id(), "P", "2.5"]
    told = f"MSA{marks.field}AR{marks.field}{printable(known)}{marks.field}{escaped(words, marks)}"
    problem = Problem(code, words, ("MSH", "1"))
    return "\r".join((marks.field.join(first), told, error(problem, "2.5", marks))) + "\r"


def code_in(answers: Iterable[str]) -> str:
    """AA, AE, AR, CA…: of several the last. For a line of a report."""
    codes = [line[4:6] for one in answers for line in one.split("\r") if line.startswith("MSA")]
    return codes[-1] if codes else ""


def now() -> str:
    return timezone.now().strftime("%Y%m%d%H%M%S+0000")


def control_id() -> str:
    return uuid7().hex[:20].upper()


def printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:199]
