"""How the laboratory's events are said, and how loudly: decided here, on the server, never in a browser."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from clinical.models import LabOrder
from hospital.context import current
from realtime.catalogue import Levels, Loudness, said

TOGETHER = timedelta(seconds=5)


def ordered_with(order: LabOrder) -> int:
    """How many other tests of the visit were ordered with this one, or shortly before."""
    others = LabOrder.objects.filter(visit_id=order.visit_id).exclude(pk=order.pk)
    return others.filter(
        ordered_at__gte=order.ordered_at - TOGETHER, ordered_at__lt=order.ordered_at + TOGETHER
    ).count()


def notice_once(order: LabOrder) -> Loudness:
    """One toast for all tests that a doctor orders at once: the first of them calls."""
    return Loudness.INFO if ordered_with(order) else Loudness.NOTICE


def title_of_order(order: LabOrder, role: str) -> str:
    more = ordered_with(order)
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


def released_with(order: LabOrder) -> int:
    """How many other tests of the visit were released with this one, or shortly before."""
    others = LabOrder.objects.filter(visit_id=order.visit_id).exclude(pk=order.pk)
    return others.filter(
        released_at__gte=order.released_at - TOGETHER, released_at__lt=order.released_at + TOGETHER
    ).count()


def critical_or_notice_once(order: LabOrder) -> Loudness:
    """Each critical value calls; of others that are released together only the first."""
    if order.is_critical:
        return Loudness.CRITICAL
    return Loudness.INFO if released_with(order) else Loudness.NOTICE


def title_of_result(order: LabOrder, role: str) -> str:
    if order.result is None or not order.is_critical or not current().may("clinical.view_results"):
        more = released_with(order)
        what = f"{more + 1} results ready" if more else f"Result ready: {order.test}"
        return f"{what}, {order.patient.name}"
    return f"{order.result.get_flag_display()}: {order.test} {order.result}, {order.patient.name}"


def bench_of(order: LabOrder) -> str:
    return reverse("clinical:lab_visit", args=[order.visit_id])


def visit_of(order: LabOrder) -> str:
    return f"{reverse('clinical:visit', args=[order.visit_id])}#laboratory"
