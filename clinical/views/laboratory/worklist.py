"""The laboratory's list: what waits there, how long it still may, and steps for several at once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from clinical import days
from clinical.bench import BY_VERB, Step
from clinical.models import LabOrder, LabTest
from clinical.models.laboratory import Orders
from clinical.names import fold
from clinical.views.answers import as_file
from hospital.http import Request
from hospital.models import AuditEntry, Person
from hospital.permits import permit
from hospital.workflow import IllegalMove, Refused
from realtime.render import fragment

PROCESS = "clinical.process_lab"
ROW = "clinical/laboratory/_order_row.html"
AT_ONCE, ON_PAPER, MOST_EXPORTED = 100, 400, 10_000
HEADINGS = ("Number", "Patient", "Name", "Test", "Bench", "Specimen", "Priority", "Status", "Ordered", "Due")
PILLS = (
    ("", "All open"),
    ("requested", "To collect"),
    ("collected", "To receive"),
    ("received", "To start"),
    ("in_progress", "In progress"),
    ("resulted", "To release"),
    ("released", "Released today"),
)
TOGETHER = ("begin", "release")


class Narrow(forms.Form):
    """What of the list is shown. Without a word it is all of it."""

    bench = forms.ChoiceField(required=False)
    priority = forms.ChoiceField(required=False, choices=[("", "All priorities"), *LabOrder.Priority.choices])
    q = forms.CharField(required=False, max_length=80, label="Patient or number")
    overdue = forms.BooleanField(required=False, label="Overdue")

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        benches = LabTest.objects.exclude(bench="").order_by("bench").values_list("bench", flat=True).distinct()
        self.fields["bench"] = forms.ChoiceField(
            required=False, choices=[("", "All benches"), *((name, name) for name in benches)]
        )

    @property
    def is_narrow(self) -> bool:
        return any(self.cleaned_data.values())

    def take(self, rows: Orders) -> Orders:
        chosen = self.cleaned_data
        if chosen.get("bench"):
            rows = rows.filter(test__bench=chosen["bench"])
        if chosen.get("priority"):
            rows = rows.filter(priority=chosen["priority"])
        if chosen.get("overdue"):
            rows = rows.open().filter(due_at__lt=timezone.now())
        return rows.filter(self._found(chosen["q"])) if chosen.get("q") else rows

    @staticmethod
    def _found(text: str) -> Q:
        """Part of a name, or a number as it stands on a row. A restricted chart is not found by a name."""
        number = text.strip().upper().removeprefix("L-").lstrip("0")
        wanted = Q(patient__is_restricted=False)
        for word in fold(text).split():
            wanted &= Q(patient__search__contains=word)
        return wanted | Q(accession=int(number)) if number.isdecimal() and len(number) < 18 else wanted


@dataclass(frozen=True)
class Asked:
    """The filters of the list, of its counts and of its print."""

    status: str
    narrow: Narrow

    @classmethod
    def of(cls, request: Request) -> Asked:
        narrow = Narrow(request.GET)
        narrow.is_valid()
        chosen = request.GET.get("status", "")
        return cls(chosen if chosen in dict(PILLS) else "", narrow)

    def rows(self) -> Orders:
        return self.narrow.take(of_pill(self.status)).shown().in_order()

    @property
    def live_list(self) -> str:
        """Only the whole list takes rows as they come; a narrow one is fetched again."""
        if self.narrow.is_narrow:
            return ""
        return f"worklist-{self.status}" if self.status else "worklist"


@permit(PROCESS)
def lab_worklist(request: Request) -> HttpResponse:
    """What waits in the laboratory: the most urgent first, then who waits longest."""
    asked = Asked.of(request)
    counts = counts_by_pill(asked.narrow)
    pages = Paginator(asked.rows(), AT_ONCE)
    pages.count = counts["overdue"] if asked.narrow.cleaned_data.get("overdue") else counts[asked.status]
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "orders": page.object_list,
        "list": asked.live_list if page.number == 1 else "",
        "status": asked.status,
        "narrow": asked.narrow,
        "is_narrow": asked.narrow.is_narrow,
        "overdue": counts["overdue"],
        "pills": [{"value": value, "label": label, "count": counts[value]} for value, label in PILLS],
        "together": [BY_VERB[verb] for verb in TOGETHER],
        "query": request.GET.urlencode(),
    }
    return render(request, "clinical/laboratory/worklist.html", context)


@permit(PROCESS)
def lab_worklist_export(request: Request) -> HttpResponse:
    rows = [exported(order) for order in Asked.of(request).rows()[:MOST_EXPORTED]]
    return as_file(request, "laboratory", HEADINGS, rows, table="clinical_laborder")


def exported(order: LabOrder) -> tuple[str, ...]:
    """Without the value: that is read where the chart is opened."""
    tube = order.specimen.number if order.specimen else ""
    times = (f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else "" for at in (order.ordered_at, order.due_at))
    steps = (order.get_priority_display(), order.get_status_display())
    return (
        order.number,
        order.patient.number,
        order.patient.name,
        str(order.test),
        order.test.bench,
        tube,
        *steps,
        *times,
    )


def of_pill(status: str) -> Orders:
    if status == "released":
        return LabOrder.objects.filter(released_today())
    return LabOrder.objects.filter(status=status) if status else LabOrder.objects.open()


def released_today() -> Q:
    start, end = days.bounds(days.today())
    return Q(status__in=("released", "reviewed"), released_at__gte=start, released_at__lt=end)


def counts_by_pill(narrow: Narrow) -> dict[str, int]:
    """One query, of what the other filters let through."""
    late = Q(status__in=LabOrder.OPEN, due_at__lt=timezone.now())
    wanted = {value: Count("pk", filter=Q(status=value)) for value, _ in PILLS if value not in ("", "released")}
    rows = narrow.take(LabOrder.objects.filter(Q(status__in=LabOrder.OPEN) | released_today())).order_by()
    out = Count("pk", filter=Q(status__in=("released", "reviewed")))
    counts = rows.aggregate(**wanted, released=out, overdue=Count("pk", filter=late))
    return {"": sum(counts[name] for name in wanted), **counts}


@permit(PROCESS)
def lab_worklist_print(request: Request) -> HttpResponse:
    """The list as it is filtered, on paper, with room to write. Who took it out of the house is noted."""
    asked = Asked.of(request)
    orders = list(asked.rows()[:ON_PAPER])
    detail = {"report": "laboratory worklist", "rows": len(orders), "filters": request.GET.urlencode()[:300]}
    AuditEntry.note("export", detail=detail)
    words = [dict(PILLS)[asked.status], asked.narrow.cleaned_data.get("bench", "")]
    context = {"orders": orders, "words": ", ".join(word for word in words if word), "most": ON_PAPER}
    return render(request, "clinical/laboratory/worklist_print.html", context)


@permit(PROCESS, "POST")
def lab_step(request: Request, pk: UUID) -> HttpResponse:
    """One step of one test; answered with its row."""
    order = get_object_or_404(LabOrder.objects.shown(), pk=pk)
    step = step_of(request)
    step.take([order], by=request.acting.person)
    if request.htmx:
        return HttpResponse(fragment(ROW, LabOrder.objects.shown().get(pk=pk), request=request))
    messages.success(request, f"{order.test}: {step.done}.")
    return redirect("clinical:lab_worklist")


def step_of(request: Request) -> Step:
    try:
        return BY_VERB[request.POST.get("step", "")]
    except KeyError:
        raise Refused("There is no such step. Open the page again.", status=400) from None


@permit(PROCESS, "POST")
def lab_steps(request: Request) -> HttpResponse:
    """One step of all that were chosen. What cannot take it stays, and is named with the reason."""
    step, chosen = step_of(request), valid_keys(request.POST.getlist("order"))
    orders = list(
        LabOrder.objects.filter(pk__in=chosen).select_related("test", "visit", "patient", "result").in_order()
    )
    if not orders:
        raise Refused("Choose at least one test of the list.", status=422)
    done, left = taken(step, orders, request.acting.person)
    if done:
        messages.success(request, f"{done} {step.done}.")
    for sentence in left:
        messages.warning(request, sentence)
    return redirect(f"{reverse('clinical:lab_worklist')}?{QueryDict(request.POST.get('back', '')[:500]).urlencode()}")


def valid_keys(keys: list[str]) -> list[UUID]:
    found = []
    for key in keys[:AT_ONCE]:
        try:
            found.append(UUID(key))
        except ValueError:
            raise Refused("This list is not from here. Open the page again.", status=400) from None
    return found


def taken(step: Step, orders: list[LabOrder], by: Person | None) -> tuple[int, list[str]]:
    """How many took it, and why each of the others did not."""
    done, left = 0, []
    for order in orders:
        try:
            with transaction.atomic():
                step.take([order], by=by)
            done += 1
        except (Refused, IllegalMove) as reason:
            left.append(f"{order.patient.name}, {order.test} {order.number}: {reason}")
    return done, left
