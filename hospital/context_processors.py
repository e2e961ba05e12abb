"""What the frame of every page needs."""

from uuid import uuid4

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict:
    return {
        "acting": getattr(request, "acting", None),
        "my_roles": getattr(request, "my_roles", []),
        "live_cursor": getattr(request, "live_cursor", ""),
        "form_key": uuid4,
    }
