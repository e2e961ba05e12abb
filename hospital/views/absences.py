"""When a person is away, and who stands in: declared by the person, or by whoever manages people."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from hospital.forms import DeclareAbsence
from hospital.http import Request
from hospital.models import Absence
from hospital.models.absence import Absences
from hospital.permits import MEMBER, permit

MANAGE = "hospital.manage_people"


@permit(MEMBER, "GET", "POST")
def absences(request: Request) -> HttpResponse:
    form = DeclareAbsence(
        request.POST or None, person=request.acting.person, for_others=request.acting.may(MANAGE), instance=Absence()
    )
    if request.method == "POST" and form.is_valid():
        form.instance.declare(by=request.acting.person)
        messages.success(request, f"{form.instance.person} is away as said.")
        return redirect("absences")
    rows = mine(request).not_over(timezone.now()).select_related("person", "covered_by", "declared_by")
    context = {"form": form, "absences": list(rows), "for_others": request.acting.may(MANAGE), "now": timezone.now()}
    return render(request, "people/absences.html", context, status=422 if form.is_bound else 200)


@permit(MEMBER, "POST")
def end_absence(request: Request, pk) -> HttpResponse:
    get_object_or_404(mine(request), pk=pk).end()
    return redirect("absences")


def mine(request: Request) -> Absences:
    """One's own; everybody's for whoever manages people."""
    rows = Absence.objects.all()
    return rows if request.acting.may(MANAGE) else rows.filter(person=request.acting.person)
