"""Pages that look at a subject, for the tests of who sees whom."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar, Self

import requests
from websockets.exceptions import ConnectionClosed

from realtime.sight import token_for
from realtime.tests.listening import Listener
from realtime.tests.server import Site

PARTS = ("details", "diagnosis", "prescription")
SOON, RUN_OUT = 18, 60  # generous; a seat stands for twenty seconds


class Looker(Listener):
    """A page that looks at a subject."""

    there: ClassVar[list[Looker]] = []  # all pages of a test: whichever waits, each answers what it is asked meanwhile

    def __init__(self, site: Site, hospital, role: str, subject: uuid.UUID, *, name: str = "", parts=PARTS) -> None:
        super().__init__(site, hospital, role, name=name)
        self.hospital, self.role, self.name = hospital, role, name
        self.subject, self.parts = subject, parts
        self.part, self.renews = "", True
        self.maker: Site | None = None  # the server that makes its tokens; none: this process

    def __enter__(self) -> Self:
        super().__enter__()
        self.there.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        self.there.remove(self)
        super().__exit__(*error)

    def token(self) -> str:
        if self.maker:
            return token_from(self.maker, self)
        with self.hospital.acting(self.role, self.name):
            return token_for(self.subject, self.parts)

    def look(self, part: str = "", token: str = "") -> Looker:
        self.part = part
        self.say({"here": token or self.token(), "part": part})
        return self

    def see(self, message: dict) -> None:
        if "presence" in message:
            self.messages.append(message)
            if self.renews and "renew" in message["presence"]:
                self.look(self.part)
        else:
            super().see(message)

    @property
    def answers(self) -> list[dict]:
        return [message["presence"] for message in self.messages if "of" in message.get("presence", ())]

    @property
    def is_asked_again(self) -> bool:
        return any("renew" in message.get("presence", ()) for message in self.messages)

    def until_asked_again(self, token: str) -> None:
        end = time.monotonic() + SOON
        self.messages.clear()
        while not self.is_asked_again:
            assert time.monotonic() < end
            self.look(token=token).listen(0.5)

    @property
    def people(self) -> list[tuple[str, str]]:
        """Who is there and what they edit, as the newest answer says."""
        return [(one["name"], one["part"]) for one in self.answers[-1]["people"]] if self.answers else []

    def sees(self, *people: tuple[str, str], seconds: float = SOON) -> None:
        end = time.monotonic() + seconds
        while not (self.answers and self.people == list(people)):
            assert time.monotonic() < end, f"{self.people} instead of {people}; heard {self.messages}"
            for page in self.there:
                with suppress(ConnectionClosed):
                    page.listen(0.1)

    def sees_while_looking(self, *people: tuple[str, str], seconds: float) -> None:
        """As a page does, which says every few seconds that it is there."""
        end = time.monotonic() + seconds
        while not (self.answers and self.people == list(people)):
            assert time.monotonic() < end, f"{self.people} instead of {people}"
            self.look().listen(2)


@contextmanager
def colleagues(hospital, site: Site, other_site: Site) -> Iterator[tuple[Looker, Looker]]:
    """Two who look at the same subject, and see each other."""
    subject = uuid.uuid4()
    with (
        Looker(site, hospital, "main_doctor", subject) as doctor,
        Looker(other_site, hospital, "checker_doctor", subject) as checker,
    ):
        doctor.look().sees()
        checker.look().sees(("Main Doctor", ""))
        doctor.sees(("Checker Doctor", ""))
        yield doctor, checker


def token_from(site: Site, page: Looker) -> str:
    """As the page renews it, from one of the servers behind the same address."""
    path = f"{page.hospital.url}/patients/{page.subject}/here/"
    return requests.get(f"{site.url}{path}", headers={"Cookie": page.cookie}, timeout=20).json()["here"]
