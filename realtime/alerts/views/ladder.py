"""How long alerts wait on each step: the tenant's own choice, for all or for one kind."""

from __future__ import annotations

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from hospital.http import Request
from hospital.models.people import ADMINISTER
from hospital.permits import permit
from hospital.workflow import Refused
from realtime.alerts.forms import EditLadder
from realtime.alerts.models import Alert, Ladder
from realtime.catalogue import catalogue


@permit(ADMINISTER)
def ladders(request: Request) -> HttpResponse:
    rows = {row.kind: row for row in Ladder.objects.all()}
    usual = rows.get("") or Ladder()
    kinds = [{"kind": kind, "row": rows.get(kind) or usual, "is_own": kind in rows} for kind in ("", *known_kinds())]
    return render(request, "realtime/alerts/ladders.html", {"kinds": kinds})


@permit(ADMINISTER, "GET", "POST")
def edit_ladder(request: Request) -> HttpResponse:
    kind = request.GET.get("kind", "")
    if kind not in ("", *known_kinds()):
        raise Http404
    row = Ladder.objects.filter(kind=kind).first() or Ladder(kind=kind)
    form = EditLadder(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save(form)
        messages.success(request, f"{row}: the ladder is saved.")
        return redirect("alerts:ladders")
    context = {"form": form, "ladder": row}
    return render(request, "realtime/alerts/ladder.html", context, status=form.status if form.is_bound else 200)


@transaction.atomic
def save(form: EditLadder) -> None:
    """Open alerts climb by the new one from now on."""
    try:
        with transaction.atomic():
            row = form.save()
    except IntegrityError:
        raise Refused("Somebody else made this ladder at the same moment. Open the page again.") from None
    follow(row, [row.kind] if row.kind else [kind for kind in known_kinds() if not Ladder.objects.filter(kind=kind)])


def follow(row: Ladder, kinds: list[str]) -> None:
    for alert in Alert.objects.open().filter(kind__in=kinds).select_for_update(no_key=True):
        alert.next_at = row.next_after(alert.step, alert.raised_at, timezone.now())
        alert.save(update_fields=["next_at"])


@permit(ADMINISTER, "POST")
def give_up_ladder(request: Request) -> HttpResponse:
    """Alerts of this kind climb as all others do, those that are open too."""
    row = get_object_or_404(Ladder.objects.select_for_update(), kind=request.POST.get("kind") or None)
    row.delete()
    follow(Ladder.of(row.kind), [row.kind])
    messages.success(request, f"{row}: from now on as all other alerts.")
    return redirect("alerts:ladders")


def known_kinds() -> list[str]:
    """The events that can raise an alert."""
    return sorted(event.name for event in catalogue if event.may_alert)
