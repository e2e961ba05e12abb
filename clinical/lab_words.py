"""How the laboratory's events are said, and how loudly: decided here, on the server, never in a browser."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from clinical.models import LabOrder
from hospital.context import current
from realtime.catalogue import Levels, Loudness, said

TOGETHER = timedelta(seconds=5)


def others_with(order: LabOrder, step: str) -> int:
    """How many other tests of the visit took this step with this one, or shortly before: "ordered_at"."""
    at = getattr(order, step)
    near = {f"{step}__gte": at - TOGETHER, f"{step}__lt": at + TOGETHER}
    return LabOrder.objects.filter(visit_id=order.visit_id, **near).exclude(pk=order.pk).count()


def notice_once(order: LabOrder) -> Loudness:
    """One toast for all tests that a doctor orders at once: the first of them calls."""
    return Loudness.INFO if others_with(order, "ordered_at") else Loudness.NOTICE


def title_of_order(order: LabOrder, role: str) -> str:
    more = others_with(order, "ordered_at")
    what = f"{more + 1} tests" if more else str(order.test)
    urgency = "" if order.priority == LabOrder.Priority.ROUTINE else f", {order.get_priority_display().lower()}"
    again = "again: " if order.recollect_of_id else ""
    return f"To collect {again}{what}{urgency}, {order.patient.name}"


@said("notice if rejected for good")
def loud_if_lost(order: LabOrder) -> Levels:
    """A specimen that is not collected again is for a doctor to decide about."""
    lost = order.status == LabOrder.Status.REJECTED and not order.can_go_again
    return {"checker_doctor": Loudness.NOTICE, "main_doctor": Loudness.NOTICE} if lost else Loudness.INFO


def title_of_step(order: LabOrder, role: str) -> str:
    if order.status != LabOrder.Status.REJECTED or order.can_go_again:
        return ""
    return f"Specimen rejected, not ordered again: {order.test}, {order.patient.name}"


def critical_or_notice_once(order: LabOrder) -> Loudness:
    """Each critical value calls; of others that are released together only the first."""
    if order.is_critical:
        return Loudness.CRITICAL
    return Loudness.INFO if others_with(order, "released_at") else Loudness.NOTICE


def title_of_result(order: LabOrder, role: str) -> str:
    if order.result is None or not order.is_critical or not current().may("clinical.view_results"):
        more = others_with(order, "released_at")
        what = f"{more + 1} results ready" if more else f"Result ready: {order.test}"
        return f"{what}, {order.patient.name}"
    return f"{order.result.get_flag_display()}: {order.test} {order.result}, {order.patient.name}"


def bench_of(order: LabOrder) -> str:
    return reverse("clinical:lab_visit", args=[order.visit_id])


def visit_of(order: LabOrder) -> str:
    return f"{reverse('clinical:visit', args=[order.visit_id])}#laboratory"
