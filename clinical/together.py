"""Several lists in one round trip to the database: each comes as JSON, and is read back into the rows of its model."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection, models

from hospital.context import current
from hospital.models import Person, Tenant


class Gathered(models.Subquery):
    """All rows of a query, in their order, as one text."""

    template = "(SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]')::text FROM (%(subquery)s) one)"
    output_field = models.TextField()


def together(**lists: models.QuerySet) -> dict[str, list[Any]]:
    """The rows of each, with their annotations, in their order. Related rows are not joined: annotate what is needed of them."""
    told = together_as_told(**lists)
    return {name: [row_of(rows.model, values) for values in told[name]] for name, rows in lists.items()}


def together_as_told(**lists: models.QuerySet) -> dict[str, list[dict[str, Any]]]:
    """The same by column, as the database writes them."""
    here = Tenant.objects.filter(pk=current().tenant.pk)
    [texts] = here.values_list(*(Gathered(rows) for rows in lists.values()))
    return {name: json.loads(text, parse_float=Decimal) for name, text in zip(lists, texts, strict=True)}


def row_of(model: type[models.Model], values: dict[str, Any]) -> models.Model:
    fields = {str(field.column): field for field in model._meta.concrete_fields if field.column in values}
    known = [field.to_python(values.pop(column)) for column, field in fields.items()]
    row = model.from_db(connection.alias, [field.attname for field in fields.values()], known)
    for name, value in values.items():
        setattr(row, name, value)
    return row


def keep(owner: models.Model, name: str, rows: list[Any]) -> None:
    """`owner.name.all()` is these rows from now on; whoever filters further asks again, and stays with this owner."""
    known = getattr(owner, name).all()
    known._result_cache = rows
    vars(owner).setdefault("_prefetched_objects_cache", {})[name] = known


def rows_of(owner: models.Model, name: str, *named: str) -> models.QuerySet:
    """What was kept; otherwise asked for, with the rows that they name."""
    rows = getattr(owner, name).all()
    return rows if name in vars(owner).get("_prefetched_objects_cache", {}) else rows.select_related(*named)


Named = Sequence[tuple[Sequence[models.Model], tuple[str, ...]]]


def attach(named: Named) -> None:
    """Give rows of many tables the rows that they name ("recorded_by", "prescription__prescribed_by"): one query for each step."""
    keys: dict[type[models.Model], set[Any]] = defaultdict(set)
    for rows, names in named:
        for field in heads(rows, names):
            keys[field.related_model] |= {getattr(row, field.attname) for row in rows} - {None}
    keys = {model: found for model, found in keys.items() if found}
    if keys:
        _set(named, together(**{model._meta.db_table: named_by(model, found) for model, found in keys.items()}))


def _set(named: Named, told: dict[str, list[Any]]) -> None:
    known = {row.pk: row for rows in told.values() for row in rows}
    deeper = []
    for rows, names in named:
        for field in heads(rows, names):
            for row in rows:
                setattr(row, field.name, known.get(getattr(row, field.attname)))
            further = tuple(name.partition("__")[2] for name in names if name.startswith(f"{field.name}__"))
            if further:
                deeper.append(([row for row in (getattr(one, field.name) for one in rows) if row], further))
    if deeper:
        attach(deeper)


def heads(rows: Sequence[models.Model], names: tuple[str, ...]) -> list[Any]:
    return (
        [rows[0]._meta.get_field(head) for head in dict.fromkeys(name.partition("__")[0] for name in names)]
        if rows
        else []
    )


def named_by(model: type[models.Model], keys: set[Any]) -> models.QuerySet:
    rows = model._default_manager.filter(pk__in=keys).order_by()
    return rows.only("id", "name", "email") if model is Person else rows
