"""What is kept for biopsies by whoever administers them: diagnoses with their versions, laboratories, letters."""

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

from clinical import pathology_catalogue
from clinical.forms.pathology_catalogue import CodeForm, LaboratoryForm, LetterForm
from clinical.models import BiopsyLetter, PathologyCode, PathologyLab
from clinical.models.pathology import LEVELS, MANAGE
from hospital.http import Request
from hospital.permits import permit

PAGE = 100


@dataclass(frozen=True)
class Kind:
    """One sort of row: its form, its words, how it stands in the list, and what it is filtered by."""

    key: str
    model: Any
    form: Callable[..., Any]
    one: str
    many: str
    icon: str
    headings: tuple[str, ...]
    cells: Callable[[Any], list[str]]
    filter: str
    choices: list[tuple[str, str]]
    search: tuple[str, ...]


ACTIVE = [("True", "Offered"), ("False", "Not offered")]
CODES = Kind(
    "codes",
    PathologyCode,
    CodeForm,
    "diagnosis",
    "Diagnoses of pathology",
    "report-medical",
    ("Code", "Level", "Usually follows", "ICD-10-CM", "Morphology"),
    lambda row: [row.code, row.get_malignancy_display(), row.get_follow_up_display(), row.icd10, row.morphology],
    "malignancy",
    LEVELS,
    ("name", "code", "icd10", "morphology"),
)
LABORATORIES = Kind(
    "laboratories",
    PathologyLab,
    LaboratoryForm,
    "laboratory",
    "Pathology laboratories",
    "microscope",
    ("Telephone", "In messages", "Overdue after"),
    lambda row: [row.phone, row.hl7_id, f"{', '.join(map(str, row.tiers))} days"],
    "is_active",
    ACTIVE,
    ("name", "address", "hl7_id"),
)
LETTERS = Kind(
    "letters",
    BiopsyLetter,
    LetterForm,
    "letter",
    "Letters to patients",
    "mail",
    ("What for", "Subject"),
    lambda row: [row.get_purpose_display(), row.subject],
    "purpose",
    list(BiopsyLetter.Purpose.choices),
    ("name", "subject", "body"),
)
KINDS = {kind.key: kind for kind in (CODES, LABORATORIES, LETTERS)}


@permit(MANAGE)
def pathology_rows(request: Request, kind: str) -> HttpResponse:
    what = KINDS[kind]
    text, chosen = request.GET.get("q", "").replace("\0", "").strip()[:60], request.GET.get("show", "")
    found = what.model.objects.filter(matching(what, text))
    counts = dict(found.order_by().values_list(what.filter).annotate(Count("pk")))
    known = {str(value): count for value, count in counts.items()}
    shown = found.filter(**{what.filter: chosen}) if chosen in dict(what.choices) else found
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    context = {
        "what": what,
        "page": page,
        "rows": [(row, list(zip(what.headings, what.cells(row), strict=True))) for row in page],
        "text": text,
        "pills": [
            {"value": "", "label": "All", "count": sum(known.values())},
            *({"value": value, "label": label, "count": known.get(value, 0)} for value, label in what.choices),
        ],
        "kinds": KINDS.values(),
        "is_bare": not text and not known and what is not LABORATORIES,
    }
    return render(request, "clinical/pathology_catalogue/list.html", context)


def matching(what: Kind, text: str) -> Q:
    found = Q()
    for name in what.search if text else ():
        found |= Q(**{f"{name}__icontains": text})
    return found


@permit(MANAGE, "POST")
def pathology_install(request: Request) -> HttpResponse:
    """What a house begins with; what is there stays as it is."""
    count = pathology_catalogue.install()
    messages.success(request, f"{count} diagnoses are added. What was there is as it was.")
    return redirect("clinical:pathology_rows", kind="codes")


@permit(MANAGE, "GET", "POST")
def pathology_row_new(request: Request, kind: str) -> HttpResponse:
    what = KINDS[kind]
    return edit(request, what, what.form(request.POST or None), f"New {what.one}")


@permit(MANAGE, "GET", "POST")
def pathology_row_edit(request: Request, kind: str, pk: UUID) -> HttpResponse:
    what = KINDS[kind]
    row = get_object_or_404(what.model, pk=pk)
    return edit(request, what, what.form(request.POST or None, instance=row), str(row))


def edit(request: Request, what: Kind, form: Any, title: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        row = form.save_by(request.acting.person)
        messages.success(request, f"{row} is saved.")
        return redirect("clinical:pathology_rows", kind=what.key)
    is_old_code = what is CODES and not form.instance._state.adding
    context = {
        "form": form,
        "what": what,
        "title": title,
        "versions": form.instance.versions.select_related("made_by") if is_old_code else [],
    }
    status = form.status if form.is_bound else 200
    return render(request, "clinical/pathology_catalogue/edit.html", context, status=status)
