"""What a form lets choose from is known only when a tenant is open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.db import models


def choose_from(form: forms.BaseForm, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
    """What this field of fixed choices takes."""
    cast(forms.ChoiceField, form.fields[name]).choices = list(choices)


def offer(form: forms.BaseForm, name: str, rows: models.QuerySet) -> None:
    """The rows that this field takes. The field is declared with `queryset=None`."""
    cast(forms.ModelChoiceField, form.fields[name]).queryset = rows
