"""A person's log-ins: how long this one lasts, which others there are, and their end."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.http import require_http_methods

from hospital.http import Request
from hospital.sessions import is_background, prolong


@require_http_methods(["GET", "POST"])
def state(request: Request) -> HttpResponse:
    """GET asks how long the session lasts, POST says that somebody is there; see hospital.sessions.Activity.

    After a log-in in another tab a page takes its new token from here.
    """
    if not request.user.is_authenticated:
        return JsonResponse({"person": ""})
    if request.method == "POST" and not is_background(request):
        prolong(request)
    session = request.session
    answer = {"person": str(request.user.pk), "left": int(session.seconds_left), "may_stay": session.may_be_prolonged}
    return JsonResponse({**answer, "token": get_token(request)})
