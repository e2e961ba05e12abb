"""The doctor: who waits, and the one page on which a patient is understood, diagnosed and helped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from clinical.allergies import allergies_against
from clinical.chart import open_chart
from clinical.consulting import findings, known
from clinical.courses import vitals_of
from clinical.forms.consultation import (
    FREQUENCIES,
    ConsultationForm,
    DiagnosisRow,
    LineRow,
    key_of,
    recorded,
    with_codes,
    with_medicines,
)
from clinical.models import (
    ConsultationDraft,
    Diagnosis,
    Icd10Code,
    LabOrder,
    Medicine,
    Patient,
    Prescription,
    QueuePlace,
    Visit,
)
from hospital.http import Request
from hospital.permits import permit
from hospital.workflow import Refused

DIAGNOSE, PRESCRIBE = "clinical.diagnose", "clinical.prescribe"
SIGN, FINISH, KEEP = "sign", "finish", "keep"
ROOM_FOR = 200
FOUND = 12


@permit(DIAGNOSE)
def consultation_queue(request: Request) -> HttpResponse:
    visits = Visit.objects.in_queue(QueuePlace.Queue.CONSULTATION).shown()
    pending = Visit.objects.filter(status=Visit.Status.LAB_PENDING, ended_at=None).in_order().shown()
    context = {"visits": visits[:ROOM_FOR], "pending": pending[:ROOM_FOR], "queue": QueuePlace.Queue.CONSULTATION}
    return render(request, "clinical/consultation/queue.html", context)


@permit(DIAGNOSE, "GET", "POST")
def consult(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.shown(), pk=pk)
    if request.method == "POST":
        return write(request, visit)
    if not visit.is_open:
        return redirect(visit)
    patient = open_chart(visit.patient, page="consultation")
    draft = ConsultationDraft.of(visit)
    form = ConsultationForm.left_as(visit, draft.fields if draft else None, patient.allergies.all())
    return page(request, visit, patient, form, draft=draft)


def write(request: Request, visit: Visit) -> HttpResponse:
    """Sign, finish, or keep for later. What cannot be done leaves everything as it was, and the words on the page."""
    visit.lock()
    patient = open_chart(visit.patient, page="consultation")
    values, action = fields_of(request), request.POST.get("action", KEEP)
    if action == KEEP:
        ConsultationDraft.keep(visit, values, by=request.acting.person)
        messages.success(request, "The draft is kept.")
        return redirect("clinical:consult", pk=visit.pk)
    if values.get("seen", [""])[-1] != stamp(visit):
        form = ConsultationForm(visit, joined(visit, values), patient.allergies.all())
        form.wants.append(
            "Somebody recorded something for this visit while you were writing. It is on the page now. Look at it, then send again."
        )
        return page(request, visit, patient, form, status=409)
    form = ConsultationForm(visit, values, patient.allergies.all(), sent=True)
    if not form.require(lines=action == SIGN) or not recorded_all(form, visit, request):
        return page(request, visit, patient, form, status=422)
    messages.success(request, f"{patient.name}: {'at the pharmacy' if form.lines else visit_words(visit)}.")
    return redirect("clinical:consultation_queue")


def recorded_all(form: ConsultationForm, visit: Visit, request: Request) -> bool:
    by = request.acting.person
    try:
        with transaction.atomic():
            visit.diagnose(by=by, diagnoses=form.diagnosis_entries)
            if form.lines:
                Prescription.write(visit, form.line_entries, by=by, note=form.note).sign(by=by)
            for order in visit.lab_orders.filter(status=LabOrder.Status.RELEASED):
                order.review(by=by)
            visit.finish_consultation(by=by)
            visit.consultation_drafts.filter(person=by).delete()
    except Refused as refused:
        form.wants.append(str(refused))
        return False
    return True


def visit_words(visit: Visit) -> str:
    return Visit.objects.get(pk=visit.pk).get_status_display().lower()


def page(
    request: Request,
    visit: Visit,
    patient: Patient,
    form: ConsultationForm,
    *,
    draft: Any = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "visit": visit,
        "patient": patient,
        "form": form,
        "draft": draft,
        "seen": stamp(visit),
        "vitals": vitals_of(patient),
        "findings": findings(visit, patient),
        "frequencies": FREQUENCIES,
        "prescriptions": visit.prescriptions.shown(),
        "can_sign": visit.status in (Visit.Status.CHECKED, Visit.Status.LAB_DONE, Visit.Status.DIAGNOSED),
        **known(visit, patient),
    }
    return render(request, "clinical/consultation/consult.html", context, status=status)


@permit(DIAGNOSE, "POST")
def consult_draft(request: Request, pk: UUID) -> HttpResponse:
    """What is typed is kept while it is typed."""
    visit = get_object_or_404(Visit, pk=pk)
    ConsultationDraft.keep(visit, fields_of(request), by=request.acting.person)
    return render(request, "clinical/consultation/_kept.html", {"at": timezone.now()})


@permit(DIAGNOSE, "POST")
def consult_discard(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit, pk=pk)
    visit.consultation_drafts.filter(person=request.acting.person).delete()
    return redirect("clinical:consult", pk=visit.pk)


@permit(DIAGNOSE)
def icd10(request: Request) -> HttpResponse:
    """Codes by their beginning or by words: under the field while somebody types, or on a page."""
    query = asked(request, "q")
    context = {"query": query, "codes": Icd10Code.objects.look_up(query, FOUND if request.htmx else 50)}
    return render(
        request, "clinical/consultation/_codes.html" if request.htmx else "clinical/consultation/codes.html", context
    )


@permit(PRESCRIBE)
def medicines(request: Request, pk: UUID) -> HttpResponse:
    """Medicines for this patient: with what is in stock, and what speaks against them."""
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    query = asked(request, "q")
    allergies = list(open_chart(visit.patient, page="medicines", typing=True).allergies.all())
    found = (
        Medicine.objects.look_up(query).prefetch_related("batches")[: FOUND if request.htmx else 50] if query else []
    )
    entries = [{"medicine": medicine, "against": allergies_against(medicine, allergies)} for medicine in found]
    context = {"query": query, "entries": entries, "visit": visit}
    return render(
        request,
        "clinical/consultation/_medicines.html" if request.htmx else "clinical/consultation/medicines.html",
        context,
    )


@permit(DIAGNOSE)
def diagnosis_row(request: Request, pk: UUID) -> HttpResponse:
    """The row of a code that was chosen."""
    visit = get_object_or_404(Visit, pk=pk)
    code = asked(request, "code")
    key = key_of(code)
    [row] = with_codes([DiagnosisRow(key, {f"{key}-code": [code]}, sent=False)])
    return render(request, "clinical/consultation/_diagnosis_row.html", {"row": row, "visit": visit})


@permit(PRESCRIBE)
def line_row(request: Request, pk: UUID) -> HttpResponse:
    """The row of a medicine that was chosen."""
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    code = asked(request, "code")
    key = f"line{key_of(code)}"[:40]
    allergies = list(open_chart(visit.patient, page="medicines", typing=True).allergies.all())
    [row] = with_medicines([LineRow(key, {f"{key}-medicine": [code]}, sent=False)], allergies)
    return render(request, "clinical/consultation/_line_row.html", {"row": row, "visit": visit})


def fields_of(request: Request) -> dict[str, list[str]]:
    """What was typed, without what belongs to the sending of it."""
    apart = ("csrfmiddlewaretoken", "form_key", "action")
    return {
        name: [value.replace("\0", "") for value in values]
        for name, values in request.POST.lists()
        if name not in apart and "\0" not in name
    }


def asked(request: Request, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:100]


def stamp(visit: Visit) -> str:
    """Changes when somebody records a diagnosis or a prescription of this visit."""
    return stamp_of(visit.diagnoses.standing(), visit.prescriptions.all())


def stamp_of(diagnoses: Iterable[Diagnosis], prescriptions: Iterable[Prescription]) -> str:
    told = sorted((row.pk, row.version) for row in diagnoses), sorted(row.pk for row in prescriptions)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def joined(visit: Visit, mine: dict[str, list[str]]) -> dict[str, list[str]]:
    """My words, and the diagnoses that others recorded meanwhile."""
    theirs = recorded(visit)
    return {**theirs, **mine, "diagnosis": list(dict.fromkeys([*mine.get("diagnosis", []), *theirs["diagnosis"]]))}
