"""Several things of a visit for one price."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from billing.forms import ChoosePackage
from billing.models import Account, Package
from billing.money import spoken
from billing.views.payments import ask, changed
from clinical.models import Visit
from hospital.http import Request
from hospital.permits import permit


@permit("billing.take_payment", "GET", "POST")
def apply_package(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    fitting = list(Package.fitting(Account(visit).charges))
    form = ChoosePackage(request.POST or None, packages=fitting)
    if request.method == "GET" or not form.is_valid():
        return ask(request, form, visit, title=f"Package for {visit.patient.name}", submit="Use the package")
    package = next(one for one in fitting if str(one.pk) == form.cleaned_data["package"])
    less = package.apply(visit, by=request.acting.person)
    return changed(request, visit, f"{package.name}: {spoken(less)} less is asked.")
