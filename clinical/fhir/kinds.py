"""The table of all FHIR types that we keep: which model, how it is read, how it is stored.

In the order in which they are stored: what others point to comes first. To take another type: a reader, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clinical.fhir import readers
from clinical.fhir.documents import read_document, store_documents, store_reports
from clinical.fhir.links import Links
from clinical.fhir.observations import read_observation
from clinical.fhir.patients import read_patient
from clinical.fhir.persons import store_patients
from clinical.fhir.store import Draft, Fields, Outcome, Rows, store_observations, store_rows, store_warnings
from clinical.fhir.values import Node
from clinical.models import (
    Allergy,
    Document,
    Immunization,
    MedicationStatement,
    Observation,
    Organisation,
    OutsideEncounter,
    Patient,
    Practitioner,
    Problem,
    Procedure,
    Report,
)
from hospital.tenancy import TenantModel


@dataclass(frozen=True)
class Kind:
    model: type[TenantModel]
    read: Callable[[Node, Links], Fields]
    store: Callable[[type[TenantModel], list[Draft], Rows], list[Outcome]] = store_rows
    prefix: str = ""  # where two types share a table, one of them keeps its ids apart

    @property
    def is_edited_here(self) -> bool:
        return any(field.name == "fhir_digest" for field in self.model._meta.local_fields)

    def existing(self, ids: list[str]) -> Rows:
        rows: Any = self.model.objects
        return {row.fhir_id: row for row in rows.filter(fhir_id__in=[self.prefix + one for one in ids])}


KINDS: dict[str, Kind] = {
    "Organization": Kind(Organisation, readers.read_organization),
    "Practitioner": Kind(Practitioner, readers.read_practitioner),
    "Patient": Kind(Patient, read_patient, store_patients),
    "Encounter": Kind(OutsideEncounter, readers.read_encounter),
    "Condition": Kind(Problem, readers.read_condition),
    "AllergyIntolerance": Kind(Allergy, readers.read_allergy, store_warnings),
    "MedicationRequest": Kind(MedicationStatement, readers.read_medication_request),
    "MedicationStatement": Kind(MedicationStatement, readers.read_medication_statement, prefix="MedicationStatement/"),
    "Immunization": Kind(Immunization, readers.read_immunization),
    "Procedure": Kind(Procedure, readers.read_procedure),
    "Observation": Kind(Observation, read_observation, store_observations),
    "DiagnosticReport": Kind(Report, readers.read_report, store_reports),
    "DocumentReference": Kind(Document, read_document, store_documents),
}
