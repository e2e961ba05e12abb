"""How htmx asks for a page, and what the page answers."""

from __future__ import annotations

from django.http import HttpResponse

HX = {"HX-Request": "true"}
PANEL = {**HX, "HX-Target": "panel"}


def text(answer: HttpResponse) -> str:
    return answer.content.decode()
