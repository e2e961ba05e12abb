"""How the laboratory's events are said, and how loudly: decided here, on the server, never in a browser."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

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


@said("whoever saw a value that is corrected, or ordered what is rejected")
def who_must_know(order: LabOrder) -> tuple[UUID, ...]:
    if order.status != LabOrder.Status.REJECTED or order.ordered_by_id is None:
        return order.telling
    return () if others_with(order, "rejected_at") else (order.ordered_by_id,)


def title_of_step(order: LabOrder, role: str) -> str:
    if order.corrected_at and order.is_released:
        return f"Corrected result: {order.test}, {order.patient.name}"
    if order.status != LabOrder.Status.REJECTED:
        return ""
    again = "to be collected again" if order.can_go_again else "not ordered again"
    why = order.get_rejection_reason_display().lower()
    return f"Specimen rejected ({why}), {again}: {what_is_lost(order)}, {order.patient.name}"


def what_is_lost(order: LabOrder) -> str:
    """One toast speaks for all tests of a specimen."""
    specimen = order.specimen
    with_it = specimen.orders.exclude(status="cancelled").count() - 1 if specimen and specimen.rejected_at else 0
    return f"{order.test} and {with_it} more" if with_it > 0 else str(order.test)


def critical_or_notice_once(order: LabOrder) -> Loudness:
    """Each critical value calls; of others that are released together only the first. Of a correction the readers are told."""
    if order.is_critical:
        return Loudness.CRITICAL
    if order.corrected_at:
        return Loudness.INFO
    return Loudness.INFO if others_with(order, "released_at") else Loudness.NOTICE


def title_of_result(order: LabOrder, role: str) -> str:
    if order.corrected_at and not order.is_critical:
        return f"Corrected result: {order.test}, {order.patient.name}"
    if order.result is None or not order.is_critical or not current().may("clinical.view_results"):
        more = others_with(order, "released_at")
        what = f"{more + 1} results ready" if more else f"Result ready: {order.test}"
        return f"{what}, {order.patient.name}"
    corrected = "Corrected, now " if order.corrected_at else ""
    return f"{corrected}{order.result.get_flag_display()}: {order.test} {order.result}, {order.patient.name}"


def bench_of(order: LabOrder) -> str:
    return reverse("clinical:lab_visit", args=[order.visit_id])


def visit_of(order: LabOrder) -> str:
    return f"{reverse('clinical:visit', args=[order.visit_id])}#laboratory"
