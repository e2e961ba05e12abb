"""`{% lab_section visit %}`: the tests of a visit, on whatever page is about it; and words of the laboratory's own pages."""

from __future__ import annotations

from typing import Any

from django import template

from clinical import bench, days
from clinical.models import LabOrder, Visit
from hospital.context import current

register = template.Library()


@register.inclusion_tag("clinical/laboratory/_section.html", takes_context=True)
def lab_section(context: template.Context, visit: Visit) -> dict[str, Any]:
    """Orders and results. Who may not read results sees only the tests' names and where they stand."""
    acting = current()
    orders = list(visit.lab_orders.shown())
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
