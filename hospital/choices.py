"""What a form lets choose from is known only when a tenant is open."""

from __future__ import annotations

from typing import cast

from django import forms
from django.db import models


def offer(form: forms.BaseForm, name: str, rows: models.QuerySet) -> None:
    """The rows that this field takes. The field is declared with `queryset=None`."""
    cast(forms.ModelChoiceField, form.fields[name]).queryset = rows
