"""What the frame of every page needs."""

from typing import cast
from uuid import uuid4

from django.http import HttpRequest

from hospital.sessions import SessionStore, idle_time


def frame(request: HttpRequest) -> dict:
    return {
        "acting": getattr(request, "acting", None),
        "my_roles": getattr(request, "my_roles", []),
        "live_cursor": getattr(request, "live_cursor", ""),
        "live_regions": getattr(request, "live_regions", frozenset()),
        "form_key": uuid4,
        "session_left": int(cast(SessionStore, request.session).seconds_left) if hasattr(request, "acting") else 0,
        "session_idle": int(idle_time().total_seconds()),
    }
