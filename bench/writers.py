"""Colleagues who send forms, a given number each second, whether or not the last one was answered."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from hospital.tests.hospital import Hospital


@dataclass
class Written:
    """One form: its mark, when it was sent and when it was answered (time.monotonic)."""

    mark: int
    sent_at: float
    answered_at: float


class Form:
    """A kept connection that posts one form after the other. This one is the rival's."""

    expected = 303

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def path(self, mark: int) -> str:
        return "/visits"

    def fields(self, mark: int) -> dict[str, str]:
        return {"number": str(mark), "complaint": f"Cough bench-{mark}"}

    def send(self, mark: int) -> Written:
        sent_at = time.monotonic()
        self.connection.request("POST", self.path(mark), urlencode(self.fields(mark)), self.headers)
        response = self.connection.getresponse()
        answered_at = time.monotonic()
        body = response.read()
        if response.status != self.expected:
            raise RuntimeError(f"{self.path(mark)} answered {response.status}: {body[:500]!r}")
        return Written(mark, sent_at, answered_at)


class Desk(Form):
    """A colleague at work: session, CSRF token and form keys as the pages have them."""

    expected = 302
    role = "reception"
    first = "/front-desk/"

    def __init__(self, port: int, house: Hospital, name: str, keys: list[str]) -> None:
        super().__init__(port)
        self.house, self.keys = house, keys
        session = house.client(self.role, name).cookies["sessionid"].value
        self.headers |= {"Cookie": f"sessionid={session}", "Origin": f"http://127.0.0.1:{port}"}
        self.token = self.token_of(f"{house.url}{self.first}")
        self.headers["Cookie"] += f"; csrftoken={self.token}"

    def token_of(self, path: str) -> str:
        self.connection.request("GET", path, headers=self.headers)
        response = self.connection.getresponse()
        response.read()
        cookies = response.headers.get_all("Set-Cookie") or []
        return next(one.partition("csrftoken=")[2].partition(";")[0] for one in cookies if "csrftoken=" in one)

    def key(self, mark: int) -> str:
        return self.keys[mark % len(self.keys)]

    def fields(self, mark: int) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self.token, "form_key": str(uuid.uuid4())}


class Call(Desk):
    """Calls a waiting patient to another room: one row and its visit are changed, two events written."""

    def path(self, mark: int) -> str:
        return f"{self.house.url}/visits/{self.key(mark)}/call/"

    def fields(self, mark: int) -> dict[str, str]:
        return super().fields(mark) | {"room": f"Room bench-{mark}"}


class Open(Desk):
    """Opens a visit: with its number, token and charge, and three events."""

    def path(self, mark: int) -> str:
        return f"{self.house.url}/patients/{self.key(mark)}/visits/new/"

    def fields(self, mark: int) -> dict[str, str]:
        return super().fields(mark) | {"complaint": f"Cough bench-{mark}", "priority": "routine"}


class Pay(Desk):
    """A part of what is due on a visit; another visit each time."""

    def path(self, mark: int) -> str:
        return f"{self.house.url}/visits/{self.key(mark)}/payment/"

    def fields(self, mark: int) -> dict[str, str]:
        return super().fields(mark) | {"amount": "0.50", "method": "card"}


class Dispense(Desk):
    """One piece of a line; the rest later."""

    role, first = "pharmacy", "/dispensing/"

    def path(self, mark: int) -> str:
        return f"{self.house.url}/prescriptions/lines/{self.key(mark)}/dispense/"

    def fields(self, mark: int) -> dict[str, str]:
        return super().fields(mark) | {"quantity": "1", "rest": "later", "reason": "In parts"}


class Book(Desk):
    """The next free time of the next provider; `key` is the query that the page of the last step has."""

    def path(self, mark: int) -> str:
        return f"{self.house.url}/appointments/book/last/?{self.keys[mark]}"

    def fields(self, mark: int) -> dict[str, str]:
        return super().fields(mark) | {"minutes": "15"}


@dataclass
class Writers:
    """As many threads as there are forms to send with. What fails ends the run, or is counted."""

    forms: list[Form]
    count_failures: bool = False
    written: list[Written] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)

    def one_by_one(self, marks: Iterator[int], count: int, arrived: Callable[[], None]) -> list[Written]:
        """On an idle machine: the next when the last has arrived."""
        done = []
        for mark in itertools.islice(marks, count):
            done.append(self.forms[0].send(mark))
            arrived()
        return done

    def at_rate(self, marks: Iterator[int], rate: float, seconds: float) -> list[Written]:
        self.written, self.failed = [], []
        start = time.monotonic()
        due = iter([(start + number / rate, next(marks)) for number in range(int(rate * seconds))])
        lock = threading.Lock()
        threads = [threading.Thread(target=self.work, args=(form, due, lock)) for form in self.forms]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failed and not self.count_failures:
            raise self.failed[0]
        return self.written

    def work(self, form: Form, due: Iterator[tuple[float, int]], lock: threading.Lock) -> None:
        while not self.failed or self.count_failures:
            with lock:
                at, mark = next(due, (0.0, -1))
            if mark < 0:
                return
            time.sleep(max(0.0, at - time.monotonic()))
            try:
                self.written.append(form.send(mark))
            except Exception as error:
                self.failed.append(error)
