"""Possible duplicates, and merging them: looked at side by side, done, taken back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from clinical import merging
from clinical.chart import note_mention, open_chart
from clinical.forms.contact import OtherRecord
from clinical.models import Merge, MergedRow, Patient, PossibleDuplicate
from clinical.models.merge import GROUPS, MERGE, SOURCE, SURVIVOR
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit

PAGE = 50
Status = PossibleDuplicate.Status
STATES = {"standing": Q(undone_at=None), "undone": Q(undone_at__isnull=False)}


@permit(MERGE)
def duplicates(request: Request) -> HttpResponse:
    asked = request.GET.get("status", "")
    chosen = asked if asked in Status.values else Status.OPEN
    rows = PossibleDuplicate.objects.filter(status=chosen).shown()
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    counts = PossibleDuplicate.objects.aggregate(
        **{status: Count("pk", filter=Q(status=status)) for status in Status.values}
    )
    pills = [
        {"value": "" if value == Status.OPEN else value, "label": label, "count": counts[value]}
        for value, label in Status.choices
    ]
    context = {"page": page, "pills": pills, "status": chosen, "list": f"duplicates-{chosen}"}
    return render(request, "clinical/patient/duplicates.html", context)


@permit(MERGE, "POST")
def duplicate_step(request: Request, pk: UUID) -> HttpResponse:
    """Different persons; or, taken back, open again."""
    pair = get_object_or_404(PossibleDuplicate.objects.shown(), pk=pk)
    if request.POST.get("step") == "reopen":
        pair.reopen(by=request.acting.person)
    else:
        pair.dismiss(by=request.acting.person)
    return HttpResponse(status=204) if request.htmx else redirect("clinical:duplicates")


@permit(MERGE, "GET", "POST")
def merge_new(request: Request, pk: UUID) -> HttpResponse:
    """`pk` survives; `with` is the record that is merged into it, and `other` what somebody typed to find it."""
    survivor = open_chart(pk, page="merge")
    given = request.GET.get("with", "")
    if not given:
        return choose_other(request, survivor)
    source = open_chart(get_object_or_404(Patient, pk=as_uuid(given)), page="merge")
    if request.method == "POST":
        choices = {key: request.POST[key] for key in GROUPS if request.POST.get(key) in (SOURCE, SURVIVOR)}
        merge = Merge.make(source, survivor, by=request.acting.person, choices=choices)
        messages.success(request, f"{source.number} is merged into {survivor.number}.")
        return answered(request, merge.get_absolute_url())
    context = {"patient": survivor, "preview": Merge.preview(source, survivor), "source": source}
    return render(request, "clinical/patient/merge.html", context)


def choose_other(request: Request, survivor: Patient) -> HttpResponse:
    form = OtherRecord(request.GET if "other" in request.GET else None, patient=survivor)
    if form.is_bound and form.is_valid():
        return redirect(merge_address(survivor, form.cleaned_data["other"]))
    described = {name: getattr(survivor, name) for name in ("given_name", "family_name", "birth_date", "phone")}
    alike = [] if survivor.is_unidentified else Patient.duplicates_of(**described, exclude=survivor)
    note_mention((one for one, *_ in alike), page="merge")
    context = {"patient": survivor, "form": form, "alike": alike}
    return render(request, "clinical/patient/merge_with.html", context, status=422 if form.is_bound else 200)


def merge_address(survivor: Patient, source: Patient) -> str:
    return f"{reverse('clinical:merge_new', args=[survivor.pk])}?with={source.pk}"


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@permit(MERGE)
def merge(request: Request, pk: UUID) -> HttpResponse:
    """What moved, and the way back."""
    merge = get_object_or_404(Merge.objects.select_related("source", "survivor", "made_by", "undone_by"), pk=pk)
    patient = open_chart(merge.survivor, page="merge")
    note_mention([merge.source], page="merge")
    moved = merge.rows.values("table", "how").annotate(number=Count("pk")).order_by("table", "how")
    rows = [{"kind": kind_of(row["table"]), "how": how(row["how"]), "number": row["number"]} for row in moved]
    return render(request, "clinical/patient/merged.html", {"merge": merge, "patient": patient, "rows": rows})


def kind_of(table: str) -> str:
    kinds = {column.table: merging.kind_of(column.model) for column in merging.columns()}
    return kinds.get(table, table)


def how(word: str) -> str:
    return str(MergedRow.How(word).label)


@permit(MERGE)
def merges(request: Request) -> HttpResponse:
    chosen = request.GET.get("state", "")
    rows = Merge.objects.select_related("source", "survivor", "made_by", "undone_by").filter(STATES.get(chosen, Q()))
    counts = Merge.objects.aggregate(**{state: Count("pk", filter=which) for state, which in STATES.items()})
    pills = [{"value": "", "label": "All", "count": sum(counts.values())}]
    pills += [{"value": state, "label": state.capitalize(), "count": counts[state]} for state in STATES]
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "clinical/patient/merges.html", {"page": page, "pills": pills})


@permit(MERGE, "POST")
def merge_undo(request: Request, pk: UUID) -> HttpResponse:
    merge = get_object_or_404(Merge.objects.select_related("source", "survivor"), pk=pk)
    left = merge.undo(by=request.acting.person)
    if left:
        messages.warning(request, f"{merge.source.number} stands for itself again, except for {len(left)} below.")
    else:
        messages.success(request, f"{merge.source.number} stands for itself again, with all that it had.")
    return answered(request, merge.get_absolute_url())
