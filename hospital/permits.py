"""`@permit("clinical.dispense")` stands above each view of a tenant; a test walks the URLs and misses none."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from hospital.http import Request
from hospital.roles import PERMISSIONS

MEMBER = "member"


def permit(permission: str, *methods: str) -> Callable:
    """Only for acting roles that hold the permission (`MEMBER`: any role), and only these methods (default GET)."""
    if permission != MEMBER and permission not in PERMISSIONS:
        raise ValueError(f"There is no permission {permission} in hospital/roles.py.")
    allowed = methods or ("GET",)
    with_head = (*allowed, "HEAD") if "GET" in allowed else allowed

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @functools.wraps(view)
        def permitted(request: Request, *args, **kwargs) -> HttpResponse:
            if permission != MEMBER and not request.acting.may(permission):
                raise PermissionDenied(f"Your role may not {PERMISSIONS[permission]}.")
            return view(request, *args, **kwargs)

        checked = require_http_methods(list(with_head))(permitted)
        vars(checked).update(permission=permission, methods=allowed)
        return checked

    return decorate
