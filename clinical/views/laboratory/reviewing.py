"""The doctor's side of the laboratory: what was released and not looked at yet, and what was corrected."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.chart import open_chart
from clinical.forms.laboratory import Decision
from clinical.lab_release import mine, unreviewed
from clinical.models import CorrectionNotice, LabOrder, Visit
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused

ORDER, READ = "clinical.order_tests", "clinical.view_results"
AT_ONCE = 50
CRITICAL_FIRST = Case(
    When(result__flag__startswith="critical", then=Value(0)), default=Value(1), output_field=IntegerField()
)


@permit(ORDER)
def lab_reviews(request: Request) -> HttpResponse:
    """Critical ones first, then who waits longest."""
    whose = "all" if request.GET.get("whose") == "all" else ""
    own = mine(request.acting.person)
    rows = unreviewed() if whose else unreviewed().filter(own)
    ordered = rows.select_related("patient", "visit", "test", "result", "ordered_by")
    counts = unreviewed().aggregate(mine=Count("pk", filter=own), all=Count("pk"))
    pages = Paginator(ordered.order_by(CRITICAL_FIRST, "released_at", "accession"), AT_ONCE)
    pages.count = counts[whose or "mine"]
    context = {
        "page": pages.get_page(request.GET.get("page")),
        "whose": whose,
        "pills": [
            {"value": "", "label": "Mine", "count": counts["mine"]},
            {"value": "all", "label": "All", "count": counts["all"]},
        ],
        "corrected": CorrectionNotice.objects.open().filter(person=request.acting.person).count(),
    }
    return render(request, "clinical/laboratory/reviews.html", context)


@permit(ORDER, "GET", "POST")
def lab_review(request: Request, pk: UUID) -> HttpResponse:
    """Looked at; with what was decided, if anything."""
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    if request.method == "GET":
        return decide(request, order.visit, f"Review {order.test}", order)
    form = Decision(request.POST)
    if not form.is_valid():
        return decide(request, order.visit, f"Review {order.test}", order, form)
    open_chart(order.patient, page="laboratory test")
    if not was_looked_at(request, order):
        raise Refused(f"{order.test} was corrected meanwhile. Look at it again.")
    order.review(by=request.acting.person, note=form.cleaned_data["note"])
    return back(request, order.visit)


@permit(ORDER, "GET", "POST")
def review_tests(request: Request, pk: UUID) -> HttpResponse:
    """The doctor has seen all that was released of a visit."""
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    form = Decision(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return decide(request, visit, "Review all results of this visit", None, form)
    open_chart(visit.patient, page="laboratory test")
    visit.lock()
    released = visit.lab_orders.filter(status=LabOrder.Status.RELEASED)
    orders = [order for order in released if was_looked_at(request, order)]
    for order in orders:
        order.review(by=request.acting.person, note=form.cleaned_data["note"])
    messages.success(request, f"{len(orders)} reviewed.")
    return back(request, visit)


def was_looked_at(request: Request, order: LabOrder) -> bool:
    """Whether this value stood in the form: not one that came, or was corrected, while it was read."""
    return "looked" not in request.POST or f"{order.pk}:{order.result_id}" in request.POST.getlist("seen")


def back(request: Request, visit: Visit) -> HttpResponse:
    """To the list of results, if the review began there; else to the visit."""
    if request.POST.get("from") == "list":
        return (
            redirect("clinical:lab_reviews")
            if not request.htmx
            else answered(request, request.META.get("HTTP_REFERER", visit.get_absolute_url()))
        )
    return answered(request, f"{visit.get_absolute_url()}#laboratory")


def decide(
    request: Request, visit: Visit, title: str, order: LabOrder | None, form: Decision | None = None
) -> HttpResponse:
    orders = [order] if order else list(visit.lab_orders.filter(status=LabOrder.Status.RELEASED).shown().in_order())
    over = request.htmx.target == "dialog"
    context = {
        "patient": open_chart(visit.patient, page="laboratory test"),
        "visit": visit,
        "orders": orders,
        "form": form or Decision(),
        "title": title,
        "over": over,
        "cancel": f"{visit.get_absolute_url()}#laboratory",
    }
    template = "clinical/laboratory/_decide.html" if over else "clinical/laboratory/decide.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


# --- corrections ------------------------------------------------------------------------


@permit(READ)
def lab_corrected(request: Request) -> HttpResponse:
    """The values that this person saw, and that were wrong."""
    seen = request.GET.get("show") == "seen"
    rows = CorrectionNotice.objects.filter(person=request.acting.person, acknowledged_at__isnull=not seen).shown()
    counts = CorrectionNotice.objects.filter(person=request.acting.person).aggregate(
        open=Count("pk", filter=Q(acknowledged_at=None)), seen=Count("pk", filter=~Q(acknowledged_at=None))
    )
    context = {
        "page": Paginator(rows.order_by("-created_at"), AT_ONCE).get_page(request.GET.get("page")),
        "seen": seen,
        "pills": [
            {"value": "", "label": "To look at", "count": counts["open"]},
            {"value": "seen", "label": "Looked at", "count": counts["seen"]},
        ],
    }
    return render(request, "clinical/laboratory/corrected.html", context)


@permit(READ, "POST")
def lab_corrected_seen(request: Request, pk: UUID) -> HttpResponse:
    notice = get_object_or_404(CorrectionNotice.objects.select_related("correction__order"), pk=pk)
    notice.acknowledge(by=request.acting.person)
    return redirect("clinical:lab_corrected")
