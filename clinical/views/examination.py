"""The checker doctor: who waits, and the examination."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render

from clinical.chart import open_chart
from clinical.forms.examination import ExamineForm
from clinical.forms.lab_order import OrderTests
from clinical.models import QueuePlace, Visit
from clinical.vital_strip import last_vitals
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused

EXAMINE = "clinical.examine"
ROOM_FOR = 200


@permit(EXAMINE)
def examination_queue(request: Request) -> HttpResponse:
    visits = Visit.objects.in_queue(QueuePlace.Queue.EXAMINATION).shown()
    context = {"visits": visits[:ROOM_FOR], "queue": QueuePlace.Queue.EXAMINATION}
    return render(request, "clinical/examination/queue.html", context)


@permit(EXAMINE, "GET", "POST")
def examine(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    if request.method == "GET":
        return page(request, visit, ExamineForm(visit=visit), choice_of_tests(visit))
    visit.lock()
    if not visit.is_open:
        raise Refused(f"{visit.number} is {visit.get_status_display().lower()}: nothing more can be recorded.")
    form, tests = ExamineForm(request.POST, visit=visit), choice_of_tests(visit, request.POST)
    if not all((form.is_valid(), tests.is_valid())):
        return page(request, visit, form, tests, status=422 if tests.errors else form.status)
    if must_pay_first(visit, form):
        return page(request, visit, form, tests, status=409)
    record(visit, form, tests, by=request.acting.person)
    messages.success(request, f"{visit.patient.name}: {visit.get_status_display().lower()}.")
    return redirect("clinical:examination_queue")


def must_pay_first(visit: Visit, form: ExamineForm) -> bool:
    """What was typed stays on the page while reception takes the payment."""
    if visit.status != Visit.Status.REGISTERED:
        return False
    try:
        visit.check_gate("consultation")
    except Refused as refused:
        form.add_error(None, str(refused))
        return True
    return False


def choice_of_tests(visit: Visit, data: QueryDict | None = None) -> OrderTests:
    """None is needed here; a reason only if some are chosen after the diagnosis, and the visit asks for it itself."""
    form = OrderTests(data, visit=visit, required=False, prefix="tests")
    if "reason" in form.fields:
        form.fields["reason"].required = False
    return form


def record(visit: Visit, form: ExamineForm, tests: OrderTests, *, by: Any) -> None:
    """The first to send examines; whoever was there too amends it, and may still order tests."""
    if visit.status == Visit.Status.REGISTERED:
        visit.examine(by=by, **form.record(), **tests.order())
        return
    if form.changes:
        form.instance.amend(by=by, **form.record())
    if tests.is_chosen:
        visit.order_tests(by=by, **tests.order())


def page(request: Request, visit: Visit, form: ExamineForm, tests: OrderTests, status: int = 200) -> HttpResponse:
    patient = open_chart(visit.patient, page="examination")
    context = {
        "visit": visit,
        "patient": patient,
        "form": form,
        "tests": tests,
        "vitals": last_vitals(patient),
        "gated": visit.status == Visit.Status.REGISTERED and visit.is_gated("consultation"),
    }
    return render(request, "clinical/examination/examine.html", context, status=status)
