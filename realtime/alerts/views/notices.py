"""The notices that one has missed, and which ones one wants to see as toasts."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from hospital.http import Request
from hospital.permits import permit
from realtime.alerts import notices as log
from realtime.alerts.forms import Settings
from realtime.alerts.models import ACKNOWLEDGE, Preference, Read
from realtime.templatetags.alerts import kind_words

PAGE = 20


@permit(ACKNOWLEDGE)
def notices(request: Request) -> HttpResponse:
    """What was said loudly for this person in this role in the last fourteen days."""
    acting, preference = request.acting, preference_of(request)
    rows = log.notices(acting, preference)
    kind, show = request.GET.get("kind", ""), request.GET.get("show", "")
    kinds = log.kinds_of(acting.role.key)
    if kind in kinds:
        rows = rows.filter(name=kind)
    page = Paginator(rows.filter(Q() if show == "all" else Q(is_read=False)), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": log.worded(acting, list(page)),
        "pills": [{"value": "", "label": "Unread"}, {"value": "all", "label": "All"}],
        "kinds": [{"value": "", "label": "All kinds"}, *({"value": name, "label": kind_words(name)} for name in kinds)],
        "live_on": " ".join(kinds),
    }
    return render(request, "realtime/notices/list.html", context)


@permit(ACKNOWLEDGE, "POST")
def read(request: Request, pk: UUID) -> HttpResponse:
    """Mark it read, and go where it leads."""
    acting = request.acting
    event = get_object_or_404(log.notices(acting, preference_of(request)), pk=pk)
    Read.objects.get_or_create(person=acting.person, event=event)
    link = log.worded(acting, [event])[0]["link"] if "open" in request.POST else ""
    return redirect(link or "alerts:notices")


@permit(ACKNOWLEDGE, "POST")
def read_all(request: Request) -> HttpResponse:
    log.read_all(request.acting)
    return redirect("alerts:notices")


@permit(ACKNOWLEDGE, "GET", "POST")
def settings(request: Request) -> HttpResponse:
    """Loudness is decided on the server; this only says which toasts this person's pages leave out."""
    preference, kinds = preference_of(request), log.kinds_of(request.acting.role.key)
    given = {"mails": preference.mails, "toasts": [kind for kind in kinds if kind not in preference.quiet]}
    form = Settings(request.POST or None, initial=given, kinds=[(kind, kind_words(kind)) for kind in kinds])
    if request.method == "POST" and form.is_valid():
        preference = Preference.of(request.acting.person, request.acting.role.key)
        preference.mails = form.cleaned_data["mails"]
        preference.quiet = [kind for kind in kinds if kind not in form.cleaned_data["toasts"]]
        preference.save(update_fields=["mails", "quiet"])
        messages.success(request, "Saved.")
        return redirect("alerts:settings")
    return render(request, "realtime/notices/settings.html", {"form": form}, status=422 if form.is_bound else 200)


def preference_of(request: Request) -> Preference:
    """As it is, or as it begins: reading a page writes nothing."""
    mine = {"person": request.acting.person, "role": request.acting.role.key}
    return Preference.objects.filter(**mine).first() or Preference(**mine, read_through=Preference.first_look())
