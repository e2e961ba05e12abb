"""A note on paper and as PDF."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header

from clinical.chart import open_chart
from clinical.note_pdf import mark_of, pdf_of
from clinical.note_rows import load
from clinical.views.encounter import READ, found, note_context
from hospital.http import Request
from hospital.permits import permit


@permit(READ)
def encounter_print(request: Request, pk: UUID) -> HttpResponse:
    note = found(pk)
    patient = open_chart(note.patient, page="note on paper")
    context = {
        **note_context(note, load(note, request.acting.person)),
        "patient": patient,
        "visit": note.visit,
        "mark": mark_of(note),
    }
    return render(request, "clinical/encounter/print.html", {**context, "back": note.get_absolute_url()})


@permit(READ)
def encounter_pdf(request: Request, pk: UUID) -> HttpResponse:
    note = found(pk)
    open_chart(note.patient, page="note on paper")
    name = content_disposition_header(False, f"{note.visit.number} {note.template.key}.pdf")
    headers = {"Content-Disposition": name or "", "Cache-Control": "no-store"}
    return HttpResponse(
        pdf_of(note, note_context(note, load(note, request.acting.person))),
        content_type="application/pdf",
        headers=headers,
    )
