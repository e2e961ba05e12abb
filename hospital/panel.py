"""A form of a few fields: beside the page where HTMX asks for it, or on a page of its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request


def panel(request: Request, form: forms.Form, page: str, *, cancel: str, **words: Any) -> HttpResponse:
    context = {"form": form, "action": request.path, "cancel": cancel, "htmx": True, **words}
    return render(request, "_form.html" if request.htmx else page, context, status=422 if form.errors else 200)
