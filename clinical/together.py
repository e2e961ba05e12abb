"""Several lists in one round trip to the database: each comes as JSON, and is read back into the rows of its model."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.db import connection, models

from hospital.context import current
from hospital.models import Tenant


class Gathered(models.Subquery):
    """All rows of a query, in their order, as one text."""

    template = "(SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]')::text FROM (%(subquery)s) one)"
    output_field = models.TextField()


def together(**lists: models.QuerySet) -> dict[str, list[Any]]:
    """The rows of each, with their annotations, in their order. Related rows are not joined: annotate what is needed of them."""
    here = Tenant.objects.filter(pk=current().tenant.pk)
    [texts] = here.values_list(*(Gathered(rows) for rows in lists.values()))
    return {
        name: [row_of(rows.model, values) for values in json.loads(text, parse_float=Decimal)]
        for (name, rows), text in zip(lists.items(), texts, strict=True)
    }


def row_of(model: type[models.Model], values: dict[str, Any]) -> models.Model:
    fields = {str(field.column): field for field in model._meta.concrete_fields if field.column in values}
    known = [field.to_python(values.pop(column)) for column, field in fields.items()]
    row = model.from_db(connection.alias, [field.attname for field in fields.values()], known)
    for name, value in values.items():
        setattr(row, name, value)
    return row
