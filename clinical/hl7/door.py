"""The one way in, for files and connections: bytes come, each message in them is taken in a transaction of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, close_old_connections

from clinical.hl7.ack import Problem, Verdict, answers, code_in, rejection
from clinical.hl7.charsets import encoded
from clinical.hl7.reading import Message, Unreadable, messages_in, read
from clinical.hl7.routes import Routes
from clinical.hl7.store import take
from hospital import seals
from hospital.tenancy import acting_for

log = logging.getLogger(__name__)
TRIES = 3


@dataclass(frozen=True)
class Taken:
    """One message: what a report says of it, and the answers as bytes."""

    word: str  # applied, inbox, duplicate, refused
    line: str
    answers: list[bytes] = field(default_factory=list)


class Door:
    def __init__(self, routes: Routes, *, via: str, tests: bool = False) -> None:
        self.routes, self.via, self.tests = routes, via, tests

    def take_all(self, content: bytes) -> Iterator[Taken]:
        for raw in messages_in(content):
            yield self.take(raw)

    def take(self, raw: bytes) -> Taken:
        try:
            message = read(raw)
        except Unreadable as error:
            return self._take(raw, None, str(error))
        return self._take(raw, message)

    def _take(self, raw: bytes, message: Message | None, unreadable: str = "") -> Taken:
        tenant = self.routes.tenant_for(message)
        if tenant is None:
            return refusal(raw, message, unreadable or "No organisation here takes messages of this sender.")
        for attempt in range(1, TRIES + 1):
            try:
                with acting_for(tenant), seals.raw():
                    receipt = take(raw, via=self.via, tests=self.tests)
                codec = message.charset if message else "utf-8"
                told = [encoded(one, codec) for one in receipt.answers]
                return Taken(receipt.word, f"{receipt.line} [{code_in(receipt.answers) or 'no answer wanted'}]", told)
            except (OperationalError, InterfaceError) as error:
                log.warning("a message could not be stored (%s), attempt %s", type(error).__name__, attempt)
                close_old_connections()
                time.sleep(0.2 * attempt)
            except Exception as error:
                log.error("a message could not be stored (%s)", type(error).__name__)
                break
        return refusal(raw, message, "It cannot be stored now. Send it again later.")


def refusal(raw: bytes, message: Message | None, words: str) -> Taken:
    """Nothing is stored: it stays with its sender, who is told why."""
    if message is None:
        told = [rejection(raw, words)]
    else:
        told = answers(message, Verdict.REJECT, Problem(207, words, ("MSH", "1")))
    known = f"{message.code}^{message.trigger} {message.control_id}" if message else "no message"
    codec = message.charset if message else "utf-8"
    return Taken("refused", f"refused: {known}: {words}", [encoded(one, codec) for one in told])
