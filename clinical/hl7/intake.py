"""What a handler of messages is, how one is found, and what it works with.

Each app declares in `hl7.py` (this one: in the modules below) the handlers of its own messages, as `HANDLERS`, and the
words of senders that a person can explain, as `SUBJECTS`. Imports point down only, so they are found, not named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from clinical.hl7.ack import Problem
from clinical.hl7.reading import Message
from clinical.models import Hl7Message, Hl7Sender, Hl7Word

if TYPE_CHECKING:
    from clinical.models import Patient
    from hospital.models import Person

OWN = ("clinical.hl7.registration", "clinical.hl7.results", "clinical.hl7.pathology", "clinical.hl7.records")
Reason = Hl7Message.Reason
Undo = Callable[[Hl7Message, str, "Person | None"], list[str]]


class Waits(Exception):
    """The message cannot be applied without a person. Whatever it did so far is undone; it stays in the inbox."""

    def __init__(
        self, reason: str, words: str, *, asks: list[dict[str, str]] | None = None, problem: Problem | None = None
    ) -> None:
        super().__init__(words)
        self.reason, self.words, self.asks = reason, words, asks or []
        self.problem = problem or held(reason)


def held(reason: str) -> Problem:
    """What the sender is told where the words are for us: they may name what is only known here."""
    return Problem(207, f"Kept for a person: {Reason(reason).label.lower()}", severity="W")


@dataclass
class Intake:
    """A message on its way. `anyway` is what a person decided: "theirs", "ours", "new", "keep", "test"."""

    message: Message
    row: Hl7Message
    sender: Hl7Sender
    by: Person | None = None
    anyway: frozenset[str] = frozenset()
    patient: Patient | None = None
    critical: tuple[str, str] | None = None
    done: list[str] = field(default_factory=list)
    traces: dict[str, list[Any]] = field(default_factory=dict)  # by these a wrong patient is undone

    def leave_trace(self, kind: str, what: Any) -> None:
        self.traces.setdefault(kind, []).append(what)

    @property
    def own_authority(self) -> str:
        """Who gives out the numbers for which the message names nobody: the sender."""
        return f"hl7:{self.sender.application}|{self.sender.facility}"[:255]

    @property
    def identity(self) -> str:
        """Begins the identities of rows that come from this sender."""
        return f"hl7:{self.sender.pk.hex}"

    def meaning(self, subject: str, *codes: str) -> Any:
        """The row that the sender's word means, if somebody said so."""
        for code in filter(None, codes):
            target = Hl7Word.meaning(self.sender, subject, code)
            row = subjects()[subject].find(target) if target else None
            if row is not None:
                return row
        return None


@dataclass(frozen=True)
class Handler:
    code: str
    family: str
    apply: Callable[[Intake], None]
    triggers: frozenset[str] = frozenset()  # none: all of them
    undo: Undo | None = None  # by the traces that it left; says what stays

    def takes(self, code: str, trigger: str) -> bool:
        return code == self.code and (not self.triggers or trigger in self.triggers)


@dataclass(frozen=True)
class Subject:
    """Something that a sender has words for. `options()` are the rows that one can mean, the best first."""

    name: str
    label: str
    options: Callable[[], Iterable[Any]]
    find: Callable[[UUID], Any]


@cache
def handlers() -> tuple[Handler, ...]:
    return tuple(one for module in modules() for one in getattr(module, "HANDLERS", ()))


@cache
def subjects() -> dict[str, Subject]:
    return {one.name: one for module in modules() for one in getattr(module, "SUBJECTS", ())}


def modules() -> list[Any]:
    upper = [
        f"{config.name}.hl7"
        for config in apps.get_app_configs()
        if config.name != "clinical" and module_has_submodule(config.module, "hl7")
    ]
    return [import_module(name) for name in (*OWN, *upper)]


def handler_for(code: str, trigger: str) -> Handler | None:
    return next((one for one in handlers() if one.takes(code, trigger)), None)


def family_of(code: str) -> str:
    """Whose work a message is, also one that nobody applies."""
    return next((one.family for one in handlers() if one.code == code), Hl7Message.Family.OTHER)


def ask(subject: str, code: str, text: str) -> dict[str, str]:
    return {"subject": subject, "code": code[:255], "text": text[:255]}
