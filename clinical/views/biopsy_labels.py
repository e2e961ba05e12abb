"""Labels of biopsies, and receiving by scanner."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from clinical import biopsy_scans
from clinical.biopsy_labels import PartLabel, pdf
from clinical.chart import open_chart
from clinical.forms.biopsy import ScanPart
from clinical.labels import Bars, Matrix
from clinical.models import BiopsyPart
from clinical.models.biopsy import COLLECT
from clinical.views.biopsy import found
from clinical.views.specimen import is_key
from hospital.http import Request
from hospital.models import Person
from hospital.permits import permit
from hospital.workflow import Refused

CODES: dict[str, type[Bars] | type[Matrix]] = {"bars": Bars, "matrix": Matrix}
SHOWN = 100


@permit(COLLECT, "POST")
def biopsy_labels(request: Request, pk: UUID) -> HttpResponse:
    """Each one more is counted, and says that it is a reprint."""
    row = found(pk)
    open_chart(row.patient, page="biopsy labels", at_work=True)
    keys = [key for key in request.POST.getlist("part") if is_key(key)]
    chosen = row.parts.filter(pk__in=keys) if "part" in request.POST else row.specimens
    for part in chosen.order_by("name"):
        part.print_label(by=request.acting.person)
    ready = list(BiopsyPart.objects.shown().filter(pk__in=chosen.values("pk")))
    if not ready:
        raise Refused("Choose at least one label.", status=422)
    if "pdf" in request.POST:
        return HttpResponse(pdf(ready), content_type="application/pdf")
    context = {
        "labels": [PartLabel(part) for part in ready],
        "back": request.POST.get("back") and row.get_absolute_url(),
    }
    return render(request, "clinical/biopsy/labels.html", context)


@permit(COLLECT)
def part_code(request: Request, pk: UUID, code: str) -> HttpResponse:
    part = get_object_or_404(BiopsyPart, pk=pk)
    return HttpResponse(CODES[code](part.bars).svg, content_type="image/svg+xml")


# --- receiving ---------------------------------------------------------------------------------------


@permit(COLLECT, "GET", "POST")
def biopsy_receiving(request: Request) -> HttpResponse:
    """One field that keeps the focus: each scan is received at once, and answered with its line."""
    form = ScanPart(request.POST or None)
    scans = []
    if request.method == "POST" and form.is_valid():
        scans = [biopsy_scans.receive(form.cleaned_data["scan"], by=request.acting.person)]
        if request.headers.get("X-Scan"):
            return render(request, "clinical/biopsy/_scan.html", {"scan": scans[0]})
        form = ScanPart()
    received = received_today(request.acting.person)
    context = {"form": form, "scans": scans, "received": received, "count": len(received)}
    status = 422 if form.errors or any(scan.outcome == "bad" for scan in scans) else 200
    return render(request, "clinical/biopsy/receiving.html", context, status=status)


def received_today(person: Person) -> list[BiopsyPart]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = BiopsyPart.objects.shown().specimens().filter(received_by=person, received_at__gte=midnight)
    return list(rows.order_by("-received_at")[:SHOWN])
