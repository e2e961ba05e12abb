"""A house full of colleagues with open pages: each has a session of their own, and several pages."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from bench.load import Page
from bench.rivals.words import ROLE
from hospital.tests.hospital import Hospital
from realtime.models import Head

PAGES_EACH = 15  # of one person: the server allows twenty


class Crowd:
    def __init__(self, house: Hospital, *, role: str = ROLE, pages_each: int = PAGES_EACH) -> None:
        self.house, self.role, self.pages_each = house, role, pages_each
        self.cookies: list[str] = []

    def pages(self, count: int, *, cursor: str = "") -> list[Page]:
        people = -(-count // self.pages_each)
        with transaction.atomic():  # one commit for all of them
            while len(self.cookies) < people:
                self.cookies.append(self.cookie(len(self.cookies)))
        path = f"{self.house.url}/live/socket"
        return [Page(path, self.cookies[number % people], cursor) for number in range(count)]

    def cookie(self, number: int) -> str:
        cookies = self.house.client(self.role, f"Person {number}").cookies
        return f"{settings.SESSION_COOKIE_NAME}={cookies[settings.SESSION_COOKIE_NAME].value}"

    def cursor(self) -> str:
        with self.house.acting():
            return Head.cursor()
