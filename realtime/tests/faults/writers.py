"""People who work: each sends forms with keys, and like a person sends a form again that got no answer."""

from __future__ import annotations

import http.client
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from hospital.tests.hospital import Hospital
from realtime.tests.listening import cookie_of

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"
TOKEN = "f" * 32
PATIENCE = 30.0  # seconds until a form that gets no answer is given up
WAIT = 20.0  # seconds for one answer
LOG_IN = "/accounts/login/"
LETTERS = "bcdfghjklmnpqrstvwxz"


@dataclass
class Operation:
    kind: str
    tenant: str
    mark: str
    path: str
    fields: dict[str, str]
    result: str = UNKNOWN
    answers: list[int] = field(default_factory=list)  # 0: none came
    invoked: float = field(default_factory=time.time)
    answered: float = 0.0
    slowest: float = 0.0
    location: str = ""


class Writer(threading.Thread):
    def __init__(self, base: str, hospital: Hospital, chance: random.Random, pace: float) -> None:
        super().__init__(daemon=True)
        self.base, self.hospital, self.chance, self.pace = base, hospital, chance, pace
        self.cookie = f"{cookie_of(hospital, 'reception')}; csrftoken={TOKEN}"
        self.done: list[Operation] = []
        self.visits: list[str] = []
        self.unpaid: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        while not self.ending.wait(self.pace * self.chance.uniform(0.5, 1.5)):
            operation = self.next()
            self.done.append(operation)
            self.perform(operation)

    def next(self) -> Operation:
        kind = self.chance.choices(["visit", "call", "pay", "move"], [4, 3, 2, 1])[0]
        if kind == "pay" and self.unpaid:
            return self.operation(kind, f"visits/{self.unpaid.pop()}/payment/", amount="10", method="cash")
        if kind in ("call", "move") and self.visits:
            visit = self.chance.choice(self.visits)
            queue = self.chance.choice(["laboratory", "consultation", "pharmacy"])
            return self.operation(kind, f"visits/{visit}/{kind}/", **({"queue": queue} if kind == "move" else {}))
        return self.operation("visit", "patients/new/", sex="female", age="40", priority="routine", then="visit")

    def operation(self, kind: str, path: str, **fields: str) -> Operation:
        mark = "".join(self.chance.choices(LETTERS, k=16))
        name = {"visit": "complaint", "call": "room", "pay": "reference", "move": "reason"}[kind]
        fields |= {name: mark, "form_key": str(uuid.uuid4()), "csrfmiddlewaretoken": TOKEN}
        if kind == "visit":
            fields |= {"given_name": mark[:8].title(), "family_name": self.hospital.mark}
        return Operation(kind, self.hospital.tenant.slug, mark, f"{self.hospital.url}/{path}", fields)

    def perform(self, operation: Operation) -> None:
        end = time.monotonic() + PATIENCE
        while operation.result == UNKNOWN and time.monotonic() < end:
            began = time.monotonic()
            self.send(operation)
            operation.slowest = max(operation.slowest, time.monotonic() - began)
            if operation.result == UNKNOWN:
                time.sleep(self.chance.uniform(0.3, 1))
        operation.answered = time.time()
        if operation.result == OK and self.chance.random() < 0.3:
            self.send(operation)  # the double click
        self.remember(operation)

    def send(self, operation: Operation) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=WAIT)
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
        try:
            connection.request("POST", operation.path, urlencode(operation.fields), headers)
            answer = connection.getresponse()
            answer.read()
            operation.answers.append(answer.status)
            operation.location = answer.headers.get("Location") or operation.location
        except (OSError, http.client.HTTPException):
            operation.answers.append(0)
        finally:
            connection.close()
        if operation.result == UNKNOWN:
            asked_to_log_in = operation.location.startswith(LOG_IN)
            operation.result = FAIL if asked_to_log_in else result_of(operation.answers[-1])

    def remember(self, operation: Operation) -> None:
        if operation.kind == "visit" and operation.result == OK:
            visit = operation.location.rstrip("/").rsplit("/", 1)[-1]
            self.visits.append(visit)
            self.unpaid.append(visit)


def result_of(status: int) -> str:
    if 200 <= status < 400:
        return OK
    return FAIL if 400 <= status < 500 else UNKNOWN
