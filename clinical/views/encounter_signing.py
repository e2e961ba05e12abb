"""Signatures: the author's, a co-signer's, a reviewer's; what is added later; and what was entered in error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse

from clinical.chart import open_chart
from clinical.forms.encounter import AddendumForm, Confirm, HandOver, SignNote
from clinical.forms.visit import Reason
from clinical.models import Encounter
from clinical.models.encounter import COSIGN, SIGN, WRITE
from clinical.views.answers import answered
from clinical.views.encounter import found
from clinical.views.encounter_parts import note_form
from hospital.http import Request
from hospital.permits import permit

MADE_FINAL = "After the signature nothing of the note can be changed. Later words are addenda."


def signed_step(
    request: Request, note: Encounter, form: forms.Form, words: dict[str, Any], verb: Callable[[dict[str, Any]], object]
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        open_chart(note.patient, page="note", typing=True)
        verb(form.cleaned_data)
        messages.success(request, words["done"])
        return answered(request, note.get_absolute_url())
    return note_form(request, note, form, words)


@permit(SIGN, "GET", "POST")
def encounter_sign(request: Request, pk: UUID) -> HttpResponse:
    note, by = found(pk), request.acting.person
    form = SignNote(request.POST or None, request=request, note=note)
    words = {
        "title": "Sign the note as its author",
        "submit": "Sign",
        "text": MADE_FINAL,
        "done": "The note is signed.",
    }
    how = ("cosigner", "seen")
    return signed_step(request, note, form, words, lambda said: note.sign(by=by, **{name: said[name] for name in how}))


@permit(COSIGN, "GET", "POST")
def encounter_cosign(request: Request, pk: UUID) -> HttpResponse:
    note, by = found(pk), request.acting.person
    form = Confirm(request.POST or None, request=request)
    text = f"You stand for {note.provider}'s note as it is."
    words = {"title": "Co-sign", "submit": "Co-sign", "text": text, "done": "The note is co-signed."}
    return signed_step(request, note, form, words, lambda said: note.cosign(by=by))


@permit(WRITE, "GET", "POST")
def encounter_hand_over(request: Request, pk: UUID) -> HttpResponse:
    note, by = found(pk), request.acting.person
    form = HandOver(request.POST or None, note=note)
    text = f"It waits for {note.cosigner}." if note.waits_for_cosigner else ""
    words = {"title": "Ask somebody else to co-sign", "submit": "Hand over", "text": text, "done": "It is handed over."}
    return signed_step(request, note, form, words, lambda said: note.hand_over(said["cosigner"], said["reason"], by=by))


@permit(COSIGN, "GET", "POST")
def encounter_review(request: Request, pk: UUID) -> HttpResponse:
    note, by = found(pk), request.acting.person
    form = Confirm(request.POST or None, request=request)
    words = {"title": "Sign as reviewer", "submit": "Sign", "text": "You have read this note.", "done": "Reviewed."}
    return signed_step(request, note, form, words, lambda said: note.review(by=by))


@permit(SIGN, "GET", "POST")
def encounter_addendum(request: Request, pk: UUID) -> HttpResponse:
    note, by = found(pk), request.acting.person
    form = AddendumForm(request.POST or None, request=request)
    words = {"title": "Add to the note", "submit": "Sign and add", "text": "", "done": "The addendum is signed."}
    return signed_step(request, note, form, words, lambda said: note.add(said["text"], by=by))


@permit(WRITE, "GET", "POST")
def encounter_error(request: Request, pk: UUID) -> HttpResponse:
    note, by = found(pk), request.acting.person
    text = "The note stays readable, struck through, and counts no more. This cannot be taken back."
    words = {
        "title": "Entered in error",
        "submit": "Strike it through",
        "warning": text,
        "danger": True,
        "done": "Done.",
    }
    form = Reason(request.POST or None)
    return signed_step(request, note, form, words, lambda said: note.enter_in_error(said["reason"], by=by))
