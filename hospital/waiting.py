"""How much waits for whoever is acting: the numbers beside the places of the sidebar. All of them are one question.

An app declares its own in a file `waiting.py`, as a tuple `WAITING`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, cast
from uuid import UUID

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.utils.module_loading import module_has_submodule

from hospital.context import current
from hospital.http import ActingPerson

MANY = 99
REMEMBERED = 1000  # people at work in one process
COUNTED = "(SELECT count(*) FROM ({}) AS waiting)"


@dataclass(frozen=True)
class Waiting:
    """The number of one place: of all these rows together.

    The rows may depend on who acts, in which role, and on the database, but on nothing else: what they ask is written once
    for each person (`current_question`). The time of now is the database's, `Now()`.
    """

    key: str
    permission: str
    rows: Callable[[ActingPerson], tuple[QuerySet, ...]]
    words: str
    on: tuple[str, ...]  # the events after which it is asked again


@dataclass(frozen=True)
class Number:
    key: str
    count: int
    words: str

    def __str__(self) -> str:
        return f"{MANY}+" if self.count > MANY else str(self.count)


class Question:
    """All numbers of whoever is acting, as one array in SQL: it comes with another question."""

    def __init__(self, acting: ActingPerson) -> None:
        self.places = declared_for(acting)
        parts = [(one.key, bounded(rows)) for one in self.places for rows in one.rows(acting)]
        self.keys = [key for key, _ in parts]
        texts = [named(f"waiting_{number}_", *part) for number, (_, part) in enumerate(parts)]
        self.sql = f"ARRAY[{', '.join(text for text, _ in texts)}]::integer[]"
        self.values = {name: value for _, values in texts for name, value in values.items()}

    def numbers(self, counts: list[int]) -> dict[str, Number]:
        totals: Counter[str] = Counter()
        for key, count in zip(self.keys, counts, strict=True):
            totals[key] += count
        return {one.key: Number(one.key, totals[one.key], one.words) for one in self.places}


def acting_person() -> ActingPerson:
    return cast(ActingPerson, current())


def current_question() -> Question:
    acting = acting_person()
    return _written(acting.tenant.pk, acting.person.pk, acting.role.key, acting.role.permissions)


@lru_cache(REMEMBERED)
def _written(tenant: UUID, person: UUID, role: str, permissions: frozenset[str]) -> Question:
    """Every page asks it, and to write it in SQL takes Django longer than PostgreSQL needs for the answer.

    The arguments are all that the words depend on, and no more than that is kept: who acts holds on to a whole request.
    """
    return Question(acting_person())


def bounded(rows: QuerySet) -> tuple[str, tuple[Any, ...]]:
    """Up to a bound, so that an inbox which nobody empties costs no page more."""
    try:
        sql, values = rows.order_by().values("pk")[: MANY + 1].query.sql_with_params()
    except EmptyResultSet:
        return "0", ()
    return COUNTED.format(sql), values


def named(stem: str, sql: str, values: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    """With names for its values, as the question has that it comes with."""
    given = {f"{stem}{number}": value for number, value in enumerate(values)}
    return sql.replace("%%", "%%%%") % tuple(f"%({name})s" for name in given), given


@cache
def declared() -> tuple[Waiting, ...]:
    found: list[Waiting] = []
    for app in apps.get_app_configs():
        if module_has_submodule(app.module, "waiting"):
            found += getattr(import_module(f"{app.name}.waiting"), "WAITING", ())
    return tuple(found)


def declared_for(acting: ActingPerson) -> list[Waiting]:
    return [one for one in declared() if acting.may(one.permission)]


def events_for(acting: ActingPerson) -> str:
    """The names, for static/counts.js."""
    return " ".join(sorted({name for one in declared_for(acting) for name in one.on}))


def current_numbers() -> dict[str, Number]:
    question = current_question()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {question.sql}", question.values)
        return question.numbers(cursor.fetchone()[0])
