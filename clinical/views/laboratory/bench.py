"""Where results are entered: the bench of one visit, and one grid for a test, a panel or a bench over many patients."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from clinical.bench import BY_VERB, offered
from clinical.chart import open_chart
from clinical.forms.results import Results
from clinical.lab_release import colleagues_who_release
from clinical.models import LabOrder, LabTest, Panel, ResultDraft, Visit
from clinical.privacy import is_masked, unlock
from clinical.views.answers import answered
from clinical.views.laboratory.worklist import PROCESS, step_of, taken
from hospital.http import Request
from hospital.permits import permit
from hospital.seals import raw
from hospital.workflow import Refused

ROWS = 50


@permit(PROCESS, "GET", "POST")
def lab_visit(request: Request, pk: UUID) -> HttpResponse:
    """The bench of one visit: its specimens, and the results of all tests on one page."""
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    unlock(visit.patient)
    orders = list(visit.lab_orders.shown().prefetch_related("test__ranges", "test__editions").in_order())
    results = Results(orders, request.acting.person, request if request.method == "POST" else None)
    if request.method == "POST" and results.is_valid():
        save_and_release(request, results)
        return go_on(request, visit)
    open_chart(visit.patient, page="laboratory", at_work=True)
    context = {
        "visit": visit,
        "patient": visit.patient,
        "orders": orders,
        "steps": offered(orders),
        "results": results,
        "focus": request.GET.get("order", ""),
        "releasers": colleagues_who_release(request.acting.person),
        "action": reverse("clinical:lab_visit", args=[visit.pk]),
    }
    template = "clinical/laboratory/_results.html" if request.htmx else "clinical/laboratory/visit.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def save_and_release(request: Request, results: Results) -> None:
    """What was typed is saved; with "release" all that can be released goes out, and the rest says why it stays."""
    saved = results.save(by=request.acting.person)
    released = 0
    left: list[str] = []
    if "release" in request.POST:
        ready = LabOrder.objects.filter(pk__in=results.keys, status=LabOrder.Status.RESULTED)
        orders = list(ready.select_related("test", "visit", "patient", "result").in_order())
        released, left = taken(BY_VERB["release"], orders, request.acting.person)
    messages.success(request, saved_words(saved, released))
    for sentence in left:
        messages.warning(request, sentence)


def saved_words(saved: int, released: int) -> str:
    if not saved and not released:
        return "Nothing was entered."
    parts = [f"{saved} {'result' if saved == 1 else 'results'} saved"] if saved else []
    return f"{', '.join([*parts, *([f'{released} released'] if released else [])])}."


def go_on(request: Request, visit: Visit) -> HttpResponse:
    """Back to the bench while something is open there, else to the list."""
    if visit.lab_orders.open().exists():
        return answered(request, reverse("clinical:lab_visit", args=[visit.pk]))
    return answered(request, reverse("clinical:lab_worklist"))


@permit(PROCESS, "POST")
def lab_visit_step(request: Request, pk: UUID) -> HttpResponse:
    """One step of all tests of a visit that can take it."""
    visit = get_object_or_404(Visit, pk=pk)
    step = step_of(request)
    orders = list(visit.lab_orders.filter(status=step.status).shown().in_order())
    if not orders:
        raise Refused(f"No test of this visit can be {step.done} now. The page shows where each stands.")
    done, left = taken(step, orders, request.acting.person)
    if not done:
        raise Refused(left[0])
    messages.success(request, f"{done} {step.done}.")
    for sentence in left:
        messages.warning(request, sentence)
    return go_on(request, visit)


# --- one grid for many patients ---------------------------------------------------------


@permit(PROCESS, "GET", "POST")
def lab_grid(request: Request) -> HttpResponse:
    """A row for each patient, a column for each test. What is chosen (a test, a panel or a bench) is in the address."""
    chosen = Chosen(request)
    page = Paginator(chosen.visits(), ROWS).get_page(request.GET.get("page"))
    orders = chosen.orders_of(page)
    results = Results(orders, request.acting.person, request if request.method == "POST" else None)
    address = f"{reverse('clinical:lab_grid')}?{request.GET.urlencode()}"
    if request.method == "POST" and results.is_valid():
        save_and_release(request, results)
        return answered(request, address)
    tests = sorted({order.test for order in orders}, key=lambda test: test.name)
    context = {
        **chosen.context,
        "page": page,
        "results": results,
        "tests": tests,
        "rows": in_rows(results, tests),
        "action": address,
        "releasers": colleagues_who_release(request.acting.person),
    }
    template = "clinical/laboratory/_grid.html" if request.htmx else "clinical/laboratory/grid.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


class Chosen:
    """What the grid is for."""

    def __init__(self, request: Request) -> None:
        self.value = request.GET.get("for", "")
        kind, _, key = self.value.partition(":")
        self.tests = LabTest.objects.none()
        if kind == "bench":
            self.tests = LabTest.objects.filter(bench=key)
        elif kind in ("test", "panel"):
            self.tests = (
                LabTest.objects.filter(code=key)
                if kind == "test"
                else LabTest.objects.filter(in_panels__panel__code=key)
            )

    def waiting(self) -> Any:
        return LabOrder.objects.filter(status__in=Results.ENTERED_IN)

    def visits(self) -> Any:
        """Whoever has waited longest comes first."""
        waits = self.waiting().filter(test__in=self.tests).values("visit")
        return Visit.objects.filter(pk__in=waits).select_related("patient").order_by("registered_at", "pk")

    def orders_of(self, page: Any) -> list[LabOrder]:
        rows = self.waiting().filter(visit__in=list(page), test__in=self.tests).shown()
        return list(
            rows.prefetch_related("test__ranges", "test__editions").order_by("visit__registered_at", "accession")
        )

    @property
    def context(self) -> dict[str, Any]:
        waits = self.waiting().order_by()
        tests = list(LabTest.objects.filter(pk__in=waits.values("test")).order_by("name"))
        benches = sorted({test.bench for test in tests if test.bench})
        panels = Panel.objects.filter(members__test__in=tests).distinct().order_by("name")
        choices = [
            ("Bench", [(f"bench:{name}", name) for name in benches]),
            ("Panel", [(f"panel:{panel.code}", panel.name) for panel in panels]),
            ("Test", [(f"test:{test.code}", test.name) for test in tests]),
        ]
        return {"choices": [(label, options) for label, options in choices if options], "chosen": self.value}


def in_rows(results: Results, tests: list[LabTest]) -> list[dict[str, Any]]:
    """Each visit with a line, or nothing, for each test."""
    found: dict[Any, dict[Any, Any]] = {}
    for line in results.lines:
        found.setdefault(line.order.visit, {})[line.order.test_id] = line
    return [{"visit": visit, "lines": [lines.get(test.pk) for test in tests]} for visit, lines in found.items()]


# --- drafts -----------------------------------------------------------------------------


@permit(PROCESS, "POST")
def lab_drafts(request: Request) -> HttpResponse:
    """What is typed is kept while it is typed: each cell for itself."""
    keys = {name.removeprefix("order-")[:36] for name in request.POST if name.startswith("order-")}
    orders = LabOrder.objects.filter(pk__in=real_keys(keys), status__in=Results.ENTERED_IN)
    for order in orders.select_related("result", "test", "patient"):
        if order.test.kind != LabTest.Kind.FILE:
            keep_cell(order, request)
    return render(request, "clinical/consultation/_kept.html", {"at": timezone.now()})


def keep_cell(order: LabOrder, request: Request) -> None:
    """A cell that was not touched since it was opened is nobody's draft, whatever a colleague entered meanwhile."""
    value, note, seen = (
        request.POST.get(f"order-{order.pk}-{name}", "").replace("\0", "") for name in ("value", "note", "seen")
    )
    opened = order.results.filter(sequence=int(seen)).first() if seen.isdecimal() and len(seen) < 5 else None
    with raw():
        untouched = {(opened.cell, opened.note) if opened else ("", "")}
    if (value, note) not in untouched | ({("", "")} if is_masked(order.patient) else set()):
        ResultDraft.keep(order, value, note, by=request.acting.person)
    else:
        ResultDraft.objects.filter(order=order, person=request.acting.person).delete()


def real_keys(keys: set[str]) -> list[UUID]:
    found = []
    for key in sorted(keys)[:500]:
        try:
            found.append(UUID(key))
        except ValueError:
            continue
    return found
