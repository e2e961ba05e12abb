"""What the frame of every page needs."""

from uuid import uuid4

from django.http import HttpRequest

from hospital.context import current_or_none


def frame(request: HttpRequest) -> dict:
    acting = current_or_none()
    return {
        "acting": acting,
        "my_roles": getattr(request, "my_roles", []),
        "live_cursor": getattr(request, "live_cursor", ""),
        "form_key": uuid4,
    }
