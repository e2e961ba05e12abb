"""The parts of a chart, by one declaration each: where its rows come from, what is said of them, what may be written.

A list, its filters, its print, its past and the history of each row follow from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from clinical import described
from clinical.as_of import mine, rows_at
from clinical.described import CURRENT, PAST, Describe, Item
from clinical.forms.chart import AllergyForm, ImmunizationForm, MedicationForm, PartForm, ProblemForm, ProcedureForm
from clinical.models import (
    Allergy,
    Biopsy,
    Diagnosis,
    Document,
    Encounter,
    Immunization,
    LabOrder,
    MedicationStatement,
    MedicineReview,
    Observation,
    OutsideEncounter,
    Patient,
    Prescription,
    PrescriptionLine,
    Problem,
    Procedure,
    Visit,
)
from clinical.together import attach, together
from hospital.context import Acting

PRESCRIPTIONS, DOCUMENTS = "clinical.view_prescription", "clinical.view_document"


@dataclass(frozen=True)
class Source:
    """Rows of one table. `names` are the rows that a description needs of others; `keep` leaves out what is nobody's business yet."""

    model: type[models.Model]
    describe: Describe
    names: tuple[str, ...] = ()
    path: str = "patient"
    permission: str = ""
    keep: Callable[[Any], bool] = bool


@dataclass(frozen=True)
class Part:
    key: str
    name: str
    icon: str
    sources: tuple[Source, ...]
    empty: str
    states: tuple[str, ...] = (CURRENT, PAST)
    is_written: ClassVar[bool] = False

    @property
    def url(self) -> str:
        return f"clinical:chart_{self.key}"


@dataclass(frozen=True, kw_only=True)
class Written(Part):
    """One that colleagues write: the first of its sources."""

    one: str  # what is recorded
    form: type[PartForm]
    end: str = ""  # the word for it, if it can end
    end_needs_reason: bool = False
    is_written: ClassVar[bool] = True

    @property
    def model(self) -> Any:
        return self.sources[0].model

    @property
    def urls(self) -> dict[str, str]:
        return {verb: f"{self.url}_{verb}" for verb in ("new", "edit", "end", "mistake", "history")}


def is_signed(row: PrescriptionLine) -> bool:
    return row.prescription.status not in ("draft", "cancelled")


def is_filed(row: Document) -> bool:
    return row.status == Document.Status.FILED


RECORDED = ("recorded_by",)


def lines(describe: Describe) -> Source:
    """Those of signed prescriptions."""
    names, path = ("medicine",), "prescription__patient"
    return Source(PrescriptionLine, describe, names, path=path, permission=PRESCRIPTIONS, keep=is_signed)


PROBLEMS = Written(
    "problems",
    "Problems",
    "clipboard-heart",
    (Source(Problem, described.problem, RECORDED),),
    "Conditions that the patient has or had stand here, each with its code and since when.",
    one="problem",
    form=ProblemForm,
    end="Resolve",
)
DIAGNOSES = Part(
    "diagnoses",
    "Diagnoses",
    "stethoscope",
    (Source(Diagnosis, described.diagnosis, RECORDED),),
    "What doctors here diagnosed, visit by visit, stands here.",
    states=(CURRENT,),
)
ALLERGIES = Written(
    "allergies",
    "Allergies",
    "alert-triangle",
    (Source(Allergy, described.allergy, RECORDED),),
    "Nobody has asked yet. Record an allergy, or that none is known.",
    one="allergy",
    form=AllergyForm,
    end="End",
    end_needs_reason=True,
)
MEDICATION = Written(
    "medication",
    "Medication",
    "pills",
    (
        Source(MedicationStatement, described.statement, ("recorded_by", "practitioner")),
        lines(described.line),
    ),
    "What the patient takes stands here: prescribed here, elsewhere, or told by the patient.",
    one="medicine",
    form=MedicationForm,
    end="Stop",
    end_needs_reason=True,
)
IMMUNISATIONS = Written(
    "immunisations",
    "Immunisations",
    "vaccine",
    (Source(Immunization, described.immunization, RECORDED),),
    "Vaccines that were given, or refused, stand here.",
    one="immunisation",
    form=ImmunizationForm,
    states=(CURRENT,),
)
PROCEDURES = Written(
    "procedures",
    "Procedures",
    "bandage",
    (Source(Procedure, described.procedure, RECORDED),),
    "What was done to the patient, here or elsewhere, stands here.",
    one="procedure",
    form=ProcedureForm,
    states=(CURRENT,),
)
ENCOUNTERS = Part(
    "encounters",
    "Encounters",
    "building-hospital",
    (
        Source(Visit, described.visit, ("doctor", "checker")),
        Source(Encounter, described.encounter, ("template", "provider")),
        Source(OutsideEncounter, described.outside_encounter, ("practitioner", "organisation")),
    ),
    "Visits here with their notes, and meetings elsewhere, stand here.",
)
ORDERS = Part(
    "orders",
    "Orders",
    "clipboard-list",
    (
        Source(LabOrder, described.lab_order, ("test", "result", "ordered_by"), permission="clinical.view_results"),
        lines(described.ordered_line),
    ),
    "Tests and prescriptions stand here, from the order to the result.",
)
BIOPSIES = Part(
    "biopsies",
    "Biopsies",
    "microscope",
    (Source(Biopsy, described.biopsy, ("ordered_by",), permission="clinical.view_biopsy"),),
    "Biopsies stand here, from the order to the patient who was told.",
)
DOCUMENTS_PART = Part(
    "documents",
    "Documents",
    "file-text",
    (Source(Document, described.document, ("uploaded_by",), permission=DOCUMENTS, keep=is_filed),),
    "Letters, reports and pictures stand here once they are filed.",
    states=(CURRENT,),
)
# Measurements have a page of their own (results): here is only what may happen to one.
MEASUREMENTS = Written(
    "results",
    "Results",
    "chart-line",
    (Source(Observation, described.measurement, RECORDED),),
    "",
    one="measurement",
    form=PartForm,
)
PARTS: tuple[Part, ...] = (
    PROBLEMS,
    DIAGNOSES,
    ALLERGIES,
    MEDICATION,
    IMMUNISATIONS,
    PROCEDURES,
    ENCOUNTERS,
    ORDERS,
    BIOPSIES,
    DOCUMENTS_PART,
)
WRITTEN = (PROBLEMS, ALLERGIES, MEDICATION, IMMUNISATIONS, PROCEDURES)


def items_of(
    patient: Patient, parts: tuple[Part, ...], acting: Acting, at: datetime | None = None
) -> dict[str, list[Item]]:
    """The lines of these parts, now or then: by key, in order."""
    sources = [source for part in parts for source in part.sources if allowed(source, acting)]
    rows = rows_of(patient, sources, at) if sources else {}
    reviews = {review.statement_id or review.line_id: review for review in by_time(rows.get(MedicineReview, []))}
    found = {}
    for part in parts:
        shown = [source for source in part.sources if source in sources]
        lines = [described_by(source, row) for source in shown for row in rows[source.model] if source.keep(row)]
        found[part.key] = sorted((reviewed(line, reviews) for line in lines), key=lambda line: line.order)
    return found


def allowed(source: Source, acting: Acting) -> bool:
    return not source.permission or acting.may(source.permission)


def by_time(reviews: list[MedicineReview]) -> list[MedicineReview]:
    return sorted(reviews, key=lambda review: (review.at, review.pk))


def rows_of(patient: Patient, sources: list[Source], at: datetime | None) -> dict[type[models.Model], list[Any]]:
    """By table, in as many queries for one table as for all of them."""
    ways = {source.model: source.path for source in sources}
    if PrescriptionLine in ways or MedicationStatement in ways:
        ways |= {Prescription: "patient", MedicineReview: "patient"}
    found = rows_at(patient, at, ways) if at else rows_now(patient, ways)
    if PrescriptionLine in found:
        found[PrescriptionLine] = with_prescriptions(found[PrescriptionLine], found[Prescription], at)
    names = {source.model: source.names for source in sources}
    names |= {Prescription: ("prescribed_by",), MedicineReview: ("by",)}
    attach([(rows, names[model]) for model, rows in found.items()])
    return found


def with_prescriptions(lines: list[Any], prescriptions: list[Any], at: datetime | None) -> list[Any]:
    """Without those of a prescription that was another patient's then, before two were merged."""
    known = {row.pk: row for row in prescriptions}
    his = [line for line in lines if line.prescription_id in known]
    for line in his:
        line.prescription, line.seen_at = known[line.prescription_id], at or timezone.now()
    return his


def rows_now(patient: Patient, ways: dict[type[models.Model], str]) -> dict[type[models.Model], list[Any]]:
    told = together(**{model._meta.db_table: mine(model, path, patient) for model, path in ways.items()})
    return {model: told[model._meta.db_table] for model in ways}


def described_by(source: Source, row: Any) -> Item:
    item = source.describe(row)
    item.source = source
    return item


def reviewed(item: Item, reviews: dict[Any, MedicineReview]) -> Item:
    item.review = reviews.get(item.row.pk)
    if item.review and item.state == CURRENT and item.review.decision == MedicineReview.Decision.STOP:
        item.state = PAST
    return item
