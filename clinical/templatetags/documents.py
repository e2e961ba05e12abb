"""`{% document_section visit %}` and `{% patient_documents patient %}`: what is on file, and how to add to it."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from clinical.models import Patient, Visit
from hospital.context import current

register = template.Library()
SHOWN = 50


@register.inclusion_tag("clinical/document/_section.html")
def document_section(visit: Visit) -> dict[str, Any]:
    """All documents of the visit's patient; new ones are filed under the visit."""
    return section(visit.patient, reverse("clinical:visit_upload", args=[visit.pk]))


@register.inclusion_tag("clinical/document/_section.html")
def patient_documents(patient: Patient) -> dict[str, Any]:
    return section(patient, reverse("clinical:document_upload", args=[patient.pk]))


def section(patient: Patient, upload_url: str) -> dict[str, Any]:
    acting = current()
    documents = patient.documents.seen_by(acting).newest().select_related("patient", "uploaded_by", "visit")[:SHOWN]
    return {
        "patient": patient,
        "documents": documents,
        "acting": acting,
        "may_open": acting.may("clinical.view_document"),
        "may_upload": acting.may("clinical.upload_document"),
        "upload_url": upload_url,
    }
