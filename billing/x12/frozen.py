"""Values of this package to plain JSON and back, so that what a payer said is kept as it was understood."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

LEAVES: dict[type, Callable[[Any], Any]] = {Decimal: Decimal, date: date.fromisoformat}
EMPTY: dict[Any, Any] = {str: "", tuple: (), UnionType: None}


def frozen(value: Any) -> Any:
    """JSON of it; what is empty is left out."""
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: frozen(one) for name, one in pairs if one not in (None, "", ())}
    if isinstance(value, tuple):
        return [frozen(one) for one in value]
    return str(value) if isinstance(value, Decimal | date) else value


def thawed(kind: type, data: dict[str, Any]) -> Any:
    """The value again. Raises what the constructors raise where the JSON is of another kind."""
    hints = hints_of(kind)
    return kind(**nothing_of(kind) | {name: of(hints[name], value) for name, value in data.items()})


@cache
def hints_of(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def nothing_of(kind: type) -> dict[str, Any]:
    """Fields that have no default and may be empty: they are left out where they are."""
    hints = hints_of(kind)
    bare = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is field.default_factory is dataclasses.MISSING
    ]
    return {name: EMPTY[shape(hints[name])] for name in bare if shape(hints[name]) in EMPTY}


def shape(hint: Any) -> Any:
    return get_origin(hint) or hint


def of(hint: Any, value: Any) -> Any:
    if get_origin(hint) is UnionType:
        hint = next(one for one in get_args(hint) if one is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(of(get_args(hint)[0], one) for one in value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return thawed(hint, value)
    return LEAVES[hint](value) if hint in LEAVES else value
