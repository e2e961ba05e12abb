"""The patient is told what was found: by whom, how and when; or was tried, and written to."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from clinical.biopsy_opening import open_biopsy
from clinical.biopsy_readers import LETTER
from clinical.forms.biopsy_result import AttemptForm, ChooseLetter, LetterText, TellForm
from clinical.models import Biopsy, BiopsyTelling
from clinical.models.biopsy import REVIEW
from clinical.views.answers import answered
from clinical.views.biopsy_result import found
from hospital.http import Request
from hospital.permits import permit

ONLY = "The patient is told what was reviewed, until the loop is closed."
KINDS: dict[str, tuple[type[TellForm | AttemptForm], str, str]] = {
    "told": (TellForm, "The patient is told", "Told"),
    "attempt": (AttemptForm, "The patient was not reached", "Write it down"),
}


@permit(REVIEW, "GET", "POST")
def biopsy_tell(request: Request, pk: UUID, kind: str) -> HttpResponse:
    row = found(pk)
    patient = open_biopsy(row)
    row.refuse_unless(Biopsy.Status.REVIEWED, ONLY)
    kind_of_form, title, submit = KINDS[kind]
    form = kind_of_form(request.POST or None)
    if request.method == "POST" and form.is_valid() and form.record(row, request.acting.person):
        messages.success(request, f"{row.number}: {title.lower()}.")
        return answered(request, row.get_absolute_url())
    over = request.htmx.target == "dialog"
    context = {"form": form, "title": title, "submit": submit, "over": over, "patient": patient, "visit": row.visit}
    template = "_small_form.html" if over else "clinical/specimen/small_form.html"
    status = 422 if form.is_bound else 200
    return render(request, template, {**context, "cancel": row.get_absolute_url()}, status=status)


@permit(REVIEW, "GET", "POST")
def biopsy_letter(request: Request, pk: UUID) -> HttpResponse:
    """Begun with a text of the house, read and changed, kept as it goes out, and printed."""
    row = found(pk)
    patient = open_biopsy(row)
    row.refuse_unless(Biopsy.Status.REVIEWED, ONLY)
    chosen = ChooseLetter(request.GET, biopsy=row)
    form = LetterText(request.POST or None, initial=chosen.text())
    if request.method == "POST" and form.is_valid():
        letter = form.record(row, request.acting.person)
        if letter is not None:
            messages.success(request, "The letter is kept with the biopsy. Print it and post it.")
            return redirect("clinical:biopsy_letter_print", pk=letter.pk)
    context = {"biopsy": row, "patient": patient, "visit": row.visit, "form": form, "chosen": chosen}
    return render(request, "clinical/biopsy/letter_form.html", context, status=422 if form.is_bound else 200)


@permit(REVIEW)
def biopsy_letter_print(request: Request, pk: UUID) -> HttpResponse:
    rows = BiopsyTelling.objects.letters().select_related("biopsy__patient", "biopsy__report", "by")
    letter = get_object_or_404(rows, pk=pk)
    patient = open_biopsy(letter.biopsy, page=LETTER)
    context = {"letter": letter, "patient": patient, "back": letter.biopsy.get_absolute_url()}
    return render(request, "clinical/biopsy/letter_print.html", context)
