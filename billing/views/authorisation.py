"""Prior authorisations: the list, one of them with its units and its log, and the request."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from billing.forms.authorisation import AuthorisationForm
from billing.models import Authorisation, AuthorisationUse
from billing.models.authorisation import MANAGE, VIEW
from billing.views.authorisation_steps import steps_for
from clinical.chart import open_chart
from clinical.models import Encounter, Patient, Visit
from hospital.http import Request
from hospital.permits import permit

PAGE = 50
SHOWN = {
    "": "To be decided",
    "granted": "Granted",
    "expiring": "Near their end",
    "denied": "Denied",
    "all": "All",
}


def shown(rows: Any, show: str) -> Any:
    if show == "granted":
        return rows.granted()
    if show == "expiring":
        return rows.expiring()
    if show == "denied":
        return rows.filter(status=Authorisation.Status.DENIED)
    return rows if show == "all" else rows.waiting()


@permit(VIEW)
def authorisations(request: Request) -> HttpResponse:
    text, show = request.GET.get("q", "").replace("\0", "").strip()[:60], request.GET.get("show", "")
    found = Authorisation.objects.filter(matching(text))
    page = Paginator(shown(found, show).shown(), PAGE).get_page(request.GET.get("page"))
    counts = {value: shown(found, value).count() for value in SHOWN if value != "all"}
    context = {
        "page": page,
        "text": text,
        "pills": [{"value": value, "label": label, "count": counts.get(value)} for value, label in SHOWN.items()],
    }
    return render(request, "billing/authorisation/list.html", context)


def matching(text: str) -> Q:
    """By number, insurer, or the number of the patient. What stands on restricted charts is found by number only."""
    digits = text.upper().removeprefix("PA-").lstrip("0")
    if digits.isascii() and digits.isdigit() and len(digits) < 15:
        return Q(serial=int(digits)) | Q(patient__mrn=int(digits))
    if not text:
        return Q()
    words = Q(payer__name__icontains=text) | Q(payer_number__iexact=text) | Q(code__iexact=text)
    named = Q(patient__family_name__icontains=text) | Q(patient__given_name__icontains=text)
    return Q(patient__is_restricted=False) & (words | named)


@permit(VIEW)
def authorisation(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    patient = open_chart(row.patient, page="authorisation", about={"about": str(row.pk)})
    context = {
        "patient": patient,
        "authorisation": row,
        "notes": row.notes.select_related("by"),
        "uses": uses_of(row),
        "letters": row.letters.select_related("document", "by"),
        "renewals": row.renewals.all(),
        **steps_for(row),
    }
    return render(request, "billing/authorisation/show.html", context)


def uses_of(row: Authorisation) -> list[AuthorisationUse]:
    """Each knows whether another line gives it back."""
    uses = list(row.uses.select_related("by"))
    given_back = {use.reverses_id for use in uses}
    for use in uses:
        use.is_given_back = use.pk in given_back
    return uses


def found(pk: UUID) -> Authorisation:
    rows = Authorisation.objects.shown().select_related("visit", "encounter", "renews", "requested_by")
    return get_object_or_404(rows.prefetch_related("renewals"), pk=pk)


@permit(MANAGE, "GET", "POST")
def authorisation_new(request: Request, pk: UUID) -> HttpResponse:
    return ask(request, get_object_or_404(Patient, pk=pk))


@permit(MANAGE, "GET", "POST")
def authorisation_of_visit(request: Request, pk: UUID) -> HttpResponse:
    visit = get_object_or_404(Visit.objects.select_related("patient"), pk=pk)
    diagnoses = ", ".join(visit.diagnoses.values_list("code", flat=True)[:6])
    return ask(request, visit.patient, visit=visit, diagnoses=diagnoses)


@permit(MANAGE, "GET", "POST")
def authorisation_of_note(request: Request, pk: UUID) -> HttpResponse:
    note = get_object_or_404(Encounter.objects.select_related("patient", "visit"), pk=pk)
    diagnoses = ", ".join(note.visit.diagnoses.values_list("code", flat=True)[:6])
    return ask(request, note.patient, visit=note.visit, encounter=note, doctor=note.provider_id, diagnoses=diagnoses)


def ask(request: Request, of: Patient, *, diagnoses: str = "", doctor: Any = None, **about: Any) -> HttpResponse:
    patient = open_chart(of, page="authorisation")
    policy = patient.policies.in_use().exclude(payer=None).order_by("order").first()
    initial = {"policy": policy and policy.pk, "diagnoses": diagnoses, "doctor": doctor or own_name(request)}
    form = AuthorisationForm(request.POST or None, initial=initial, patient=patient)
    if request.method == "POST" and form.is_valid():
        row = Authorisation.request(patient, by=request.acting.person, **form.cleaned_data, **about)
        messages.success(request, f"{row.number} is drafted. Submit it when it is complete.")
        return redirect(row)
    return form_page(request, patient, form, "Ask for an authorisation", patient.get_absolute_url())


def own_name(request: Request) -> Any:
    """Whoever asks as a doctor is the doctor."""
    role = request.acting.role
    return request.acting.person.pk if role is not None and role.key == "main_doctor" else None


@permit(MANAGE, "GET", "POST")
def authorisation_edit(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    patient = open_chart(row.patient, page="authorisation")
    form = AuthorisationForm(request.POST or None, instance=row, patient=patient)
    if request.method == "POST" and form.is_valid():
        changes = form.changes
        if "policy" in changes:
            changes["payer_id"] = form.cleaned_data["policy"].payer_id
            changes["policy"] = form.cleaned_data["policy"]
        if changes:
            found(pk).amend(by=request.acting.person, **changes)  # the form has written into its own
        messages.success(request, f"{row.number} is saved.")
        return redirect(row)
    return form_page(request, patient, form, f"Change {row.number}", row.get_absolute_url())


def form_page(request: Request, patient: Patient, form: Any, title: str, back: str) -> HttpResponse:
    context = {"patient": patient, "form": form, "title": title, "submit": "Save", "back": back}
    status = form.status if form.is_bound else 200
    return render(request, "billing/authorisation/form.html", context, status=status)


@permit(MANAGE, "POST")
def authorisation_renew(request: Request, pk: UUID) -> HttpResponse:
    row = found(pk)
    open_chart(row.patient, page="authorisation")
    renewal = row.renew(by=request.acting.person)
    messages.success(request, f"{renewal.number} is drafted as its renewal. Look it over, then submit it.")
    return redirect(reverse("billing:authorisation", args=[renewal.pk]))
