"""What every page says about alerts and notices, and the words of both."""

from __future__ import annotations

from django import template

from hospital.http import Request
from hospital.models import Role
from realtime.alerts.frame import Frame, frame_of
from realtime.alerts.models import Alert

register = template.Library()


@register.simple_tag(takes_context=True)
def alert_frame(context: template.Context) -> Frame | None:
    request: Request | None = context.get("request")
    return frame_of(request) if request is not None and hasattr(request, "acting") else None


@register.filter
def title_for(alert: Alert, role: Role) -> str:
    return alert.title_for(role)


@register.filter
def kind_words(name: str) -> str:
    """ "lab:result_ready" is "Lab: result ready"."""
    noun, _, verb = name.replace("_", " ").partition(":")
    return f"{noun.capitalize()}: {verb}" if verb else noun.capitalize()


@register.filter
def lookup(key: str, words: dict[str, str]) -> str:
    return words.get(key, key)
