"""Lengths of time, reckoned by the database."""

from __future__ import annotations

from typing import Any

from django.db import models


def span(since: str, until: str) -> models.Expression:
    return models.ExpressionWrapper(models.F(until) - models.F(since), output_field=models.DurationField())


class Percentile(models.Aggregate):
    """Of lengths of time, or of anything else that can be ordered and interpolated."""

    function = "PERCENTILE_CONT"
    share = "0.5"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = models.DurationField()

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, share=self.share, **extra)


class Median(Percentile):
    pass


class Slowest(Percentile):
    """Nine of ten are faster."""

    share = "0.9"
