"""Attachments inside a record become documents, through the same checks as an upload."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction

from clinical.fhir.links import Links
from clinical.fhir.store import REFUSALS, Draft, Fields, Outcome, Rows, in_words, store_rows
from clinical.fhir.values import Broken, Node, concept, concepts, part, parts, text, when
from clinical.models import Document, Patient
from hospital.tenancy import TenantModel
from hospital.workflow import Refused

ENDINGS = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/tiff": "tiff",
    "application/dicom": "dcm",
    "text/csv": "csv",
    "text/plain": "txt",
}
TITLE = Document._meta.get_field("title").max_length or 0


def read_document(resource: Node, links: Links) -> Fields:
    categories = concepts(resource, "category")
    title = (
        text(resource, "description") or concept(resource, "type").text or (categories[0].text if categories else "")
    )
    found = [attachment(part(one, "attachment")) for one in parts(resource, "content")]
    files = [{**one, "title": titled(one["title"] or title, when(resource, "date").said)} for one in found if one]
    if not files:
        raise Broken("It carries no data; a document that is only linked to is not fetched.")
    return {"patient_id": links.patient(resource, "subject"), "files": files}


def read_forms(resource: Node, title: str) -> list[Fields]:
    """The presented forms of a diagnostic report."""
    said = text(resource, "effectiveDateTime") or text(resource, "issued")
    found = [attachment(one) for one in parts(resource, "presentedForm")]
    return [{**one, "title": titled(one["title"] or title, said)} for one in found if one]


def titled(title: str, said: str) -> str:
    day = f" of {said[:10]}" if said else ""
    return f"{(title or 'Document')[: TITLE - len(day)]}{day}"


def attachment(node: Node) -> Fields | None:
    data = text(node, "data")
    if not data:
        return None
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Broken("The data of the attachment are not base64.") from error
    kind = text(node, "contentType").partition(";")[0].strip().lower()
    return {"content": content, "kind": kind, "title": text(node, "title")}


def store_documents(model: type[TenantModel], drafts: list[Draft], existing: Rows) -> list[Outcome]:
    return [store_document(draft, draft.fields["files"], existing.get(draft.fhir_id)) for draft in drafts]


def store_reports(model: type[TenantModel], drafts: list[Draft], existing: Rows) -> list[Outcome]:
    """The row, and the documents that the report was presented as."""
    forms = {draft.fhir_id: draft.fields.pop("files") for draft in drafts}
    outcomes = store_rows(model, drafts, existing)
    extra = [
        store_document(
            Draft(one.draft.entry, one.draft.key, f"DiagnosticReport/{one.draft.fhir_id}", one.draft.fields),
            forms[one.draft.fhir_id],
        )
        for one in outcomes
        if one.word != "broken" and forms[one.draft.fhir_id]
    ]
    return outcomes + [one for one in extra if one.word == "broken"]


def store_document(draft: Draft, files: list[Fields], row: Document | None = None) -> Outcome:
    """All files of one reference, or none of them."""
    if row is not None and row.patient_id != draft.fields["patient_id"]:
        return Outcome(draft, "broken", "A document with this id belongs to another patient.")
    category = "lab_report" if draft.fhir_id.startswith("DiagnosticReport/") else "other"
    try:
        with transaction.atomic():
            words = [keep(draft, at, one, category) for at, one in enumerate(files)]
    except Refused as error:
        return Outcome(draft, "broken", str(error))
    except REFUSALS as error:
        return Outcome(draft, "broken", in_words(error))
    return Outcome(draft, next((word for word in ("new", "changed") if word in words), "unchanged"))


def keep(draft: Draft, at: int, file: Fields, category: str) -> str:
    """The same bytes stay; others are a new document, and the former one stays beside it."""
    fhir_id = f"{draft.fhir_id}#{at}" if at else draft.fhir_id
    former = Document.objects.filter(fhir_id=fhir_id).first()
    if former is not None and former.sha256 == sha256(file["content"]).hexdigest():
        return "unchanged"
    if former is not None:
        former.fhir_id = ""
        former.save(update_fields=["fhir_id"])
    ending = ENDINGS.get(file["kind"], "")
    content = ContentFile(file["content"], name=f"{file['title'].replace('/', ' ')}{f'.{ending}' if ending else ''}")
    patient = Patient.objects.get(pk=draft.fields["patient_id"])
    document: Any = Document.upload(content, patient=patient, by=None, title=file["title"], category=category)
    document.fhir_id = fhir_id
    document.save(update_fields=["fhir_id"])
    return "changed" if former else "new"
