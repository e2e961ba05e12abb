"""One partial, three users: the page includes it, an HTMX answer returns it, the hub pushes it.

A fragment knows the object, the role, and nothing of the viewer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from hospital.context import current
from hospital.http import Request

NOT_PROVIDED = "NOTPROVIDED"  # Django's own word: `{% csrf_token %}` then writes nothing


def fragment(template: str, object: Any, *, request: Request | None = None) -> SafeString:
    """The fragment for the acting role. Its forms get the request's CSRF token; static/fragments.js adds it to pushed ones."""
    return render(template, object, get_token(request) if request else "")


def render(template: str, object: Any, csrf_token: str = "") -> SafeString:
    acting = replace(current(), person=None)
    role = acting.role.key if acting.role else ""
    return render_to_string(
        template,
        {"object": object, "role": role, "acting": acting, "form_key": uuid4, "csrf_token": csrf_token or NOT_PROVIDED},
    )
