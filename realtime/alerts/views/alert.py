"""Alerts on screen: the list, one alert with its history, the banners of every page, and the answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from hospital.http import Request
from hospital.models import AuditEntry, Role
from hospital.panel import beside_its_field
from hospital.permits import permit
from realtime.alerts.forms import Acknowledge
from realtime.alerts.frame import frame_of, role_for
from realtime.alerts.models import ACKNOWLEDGE, Alert

PAGE = 25


def mine(request: Request) -> QuerySet[Alert]:
    """What the acting role may see; of others not even that there is one."""
    return Alert.objects.for_role(request.acting.role)


@permit(ACKNOWLEDGE)
def alerts(request: Request) -> HttpResponse:
    """Open ones first, then the newest."""
    to_me = Q(addressed__contains=[request.acting.person.pk])
    filters = {
        "": Q(status=Alert.Status.RAISED),
        "mine": Q(status=Alert.Status.RAISED) & to_me,
        "settled": ~Q(status=Alert.Status.RAISED),
        "all": Q(),
    }
    counts = mine(request).aggregate(**{name or "open": Count("pk", filter=chosen) for name, chosen in filters.items()})
    labels = (("", "Open"), ("mine", "Waiting for me"), ("settled", "Settled"), ("all", "All"))
    shown = filters.get(request.GET.get("show", ""), filters[""])
    rows = mine(request).filter(shown).select_related("acknowledged_by").order_by("-raised_at")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "pills": [{"value": name, "label": label, "count": counts[name or "open"]} for name, label in labels],
        "is_live_list": shown == filters[""] and request.GET.get("page", "1") == "1",
    }
    return render(request, "realtime/alerts/list.html", context)


@permit(ACKNOWLEDGE)
def waiting(request: Request) -> HttpResponse:
    """The banners and the bell, fetched by static/alerts.js when something about them may have changed."""
    return render(request, "realtime/alerts/waiting.html", {"frame": frame_of(request)})


@permit(ACKNOWLEDGE)
def alert(request: Request, pk: UUID) -> HttpResponse:
    alert = get_object_or_404(Alert.objects.select_related("acknowledged_by", "answers"), pk=pk)
    title = alert.title_for(request.acting.role)
    if not title:
        return in_another_role(request, alert)
    note_view(alert)
    context = {
        "alert": alert,
        "title": title,
        "may_read": alert.may_be_read_by(request.acting.role),
        "climbs": alert.climbs.prefetch_related("told__person"),
        "roles": dict(Role.objects.values_list("key", "title")),
    }
    return render(request, "realtime/alerts/page.html", context)


def in_another_role(request: Request, alert: Alert) -> HttpResponse:
    """An e-mail leads here in whatever role its reader acts."""
    role = role_for(request, alert)
    if role is None:
        raise Http404
    return render(request, "realtime/alerts/other_role.html", {"role": role}, status=403)


def note_view(alert: Alert) -> None:
    AuditEntry.note("view", table="realtime_alert", row_id=alert.pk, patient_id=alert.patient_id)


@permit(ACKNOWLEDGE, "GET", "POST")
def acknowledge(request: Request, pk: UUID) -> HttpResponse:
    alert = get_object_or_404(mine(request).select_related("acknowledged_by"), pk=pk)
    alert.refuse_if_settled()
    form = Acknowledge(request.POST or None, alert=alert)
    if request.method == "POST" and form.is_valid() and was_acknowledged(request, alert, form):
        return leave(request, alert)
    note_view(alert)
    over = request.htmx.target == "dialog"
    context = {
        "alert": alert,
        "form": form,
        "title": alert.title_for(request.acting.role),
        "over": over,
        "cancel": reverse("alerts:alert", args=[alert.pk]),
    }
    template = "realtime/alerts/_acknowledge.html" if over else "realtime/alerts/acknowledge.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


def was_acknowledged(request: Request, alert: Alert, form: Acknowledge) -> bool:
    data = form.cleaned_data
    with beside_its_field(form):
        alert.acknowledge(
            by=request.acting.person,
            role=request.acting.role.key,
            done=data["done"],
            text=data["text"],
            read_back=data.get("read_back", ""),
        )
    return not form.errors


def leave(request: Request, alert: Alert) -> HttpResponse:
    """A dialog over a page closes, and the page follows by itself."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": "close-dialog"})
    messages.success(request, "The alert is acknowledged.")
    return redirect("alerts:alert", pk=alert.pk)
