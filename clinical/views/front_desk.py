"""Reception's own page: who is here today, and the beginning of every visit."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinical import days
from clinical.models import Patient, QueuePlace, Visit
from hospital.permits import permit
from realtime.regions import wants

PAGE = 100
OWING = Q(ended_at=None, payment__in=[Visit.Payment.UNPAID, Visit.Payment.PARTIAL])
FILTERS = {
    "": ("Open", Q(ended_at=None)),
    "owing": ("To pay", OWING),
    **{
        queue.value: (str(queue.label), Q(ended_at=None, places__queue=queue, places__ended_at=None))
        for queue in QueuePlace.Queue
    },
    "over": ("Over today", Q(ended_at__isnull=False)),
}


@permit("clinical.register_patient")
def front_desk(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("show", "")
    chosen = asked if asked in FILTERS else ""
    today = Visit.objects.of_day(days.today())
    shown = today.filter(FILTERS[chosen][1]).in_order().shown()
    context = {
        "page": Paginator(shown, PAGE).get_page(request.GET.get("page")) if wants(request, "visits") else None,
        "pills": pills(today) if wants(request, "visit-counts") else [],
        "list": f"visits-{chosen or 'open'}",
        "today": days.today(),
    }
    return render(request, "clinical/front_desk/page.html", context)


def pills(today: QuerySet) -> list[dict]:
    conditions = {name or "open": condition for name, (_, condition) in FILTERS.items()}
    counts = today.aggregate(**{name: Count("pk", filter=only, distinct=True) for name, only in conditions.items()})
    return [{"value": name, "label": label, "count": counts[name or "open"]} for name, (label, _) in FILTERS.items()]


@permit("clinical.register_patient")
def find_patient(request: HttpRequest) -> HttpResponse:
    """The answer under the search field of the front desk, while somebody types."""
    query = request.GET.get("q", "").strip()
    found = list(Patient.objects.search(query)[:8]) if query else []
    visits = {visit.patient_id: visit for visit in Visit.objects.filter(patient__in=found, ended_at=None).shown()}
    rows = [{"patient": patient, "visit": visits.get(patient.pk)} for patient in found]
    return render(request, "clinical/front_desk/_found.html", {"rows": rows, "query": query})
