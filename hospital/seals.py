"""Columns that read as sealed while what they belong to is closed. Forgetting is safe: closed is how everything begins.

A seal is on *reading an attribute of a row*, so no page, fragment, title or export can forget it. Storing is never
touched: a save, a bulk insert and a refresh read what is really there. Code that must compute with the truth and shows
nothing says `with raw():`. The domain decides what is closed (`Seals.closed`), and opens it for one request or task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, cast
from uuid import UUID

from django.db import models
from django.db.models.query_utils import DeferredAttribute
from psycopg import adapters
from psycopg.types.string import StrDumper

WORD = "Restricted"
_raw: ContextVar[bool] = ContextVar("raw", default=False)


class Mask(str):
    """What a sealed text reads as. The database driver refuses to write one."""

    __slots__ = ()


MASK = Mask(WORD)
REFUSAL = "A sealed value was about to be written. Read it with `with raw():`."


class MaskedDict(dict):
    """A sealed JSON value: also where all that is in it reads as nothing."""


class MaskedList(list):
    """The same for a list."""


class MaskDumper(StrDumper):
    def dump(self, obj: Any) -> bytes:
        raise ValueError(REFUSAL)


adapters.register_dumper(Mask, MaskDumper)


def refuse_masked(value: Any) -> None:
    """For JSON, which the driver gets as one text: nothing sealed stands anywhere in it."""
    if isinstance(value, Mask | MaskedDict | MaskedList):
        raise ValueError(REFUSAL)
    if isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            refuse_masked(one)


@dataclass
class Opened:
    """What one request or task has opened, and which rows are closed in its tenant, once it was asked."""

    keys: set[UUID] = field(default_factory=set)
    closed: frozenset[UUID] | None = None


@dataclass
class Asking:
    """How the database lists what is closed in %(tenant)s. It comes with the roles of whoever acts."""

    sql: str = "ARRAY[]::uuid[]"


closed_in = Asking()


@contextmanager
def raw() -> Iterator[None]:
    """Inside, rows read as they are stored. For computing, never for showing."""
    token = _raw.set(True)
    try:
        yield
    finally:
        _raw.reset(token)


def truth(row: models.Model, name: str) -> Any:
    """For a copy: one row takes over what stands in another."""
    with raw():
        return getattr(row, name)


def is_raw() -> bool:
    return _raw.get()


class Sealed(DeferredAttribute):
    """The attribute of a column that is sealed while its row is closed."""

    def __init__(self, column: models.Field, closed: Callable[[Any], bool], mask: Any) -> None:
        super().__init__(column)
        self.closed, self.mask, self.attname = closed, mask, column.attname

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        try:
            value = instance.__dict__[self.attname]
        except KeyError:
            value = super().__get__(instance, cls)
        if _raw.get() or value in (None, "") or not self.closed(instance):
            return value
        return shaped(value, self.mask)

    def __set__(self, instance: Any, value: Any) -> None:
        """What was read as sealed, and comes back from a form, changes nothing."""
        known = instance.__dict__.get(self.attname)
        if isinstance(value, str) and value == self.mask and known not in (None, value) and self.closed(instance):
            return
        instance.__dict__[self.attname] = value


def shaped(value: Any, mask: Any) -> Any:
    """The mask in the shape of the value, so that code that looks into it still finds what it expects."""
    if not isinstance(mask, str):
        return mask
    if isinstance(value, dict) and value:
        return MaskedDict({key: shaped(one, mask) for key, one in value.items()})
    if isinstance(value, list) and value:
        return MaskedList(shaped(one, mask) for one in value)
    if isinstance(value, dict | list):
        return value
    if isinstance(value, bool | int | float | Decimal | date):
        return None
    return mask


def seal(model: type[models.Model], name: str, closed: Callable[[Any], bool], mask: Any = MASK) -> None:
    column = cast(models.Field, model._meta.get_field(name))
    setattr(model, name, Sealed(column, closed, mask))
    # Of this column alone: a field class of its own would stand in the migrations.
    column.pre_save = partial(stored, column.pre_save)  # type: ignore[method-assign]


def stored(pre_save: Callable[[models.Model, bool], Any], row: models.Model, add: bool) -> Any:
    with raw():
        return pre_save(row, add)


def is_sealed(model: type[models.Model], name: str) -> bool:
    return isinstance(getattr(model, name, None), Sealed)


def shown(row: models.Model, value: Any) -> Any:
    """A value that a query brought past the rows, as this row would show it."""
    return MASK if value not in (None, "") and is_closed(row) else value


def is_closed(row: models.Model) -> bool:
    """Whether anything of it reads as sealed now."""
    sealed = (one for kind in type(row).__mro__ for one in vars(kind).values() if isinstance(one, Sealed))
    return any(one.closed(row) for one in islice(sealed, 1))
