"""The list of loops that are not closed."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from hospital.http import Request
from hospital.loops import Count, Worklist
from hospital.permits import permit

PAGE = 50


@permit("hospital.view_loops")
def loops(request: Request) -> HttpResponse:
    """One's own, unless everybody's is asked for; those who administer begin with everybody's."""
    first = "all" if request.acting.may("hospital.administer") else "mine"
    whose = request.GET.get("whose", first)
    mine, late = whose != "all", request.GET.get("late") == "yes"
    work = Worklist(request.acting, kind=request.GET.get("kind", ""), mine=mine, late=late)
    counts = work.counts()
    pages = Paginator(work.rows(), PAGE)
    pages.count = number(counts, kind=work.kind, mine=mine, late=late)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "entries": work.entries(list(page.object_list)),
        "events": work.events,
        "whose": whose_pills(counts, first),
        "kinds": kind_pills(work, counts),
        "lateness": late_pills(work, counts),
        "is_narrow": bool(work.kind or late),
    }
    return render(request, "loops/list.html", context)


def number(counts: list[Count], *, kind: str = "", mine: bool = False, late: bool = False) -> int:
    return sum(
        one.number
        for one in counts
        if (not kind or one.key == kind) and (one.mine or not mine) and (one.late or not late)
    )


def whose_pills(counts: list[Count], first: str) -> list[dict[str, Any]]:
    labels = (("mine", "Mine"), ("all", "Everybody's"))
    return [
        {"value": "" if name == first else name, "label": label, "count": number(counts, mine=name == "mine")}
        for name, label in labels
    ]


def kind_pills(work: Worklist, counts: list[Count]) -> list[dict[str, Any]]:
    kinds = [("", "All kinds"), *((one.key, one.title) for one in work.loops)]
    return [
        {"value": key, "label": label, "count": number(counts, kind=key, mine=work.mine, late=work.late)}
        for key, label in kinds
    ]


def late_pills(work: Worklist, counts: list[Count]) -> list[dict[str, Any]]:
    return [
        {"value": value, "label": label, "count": number(counts, kind=work.kind, mine=work.mine, late=bool(value))}
        for value, label in (("", "Open"), ("yes", "Overdue"))
    ]
