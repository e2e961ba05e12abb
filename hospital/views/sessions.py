"""A person's log-ins: how long this one lasts, which others there are, and their end."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from hospital.http import Request
from hospital.models import Membership, Session
from hospital.permits import MEMBER, permit
from hospital.sessions import SessionStore, end_all, idle_time, is_background, open_sessions_of, prolong

MANAGE = "hospital.manage_people"


@require_http_methods(["GET", "POST"])
def state(request: Request) -> HttpResponse:
    """GET asks how long the session lasts, POST says that somebody is there; see hospital.sessions.Activity.

    After a log-in in another tab a page takes its new token from here.
    """
    if not request.user.is_authenticated:
        return JsonResponse({"person": ""})
    if request.method == "POST" and not is_background(request):
        prolong(request)
    session = cast(SessionStore, request.session)
    answer = {"person": str(request.user.pk), "left": int(session.seconds_left), "may_stay": session.may_be_prolonged}
    return JsonResponse({**answer, "token": get_token(request)})


@require_GET
def back(request: Request) -> HttpResponse:
    """Where the log-in in a second tab ends: the page that waits in the first one is whole again."""
    return render(request, "account/back.html")


@permit(MEMBER)
def sessions(request: Request) -> HttpResponse:
    here = request.session.session_key
    context = {
        "sessions": [(row, row.session_key == here) for row in open_sessions_of(request.acting.person)],
        "idle_minutes": max(1, round(idle_time().total_seconds() / 60)),
        "life_hours": max(1, round(settings.SESSION_COOKIE_AGE / 3600)),
    }
    return render(request, "people/sessions.html", context)


@permit(MEMBER, "POST")
def end_session(request: Request, ref: UUID) -> HttpResponse:
    row = get_object_or_404(others(request), ref=ref)
    end_all([row])
    messages.success(request, f"{row.device} is logged out.")
    return redirect("sessions")


@permit(MEMBER, "POST")
def end_other_sessions(request: Request) -> HttpResponse:
    end_all(others(request))
    messages.success(request, "You are logged out everywhere else.")
    return redirect("sessions")


def others(request: Request) -> QuerySet[Session]:
    """This one is ended by logging out."""
    return Session.objects.filter(person=request.acting.person).exclude(session_key=request.session.session_key)


@permit(MANAGE, "POST")
def end_sessions_of(request: Request, pk: UUID) -> HttpResponse:
    """Whoever manages the people of one organisation ends all sessions of one of them: there is only one log-in.

    Of one who works there still; whoever has left is none of its business.
    """
    person = get_object_or_404(Membership.objects.filter(is_active=True).select_related("person"), pk=pk).person
    ended = end_all(Session.objects.filter(person=person))
    messages.success(request, f"{person} is logged out." if ended else f"{person} was not logged in.")
    return redirect("people")
