"""Patients: found, registered, changed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from clinical import days
from clinical.chart import note_mention, open_chart
from clinical.forms.patient import EditPatient, RegisterPatient, TypedSoFar
from clinical.forms.patient_filter import PatientFilter
from clinical.forms.visit import VisitForm
from clinical.models import Merge, Patient, PatientRelation, Tag, Visit
from clinical.views.answers import answered, as_file
from clinical.vital_strip import last_vitals
from hospital.http import Request
from hospital.permits import permit

VIEW, REGISTER = "clinical.view_patient", "clinical.register_patient"
PAGE = 50
MOST_EXPORTED = 10_000
BOOKING = ("book", "walk_in")  # from where somebody may be registered on the way


@permit(VIEW)
def patients(request: Request) -> HttpResponse:
    form = PatientFilter(request.GET)
    page = Paginator(form.found(), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "query": form.query, "form": form, "tones": Tag.tones(), "asked": asked(request)}
    return render(request, "clinical/patient/list.html", context)


def asked(request: Request) -> str:
    """The filters, for the address of the file."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


@permit(REGISTER)
def patients_export(request: Request) -> HttpResponse:
    rows = [exported(patient) for patient in PatientFilter(request.GET).found()[:MOST_EXPORTED]]
    return as_file(request, "patients", HEADINGS, rows, table="clinical_patient")


HEADINGS = (
    "Number",
    "Given names",
    "Family name",
    "Sex",
    "Date of birth",
    "Estimated",
    "Died",
    "Telephone",
    "E-mail",
    "Address",
    "Identity document",
    "Tags",
)


def exported(patient: Patient) -> tuple[Any, ...]:
    return (
        patient.number,
        patient.given_name,
        patient.family_name,
        patient.get_sex_display(),
        patient.birth_date,
        "yes" if patient.birth_date_estimated else "",
        days.day_of(patient.deceased_at) if patient.deceased_at else "",
        patient.phone,
        patient.email,
        patient.address,
        patient.document_number,
        ", ".join(patient.tags),
    )


@permit(REGISTER, "GET", "POST")
def patient_new(request: Request) -> HttpResponse:
    """Registers, and opens a visit in the same step if that button was pressed."""
    if request.method == "GET":
        return new_page(request, RegisterPatient(initial=names_in(request.GET.get("q", ""))), VisitForm())
    with_visit = request.POST.get("then") == "visit"
    form, visit_form = RegisterPatient(request.POST), VisitForm(request.POST if with_visit else None)
    if not all([form.is_valid(), not with_visit or visit_form.is_valid()]):
        return new_page(request, form, visit_form, status=422)
    duplicates = form.duplicates()
    if form.unseen(duplicates):
        return new_page(request, form, visit_form, duplicates, status=422)
    return register(request, form, visit_form if with_visit else None)


def register(request: Request, form: RegisterPatient, visit_form: VisitForm | None) -> HttpResponse:
    by = request.acting.person
    patient = Patient.register(by=by, **form.details())
    messages.success(request, f"{patient.name} is registered as {patient.number}.")
    if visit_form is None:
        return answered(request, next_page(patient, request.POST.get("then", "")))
    visit = Visit.register(patient, by=by, **visit_form.cleaned_data)
    return answered(request, visit.get_absolute_url())


def next_page(patient: Patient, then: str) -> str:
    """Whoever came from a booking goes on with it."""
    return f"{reverse(f'scheduling:{then}')}?patient={patient.pk}" if then in BOOKING else patient.get_absolute_url()


def new_page(request: Request, form: Any, visit_form: Any, duplicates: Any = (), status: int = 200) -> HttpResponse:
    then = request.POST.get("then") or request.GET.get("then", "")
    context = {"form": form, "visit_form": visit_form, "duplicates": duplicates, "on_save": bool(duplicates)}
    context["then"] = then if then in BOOKING else ""
    template = "clinical/patient/_new.html" if request.htmx.target == "panel" else "clinical/patient/new.html"
    return render(request, template, context, status=status)


def names_in(query: str) -> dict[str, str]:
    """What was searched for is what is registered: a name, a telephone or nothing."""
    digits = sum(character.isdigit() for character in query)
    if digits:
        return {"phone": query} if digits > 5 and not any(character.isalpha() for character in query) else {}
    given, _, family = query.strip().rpartition(" ")
    return {
        "given_name": given.title() if given.islower() else given,
        "family_name": family.title() if family.islower() else family,
    }


@permit(REGISTER)
def patient_duplicates(request: Request) -> HttpResponse:
    """The warning while somebody types."""
    return render(request, "clinical/patient/_duplicates.html", {"duplicates": TypedSoFar(request.GET).duplicates()})


@permit(VIEW)
def patient(request: Request, pk: UUID) -> HttpResponse:
    if (merged := get_object_or_404(Patient, pk=pk)).merged_into_id is not None:
        if not request.acting.says_again:  # an open page reads it in the page itself
            messages.info(request, f"{merged.number} was merged into this record.")
        return redirect(merged.current)
    patient = open_chart(merged, page="patient")
    visits = Visit.objects.filter(patient=patient).shown()
    page = Paginator(visits, 20).get_page(request.GET.get("page"))
    relations = [
        (relation, *relation.seen_from(patient)) for relation in PatientRelation.objects.standing().of(patient)
    ]
    note_mention((other for _, other, _ in relations), page="relation")
    context = {
        "patient": patient,
        "page": page,
        "contacts": patient.contacts.order_by("ended_at", "id"),
        "relations": relations,
        "merged_here": Merge.objects.filter(survivor=patient, undone_at=None).select_related("source"),
    }
    if request.acting.may("clinical.view_chart"):
        context["vitals"] = last_vitals(patient)
    return render(request, "clinical/patient/page.html", context)


@permit(REGISTER, "GET", "POST")
def patient_edit(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="edit")
    form = EditPatient(request.POST or None, instance=get_object_or_404(Patient, pk=patient.pk))
    if request.method == "GET":
        return edit_page(request, patient, form)
    if not form.is_valid():
        return edit_page(request, patient, form, status=form.status)
    if form.changes:
        patient.change(by=request.acting.person, **form.changes)
        messages.success(request, f"{patient.name} is saved.")
    return redirect(patient)


def edit_page(request: Request, patient: Patient, form: EditPatient, status: int = 200) -> HttpResponse:
    context = {"patient": patient, "form": form, "cancel": reverse("clinical:patient", args=[patient.pk])}
    return render(request, "clinical/patient/edit.html", context, status=status)
