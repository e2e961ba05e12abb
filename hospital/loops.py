"""What was begun and is not at its end yet, of all kinds, in one list: a loop that nobody closes is how patients come to harm.

An app declares its own kinds in a file `loops.py`, as a tuple `LOOPS`. Nothing else is needed: the list, its filters
and its counts know it from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    Expression,
    ExpressionWrapper,
    F,
    Model,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

from hospital.http import ActingPerson

COUNTED = 'SELECT loop_key, loop_mine, loop_due <= %s, count(*) FROM ({}) AS "loops" GROUP BY 1, 2, 3'


@dataclass(frozen=True)
class Line:
    """How one row reads in the list."""

    words: str
    url: str
    patient: Any = None  # with a name and a number
    whose: str = ""
    note: str = ""


@dataclass(frozen=True)
class Loop:
    """One kind of row, open until somebody closes it. `due` is when it becomes overdue."""

    key: str
    title: str
    icon: str
    permission: str
    rows: Callable[[ActingPerson], QuerySet]
    since: Expression | F
    due: Expression
    line: Callable[[Any, ActingPerson], Line]
    on: tuple[str, ...]  # the events after which the list is fetched again
    mine: Callable[[ActingPerson], Q] = lambda acting: Q()  # of nothing: whatever the role may see is everybody's
    joins: tuple[str, ...] = ()  # what `line` reads

    def part(self, acting: ActingPerson) -> QuerySet:
        """The same few columns for every kind, so that the database can put them into one list."""
        mine = self.mine(acting)
        is_mine = Case(When(mine, then=Value(True)), default=Value(False)) if mine else Value(True)
        rows = (
            self.rows(acting)
            .order_by()
            .annotate(
                loop_key=Value(self.key, CharField()),
                loop_since=self.since,
                loop_due=self.due,
                loop_mine=ExpressionWrapper(is_mine, BooleanField()),
            )
        )
        return rows.values_list("loop_key", "pk", "loop_since", "loop_due", "loop_mine")


@dataclass(frozen=True)
class Entry:
    """A row of the list, whatever its kind."""

    loop: Loop
    pk: UUID
    since: datetime
    due: datetime
    line: Line

    @property
    def is_late(self) -> bool:
        return self.due <= timezone.now()


@dataclass(frozen=True)
class Count:
    key: str
    mine: bool
    late: bool
    number: int


def after(field: str, span: timedelta) -> Expression:
    """For `due`: so long after this moment."""
    return ExpressionWrapper(F(field) + span, DateTimeField())


@cache
def declared() -> tuple[Loop, ...]:
    found: list[Loop] = []
    for app in apps.get_app_configs():
        if module_has_submodule(app.module, "loops") and app.name != "hospital":
            found += import_module(f"{app.name}.loops").LOOPS
    return tuple(found)


def declared_for(acting: ActingPerson) -> list[Loop]:
    return [one for one in declared() if acting.may(one.permission)]


class Worklist:
    """What is open for whoever acts, narrowed as asked: two questions, and one for each kind that is on the page."""

    def __init__(self, acting: ActingPerson, *, kind: str = "", mine: bool = False, late: bool = False) -> None:
        self.acting, self.mine, self.late = acting, mine, late
        self.loops = declared_for(acting)
        self.kind = kind if kind in {loop.key for loop in self.loops} else ""

    def rows(self) -> QuerySet | list[tuple]:
        """The one that is due first stands first."""
        parts = [self._narrowed(loop) for loop in self.loops if self.kind in ("", loop.key)]
        return parts[0].union(*parts[1:], all=True).order_by("loop_due", "id") if parts else []

    def _narrowed(self, loop: Loop) -> QuerySet:
        rows = loop.part(self.acting)
        if self.mine:
            rows = rows.filter(loop_mine=True)
        return rows.filter(loop_due__lte=timezone.now()) if self.late else rows

    def counts(self) -> list[Count]:
        """Of everything that is open, so that each filter can say its number."""
        parts = [loop.part(self.acting) for loop in self.loops]
        try:
            sql, values = parts[0].union(*parts[1:], all=True).query.sql_with_params() if parts else ("", ())
        except EmptyResultSet:
            sql = ""
        if not sql:
            return []
        with connection.cursor() as cursor:
            cursor.execute(COUNTED.format(sql), [timezone.now(), *values])
            return [Count(*row) for row in cursor.fetchall()]

    def entries(self, rows: list[tuple]) -> list[Entry]:
        """The rows of one page with their words. What was closed a moment ago is left out."""
        by_key = {loop.key: loop for loop in self.loops}
        wanted: dict[str, list[UUID]] = {}
        for key, pk, *_ in rows:
            wanted.setdefault(key, []).append(pk)
        found = {key: self._objects(by_key[key], keys) for key, keys in wanted.items()}
        return [
            Entry(by_key[key], pk, since, due, by_key[key].line(found[key][pk], self.acting))
            for key, pk, since, due, _ in rows
            if pk in found[key]
        ]

    def _objects(self, loop: Loop, keys: list[UUID]) -> dict[UUID, Model]:
        return {row.pk: row for row in loop.rows(self.acting).filter(pk__in=keys).select_related(*loop.joins)}

    @property
    def events(self) -> str:
        return " ".join(sorted({name for loop in self.loops for name in loop.on}))
