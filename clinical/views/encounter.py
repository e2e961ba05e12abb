"""Writing and reading a note: begun from a visit, saved while it is typed, read by everybody who may read the chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from clinical.body_sites import SITES, VIEWS
from clinical.chart import open_chart
from clinical.courses import vitals_of
from clinical.forms.consultation import ConsultationForm, as_fields, recorded
from clinical.forms.encounter import BeginNote, NoteForm, PlanForm, in_words, left_unmerged
from clinical.models import Encounter, QuickText, Visit
from clinical.models.encounter import SIGN, WRITE
from clinical.note_rows import Beside, load
from clinical.views.answers import answered
from clinical.views.consultation import fields_of, joined, stamp, stamp_of
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused

READ = "clinical.view_chart"


@permit(WRITE, "GET", "POST")
def encounter_new(request: Request, pk: UUID) -> HttpResponse:
    """Which template; whoever has an open note of this visit goes on with it."""
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    patient = open_chart(visit.patient, page="note")
    mine = visit.encounters.unsigned().filter(provider=request.acting.person).first()
    if mine:
        return answered(request, mine.get_absolute_url())
    form = BeginNote(request.POST or None)
    if request.method == "POST" and form.is_valid():
        note = Encounter.begin(visit, form.cleaned_data["template"], by=request.acting.person)
        return answered(request, note.get_absolute_url())
    context = {"patient": patient, "visit": visit, "form": form, "title": "Write the note"}
    context |= {"submit": "Begin", "cancel": visit.get_absolute_url(), "over": request.htmx.target == "dialog"}
    template = "_small_form.html" if context["over"] else "clinical/encounter/small_form.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


@permit(READ)
def encounter(request: Request, pk: UUID) -> HttpResponse:
    return page(request, found(pk))


def page(request: Request, note: Encounter, form: NoteForm | None = None, status: int = 200) -> HttpResponse:
    writes = note.is_open and request.acting.may(WRITE)
    patient = open_chart(note.patient, page="note")
    beside = load(note, request.acting.person)
    form = form or (NoteForm(note=note) if writes else None)
    context = {**note_context(note, beside), "patient": patient, "visit": note.visit, "form": form, "writes": writes}
    if writes:
        context |= writing(request, note, beside)
    elif note.is_signed:
        person = request.acting.person
        context["left"] = in_words(beside.unmerged)
        context |= {"is_forsaken": note.is_forsaken, "may_hand_over": note.may_be_handed_over(person)}
    template = "clinical/encounter/write.html" if writes else "clinical/encounter/read.html"
    return render(request, template, context, status=status)


def note_context(note: Encounter, beside: Beside) -> dict[str, Any]:
    """What is read in a note that is loaded, on the page and on paper."""
    return {
        "note": note,
        "sections": note.sections.all(),
        "diagnoses": note.diagnosis_snapshots.all() if note.is_signed else beside.diagnoses,
        "plan": note.plan_items.all(),
        "lesions": list(note.lesions.all()),
        "views": VIEWS,
        "sites": SITES,
        "signatures": [one for one in note.signatures.all() if one.addendum_id is None],
        "addenda": list(note.addenda.all()),
    }


def writing(request: Request, note: Encounter, beside: Beside) -> dict[str, Any]:
    person = request.acting.person
    return {
        "vitals": vitals_of(note.patient),
        "quick_texts": by_code(beside.quick_texts),
        "unmerged": in_words(beside.unmerged),
        "plan_form": PlanForm(),
        "dx": ConsultationForm(note.visit, as_fields(beside.diagnoses), []),
        "seen": stamp_of(beside.diagnoses, beside.prescriptions),
        "is_author": note.provider_id == person.pk,
        "may_sign": note.provider_id == person.pk and request.acting.may(SIGN),
    }


def by_code(quick_texts: Iterable[QuickText]) -> dict[str, str]:
    """One's own goes before the house's."""
    texts: dict[str, str] = {}
    for one in quick_texts:
        texts.setdefault(one.code, one.text)
    return texts


@permit(WRITE, "POST")
def encounter_save(request: Request, pk: UUID) -> HttpResponse:
    """While somebody types, every few seconds; and the button of those who have no JavaScript."""
    note = found(pk)
    open_chart(note.patient, page="note", typing=True)
    note.lock_open(request.acting.person)
    form = NoteForm(request.POST, note=note)
    form.save(by=request.acting.person)
    if request.headers.get("Accept", "").startswith("application/json"):
        state = {**state_of(request, found(pk)), "wrong": wrong_in(form)}
        return JsonResponse(state, status=422 if form.errors else 200)
    if form.conflicts or form.errors:
        return page(request, note, form, status=form.status)
    messages.success(request, "The note is saved.")
    return redirect(note)


def wrong_in(form: NoteForm) -> dict[str, str]:
    """By section, what is not saved of what was sent, and why."""
    return {name: f"{form[name].label} is not saved. {' '.join(map(str, said))}" for name, said in form.errors.items()}


@permit(READ)
def encounter_state(request: Request, pk: UUID) -> JsonResponse:
    """What an open page asks when it hears that somebody else wrote."""
    note = found(pk)
    open_chart(note.patient, page="note", typing=True)
    return JsonResponse(state_of(request, note))


def state_of(request: Request, note: Encounter) -> dict[str, Any]:
    return {
        "open": note.is_open,
        "status": note.status,
        "at": timezone.now().isoformat(),
        "sections": dict(note.sections.values_list("key", "text")),
        "conflicts": left_unmerged(note, request.acting.person),
    }


@permit(WRITE, "POST")
def encounter_step(request: Request, pk: UUID) -> HttpResponse:
    note = found(pk)
    verb = {"complete": note.complete, "resume": note.resume}.get(request.POST.get("step", ""))
    if verb is None:
        raise Refused("This step is not known.", status=422)
    open_chart(note.patient, page="note", typing=True)
    verb(by=request.acting.person)
    return answered(request, note.get_absolute_url())


@permit("clinical.diagnose", "POST")
def encounter_diagnoses(request: Request, pk: UUID) -> HttpResponse:
    """The visit's diagnoses, written beside the note."""
    note = found(pk)
    visit, values = note.visit, fields_of(request)
    visit.lock()
    open_chart(note.patient, page="note", typing=True)
    form = ConsultationForm(visit, values, [], sent=True)
    status = 200
    if values.get("seen", [""])[-1] != stamp(visit):
        form = ConsultationForm(visit, joined(visit, values), [])
        form.wants.append(
            "Somebody recorded something for this visit meanwhile. It is here now. Look at it, then save."
        )
        status = 409
    elif not form.require(lines=False):
        status = 422
    else:
        visit.diagnose(by=request.acting.person, diagnoses=form.diagnosis_entries)
        form = ConsultationForm(visit, recorded(visit), [])
    context = {"note": note, "visit": visit, "dx": form, "seen": stamp(visit), "saved": status == 200}
    if request.htmx:
        return render(request, "clinical/encounter/_diagnoses_form.html", context, status=status)
    return redirect(note) if status == 200 else page(request, note, status=status)


def found(pk: UUID) -> Encounter:
    return get_object_or_404(Encounter.objects.shown(), pk=pk)
