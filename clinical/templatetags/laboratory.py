"""`{% lab_section visit %}`: the tests of a visit, on whatever page is about it; and words of the laboratory's own pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from clinical import bench, days
from clinical.models import LabOrder, Visit
from hospital.clock import minutes_between, waiting_in_words
from hospital.context import current

register = template.Library()


@register.inclusion_tag("clinical/laboratory/_section.html", takes_context=True)
def lab_section(context: template.Context, visit: Visit) -> dict[str, Any]:
    """Orders and results, those of a panel under its name. Who may not read results sees only the tests' names and where they stand."""
    acting = current()
    orders = sorted(visit.lab_orders.shown(), key=lambda order: str(order.panel or ""))
    return {
        "visit": visit,
        "orders": orders,
        "unreviewed": sum(order.status == LabOrder.Status.RELEASED for order in orders),
        "acting": acting,
        "may_read": acting.may("clinical.view_results"),
        "may_review": acting.may("clinical.order_tests"),
        "may_order": acting.may("clinical.order_tests") and visit.is_open,
        "may_process": acting.may("clinical.process_lab"),
        "csrf_token": context.get("csrf_token"),
        "form_key": context.get("form_key"),
    }


@register.inclusion_tag("clinical/laboratory/_clock.html")
def turnaround(order: LabOrder) -> dict[str, Any]:
    """Against the target of the test and its priority: amber in the last quarter. What is released stands still."""
    if order.due_at is None or not (order.is_open or order.is_released):
        return {"due": None}
    now = order.released_at or timezone.now()
    amber = order.due_at - (order.due_at - order.ordered_at) / 4
    soon = "amber" if now >= amber and order.is_open else "green"
    level = "red" if now >= order.due_at else soon
    left = minutes_between(*sorted((now, order.due_at)))
    return {
        "due": order.due_at,
        "amber": amber,
        "level": level,
        "words": waiting_in_words(left),
        "done": order.is_released,
    }


@register.filter
def bench_step(order: LabOrder) -> bench.Step | None:
    return bench.BY_STATUS.get(order.status)


@register.filter
def is_rejectable(order: LabOrder) -> bool:
    return order.status in bench.REJECTABLE


@register.simple_tag
def lab_lists(order: LabOrder) -> str:
    """The live lists that take this row: all that is open, and the one of its status."""
    if order.is_open:
        return f"worklist worklist-{order.status}"
    released_today = order.is_released and days.day_of(order.released_at) == days.today()
    return "worklist-released" if released_today else ""
