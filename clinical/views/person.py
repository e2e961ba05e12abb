"""What else is known about a patient as a person: contacts, relations, death, photo, and who is not identified yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from clinical import photos
from clinical.chart import note_mention, open_chart
from clinical.forms.contact import ContactForm, RelationEdit, RelationForm, TagForm
from clinical.forms.patient import Death, Photo, UnknownPatient
from clinical.forms.visit import Reason
from clinical.models import Patient, PatientContact, PatientRelation, Tag
from clinical.models.relation import TAGS
from clinical.views.answers import answered
from hospital.http import Request
from hospital.permits import permit

VIEW, REGISTER = "clinical.view_patient", "clinical.register_patient"
FOUND = 8


# --- contacts and relations ---------------------------------------------------------------


@permit(REGISTER, "GET", "POST")
def contact_new(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="contacts")
    form = ContactForm(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        PatientContact.record(patient, by=request.acting.person, **form.cleaned_data)
        return answered(request, f"{patient.get_absolute_url()}#people")
    return small_form(request, patient, form, {"title": "Add a contact", "submit": "Add"})


@permit(REGISTER, "GET", "POST")
def contact_edit(request: Request, pk: UUID) -> HttpResponse:
    contact = get_object_or_404(PatientContact.objects.standing().select_related("patient"), pk=pk)
    patient = open_chart(contact.patient, page="contacts")
    form = ContactForm(request.POST or None, instance=get_object_or_404(PatientContact, pk=pk), patient=patient)
    if request.method == "POST" and form.is_valid():
        if form.changes:
            contact.change(by=request.acting.person, **form.changes)
        return answered(request, f"{patient.get_absolute_url()}#people")
    words = {"title": "Change a contact", "submit": "Save"}
    return small_form(request, patient, form, words, form.status if form.is_bound else 200)


@permit(REGISTER, "GET", "POST")
def contact_end(request: Request, pk: UUID) -> HttpResponse:
    contact = get_object_or_404(PatientContact.objects.select_related("patient"), pk=pk)
    words = {"title": f"{contact} is no longer a contact", "submit": "End", "danger": True}
    return with_reason(request, contact.patient, lambda why, by: contact.end(why, by=by), words)


@permit(REGISTER, "GET", "POST")
def relation_new(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="relations")
    form = RelationForm(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        details = form.cleaned_data
        PatientRelation.record(
            details["other"], patient, details["kind"], by=request.acting.person, note=details["note"]
        )
        return answered(request, f"{patient.get_absolute_url()}#people")
    return small_form(request, patient, form, {"title": "Add a relation to another patient", "submit": "Add"})


@permit(REGISTER, "GET", "POST")
def relation_edit(request: Request, pk: UUID) -> HttpResponse:
    relation = get_object_or_404(PatientRelation.objects.standing().select_related("patient", "other"), pk=pk)
    here, there = sides(request, relation)
    patient = open_chart(here, page="relations")
    note_mention([there], page="relation")
    form = RelationEdit(request.POST or None, instance=relation)
    if request.method == "POST" and form.is_valid():
        if form.changes:
            relation.change(by=request.acting.person, **form.changes)
        return answered(request, f"{patient.get_absolute_url()}#people")
    words = {"title": "Change a relation", "submit": "Save"}
    return small_form(request, patient, form, words, form.status if form.is_bound else 200)


@permit(REGISTER, "GET", "POST")
def relation_end(request: Request, pk: UUID) -> HttpResponse:
    relation = get_object_or_404(PatientRelation.objects.select_related("patient", "other"), pk=pk)
    here, there = sides(request, relation)
    note_mention([there], page="relation")
    words = {"title": f"{relation}: no longer", "submit": "End", "danger": True}
    return with_reason(request, here, lambda why, by: relation.end(why, by=by), words)


def sides(request: Request, relation: PatientRelation) -> tuple[Patient, Patient]:
    """Whose page it was asked on, where it leads back to; and the other one."""
    if request.GET.get("of") == str(relation.patient_id):
        return relation.patient, relation.other
    return relation.other, relation.patient


# --- death -------------------------------------------------------------------------------


@permit(REGISTER, "GET", "POST")
def death(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="death")
    form = Death(request.POST or None)
    if request.method == "POST" and form.is_valid():
        patient.record_death(by=request.acting.person, **form.details())
        messages.success(request, f"The death of {patient.name} is recorded.")
        return answered(request, patient.get_absolute_url())
    words = {
        "title": "Record a death",
        "submit": "Record the death",
        "danger": True,
        "warning": "Booked appointments and places on the waitlist end now, and no visit or reminder follows. Papers, results and bills go on.",
    }
    return small_form(request, patient, form, words)


@permit(REGISTER, "GET", "POST")
def death_undo(request: Request, pk: UUID) -> HttpResponse:
    patient = get_object_or_404(Patient, pk=pk)
    words = {
        "title": "The patient has not died",
        "submit": "Take back",
        "text": "Appointments that were cancelled stay cancelled.",
    }
    return with_reason(request, patient, lambda why, by: patient.undo_death(why, by=by), words)


# --- photo -------------------------------------------------------------------------------


@permit(VIEW)
def photo(request: Request, pk: UUID) -> HttpResponse:
    patient = get_object_or_404(Patient, pk=pk)
    if not patient.photo:
        raise Http404
    try:
        content = photos.read(patient)
    except FileNotFoundError as error:
        raise Http404 from error
    answer = HttpResponse(content, content_type="image/jpeg")
    answer.headers["Cache-Control"] = "private, max-age=300"
    return answer


@permit(REGISTER, "GET", "POST")
def photo_edit(request: Request, pk: UUID) -> HttpResponse:
    patient = open_chart(pk, page="photo")
    form = Photo(request.POST or None, request.FILES or None)
    if request.method == "POST" and "remove" in request.POST:
        photos.remove(patient, by=request.acting.person)
        return answered(request, patient.get_absolute_url())
    if request.method == "POST" and form.is_valid():
        photos.give(patient, form.cleaned_data["photo"], by=request.acting.person)
        return answered(request, patient.get_absolute_url())
    context = {"patient": patient, "form": form}
    return render(request, "clinical/patient/photo.html", context, status=422 if form.is_bound else 200)


# --- who is not identified yet -------------------------------------------------------------


@permit(REGISTER, "GET", "POST")
def unknown_new(request: Request) -> HttpResponse:
    form = UnknownPatient(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        patient = Patient.register_unknown(by=request.acting.person, **form.details())
        messages.success(request, f"{patient.name} is registered as {patient.number}.")
        return answered(request, patient.get_absolute_url())
    return render(request, "clinical/patient/unknown.html", {"form": form}, status=422 if form.is_bound else 200)


@permit(REGISTER)
def identify(request: Request, pk: UUID) -> HttpResponse:
    """Somebody who has a record already, or somebody new."""
    patient = open_chart(pk, page="identify")
    query = request.GET.get("q", "").strip()
    found = list(Patient.objects.exclude(pk=patient.pk).search(query)[:FOUND]) if query else []
    note_mention(found, page="identify")
    return render(request, "clinical/patient/identify.html", {"patient": patient, "query": query, "found": found})


# --- tags --------------------------------------------------------------------------------


@permit(TAGS)
def tags(request: Request) -> HttpResponse:
    page = Paginator(Tag.objects.all(), 50).get_page(request.GET.get("page"))
    return render(request, "clinical/patient/tags.html", {"page": page})


@permit(TAGS, "GET", "POST")
def tag_new(request: Request) -> HttpResponse:
    form = TagForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        Tag.add(by=request.acting.person, **form.cleaned_data)
        return answered(request, reverse("clinical:tags"))
    return tag_form(request, form, "Add a tag")


@permit(TAGS, "GET", "POST")
def tag_edit(request: Request, pk: UUID) -> HttpResponse:
    tag = get_object_or_404(Tag, pk=pk)
    form = TagForm(request.POST or None, instance=get_object_or_404(Tag, pk=pk))
    if request.method == "POST" and form.is_valid():
        if form.changes:
            tag.change(by=request.acting.person, **form.changes)
        return answered(request, reverse("clinical:tags"))
    return tag_form(request, form, f"Change the tag {tag}", form.status if form.is_bound else 200)


def tag_form(request: Request, form: TagForm, title: str, status: int = 0) -> HttpResponse:
    context = {"form": form, "title": title}
    return render(request, "clinical/patient/tag.html", context, status=status or (422 if form.is_bound else 200))


# --- small forms -------------------------------------------------------------------------


def with_reason(request: Request, patient: Patient, verb: Callable, words: dict[str, Any]) -> HttpResponse:
    open_chart(patient, page=words["title"].lower()[:60])
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        verb(form.cleaned_data["reason"], request.acting.person)
        return answered(request, patient.get_absolute_url())
    return small_form(request, patient, form, words)


def small_form(
    request: Request, patient: Patient, form: forms.BaseForm, words: dict[str, Any], status: int = 0
) -> HttpResponse:
    over = request.htmx.target == "dialog"
    context = {"patient": patient, "form": form, "cancel": patient.get_absolute_url(), "over": over, **words}
    template = "_small_form.html" if over else "clinical/patient/small_form.html"
    return render(request, template, context, status=status or (422 if form.is_bound else 200))
