"""A form of a few fields: beside the page where HTMX asks for it, or on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request
from hospital.workflow import Refused


def panel(request: Request, form: forms.Form, page: str, *, cancel: str, **words: Any) -> HttpResponse:
    context = {"form": form, "action": request.path, "cancel": cancel, "htmx": True, **words}
    return render(request, "_form.html" if request.htmx else page, context, status=422 if form.errors else 200)


@contextmanager
def beside_its_field(form: forms.BaseForm) -> Iterator[None]:
    """A refusal about a field of the form stands beside that field, and what was typed stays."""
    try:
        with transaction.atomic():
            yield
    except Refused as refused:
        if refused.field not in form.fields:
            raise
        form.add_error(refused.field, str(refused))
