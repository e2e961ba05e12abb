"""The catalogue of the laboratory: what is measured, from what, and what is normal for whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from clinical.forms.lab_catalogue import ConditionForm, NewEdition, PanelForm, Preview, TestForm, TypeForm
from clinical.measure import plain
from clinical.models import LabCondition, LabTest, Panel, RangeEdition, ReferenceRange, SpecimenType
from clinical.models.lab_range import MANAGE
from clinical.range_grid import COLUMNS, MOST_ROWS, Grid, Row, typed_of
from hospital.http import Request
from hospital.panel import beside_its_field
from hospital.permits import permit
from hospital.workflow import Refused

PAGE = 100
SPARE = 3


@dataclass(frozen=True)
class Kind:
    """One sort of row of the catalogue: its form, its words, and how it stands in the list."""

    model: Any
    form: Callable[..., Any]
    one: str
    many: str
    icon: str
    cells: Callable[[Any], list[str]]
    headings: tuple[str, ...]


KINDS = {
    "panels": Kind(
        Panel,
        PanelForm,
        "panel",
        "Panels",
        "stack-2",
        lambda panel: [panel.code, ", ".join(member.test.code for member in panel.members.all())],
        ("Code", "Tests"),
    ),
    "types": Kind(
        SpecimenType,
        TypeForm,
        "specimen type",
        "Specimen types",
        "test-pipe",
        lambda kind: [
            kind.tube,
            kind.get_cap_display() if kind.cap else "",
            f"{kind.millilitres:g} ml" if kind.millilitres else "",
            f"{kind.stable_hours} h" if kind.stable_hours else "",
            kind.handling,
        ],
        ("Tube", "Cap", "Volume", "Stable for", "Handling"),
    ),
    "conditions": Kind(
        LabCondition,
        ConditionForm,
        "condition",
        "Conditions",
        "clipboard-heart",
        lambda condition: [condition.code, condition.get_weeks_display(), str(condition.rank)],
        ("Code", "Weeks", "Rank"),
    ),
    "tests": Kind(LabTest, TestForm, "test", "Tests", "flask", lambda test: [], ()),
}


@permit(MANAGE)
def lab_catalogue(request: Request) -> HttpResponse:
    """All tests, by bench or by what is looked for."""
    bench, text = request.GET.get("bench", ""), request.GET.get("q", "").strip()[:60]
    benches = LabTest.objects.values_list("bench").annotate(count=Count("pk")).order_by("bench")
    rows = LabTest.objects.select_related("specimen_type").annotate(versions=Count("editions", distinct=True))
    if bench:
        rows = rows.filter(bench="" if bench == "none" else bench)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(code__iexact=text) | Q(loinc=text))
    context = {
        "page": Paginator(rows.order_by("group", "name"), PAGE).get_page(request.GET.get("page")),
        "text": text,
        "pills": [
            {"value": "", "label": "All", "count": sum(count for _, count in benches)},
            *({"value": name or "none", "label": name or "No bench", "count": count} for name, count in benches),
        ],
    }
    return render(request, "clinical/lab_catalogue/list.html", context)


@permit(MANAGE)
def lab_rows(request: Request, kind: str) -> HttpResponse:
    """Panels, specimen types or conditions."""
    what = KINDS[kind]
    rows = what.model.objects.all()
    if what.model is Panel:
        rows = rows.prefetch_related("members__test")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"kind": kind, "what": what, "page": page, "rows": [(row, what.cells(row)) for row in page]}
    return render(request, "clinical/lab_catalogue/rows.html", context)


@permit(MANAGE, "GET", "POST")
def lab_row_new(request: Request, kind: str) -> HttpResponse:
    what = KINDS[kind]
    return edit(request, kind, what.form(request.POST or None), f"New {what.one}")


@permit(MANAGE, "GET", "POST")
def lab_row_edit(request: Request, kind: str, pk: UUID) -> HttpResponse:
    what = KINDS[kind]
    row = get_object_or_404(what.model, pk=pk)
    return edit(request, kind, what.form(request.POST or None, instance=row), str(row))


def edit(request: Request, kind: str, form: Any, title: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        row = form.save()
        messages.success(request, f"{row} is saved.")
        return redirect("clinical:lab_catalogue") if kind == "tests" else redirect("clinical:lab_rows", kind=kind)
    context = {"form": form, "kind": kind, "what": KINDS[kind], "title": title}
    status = form.status if form.is_bound else 200
    return render(request, "clinical/lab_catalogue/edit.html", context, status=status)


# --- ranges --------------------------------------------------------------------------------------


@permit(MANAGE, "GET", "POST")
def lab_ranges(request: Request, pk: UUID) -> HttpResponse:
    """The one page of a test's ranges: the grid, its check, a preview for somebody, and all versions."""
    test = get_object_or_404(LabTest, pk=pk)
    editions = list(test.editions.select_related("made_by").order_by("-number"))
    posted = request.method == "POST"
    grid = typed_grid(request, test) if posted else grid_of(test, shown_edition(request, editions))
    form = NewEdition(request.POST if posted and "save" in request.POST else None, initial={"valid_from": soon()})
    preview = Preview(request.POST if posted else None)
    if posted and "save" in request.POST and grid.is_valid and form.is_valid() and made(request, test, grid, form):
        messages.success(request, f"The ranges of {test} are saved as a new version.")
        return redirect("clinical:lab_ranges", test.pk)
    bad = posted and ("save" in request.POST or not grid.is_valid)
    context = {
        "test": test,
        "editions": editions,
        "current": test.edition_at(timezone.now()),
        "shown": shown_edition(request, editions),
        "opened": request.POST.get("opened", editions[0].number if editions else 0),
        "grid": grid,
        "rows": [*grid.rows, *(empty_row() for _ in range(SPARE))],
        "form": form,
        "preview": preview,
        "answer": look_up(grid, preview) if posted and preview.is_valid() else None,
        "conditions": LabCondition.objects.filter(is_active=True),
        "checked": posted and grid.is_valid,
    }
    return render(request, "clinical/lab_catalogue/ranges.html", context, status=422 if bad else 200)


def soon() -> Any:
    return timezone.localtime().replace(second=0, microsecond=0)


def shown_edition(request: Request, editions: list[RangeEdition]) -> RangeEdition | None:
    """The version that is asked for, or the last: what is changed is changed from there."""
    wanted = request.GET.get("version", "")
    if wanted == "0":
        return None
    return next((edition for edition in editions if str(edition.number) == wanted), editions[0] if editions else None)


def grid_of(test: LabTest, edition: RangeEdition | None) -> Grid:
    rows = [typed_of(row) for row in sorted(test.ranges.filter(edition=edition), key=place_of)]
    said = edition or test
    possible = [plain(limit) if limit is not None else "" for limit in (said.absolute_low, said.absolute_high)]
    return Grid(rows, (possible[0], possible[1]), test.decimals)


def place_of(row: ReferenceRange) -> tuple[Any, ...]:
    """First what is true of everybody, then by condition."""
    rank = row.condition.rank if row.condition else -1
    return rank, row.weeks_from or 0, row.sex, row.age_from_hours


def typed_grid(request: Request, test: LabTest) -> Grid:
    columns = {name: request.POST.getlist(f"row-{name}") for name in COLUMNS}
    count = min(len(columns["sex"]), MOST_ROWS)
    if any(len(values) < count for values in columns.values()):
        raise Refused("This form is damaged. Open the page again and repeat what you did.", status=400)
    rows = [{name: values[at] for name, values in columns.items()} for at in range(count)]
    filled = [row for row in rows if any(row[name].strip() for name in COLUMNS if name != "sex")]
    return Grid(filled, (request.POST.get("possible_low", ""), request.POST.get("possible_high", "")), test.decimals)


def empty_row() -> Row:
    return Row(dict.fromkeys(COLUMNS, "") | {"sex": "any"})


def made(request: Request, test: LabTest, grid: Grid, form: NewEdition) -> bool:
    with beside_its_field(form):
        RangeEdition.make(
            test,
            [row.values for row in grid.filled],
            by=request.acting.person,
            possible=grid.possible,
            opened=int(request.POST["opened"]) if request.POST.get("opened", "").isdigit() else None,
            **form.cleaned_data,
        )
    return not form.errors


def look_up(grid: Grid, preview: Preview) -> dict[str, Any] | None:
    """Which range somebody has, of what is typed."""
    asked = preview.cleaned_data
    if not grid.is_valid or not (asked["age"] is not None or asked["condition"]):
        return None
    limits, rows = grid.limits(asked["sex"] or "unknown", asked["age"], preview.facts)
    critical = [("below", limits.critical_low), ("above", limits.critical_high)]
    words = ", ".join(f"{word} {plain(limit)}" for word, limit in critical if limit is not None)
    return {"limits": limits, "rows": rows, "critical": words}
