from clinical.models.document import Document
from clinical.models.history import (
    Allergy,
    Encounter,
    Immunization,
    MedicationStatement,
    Organisation,
    PatientContact,
    PatientIdentifier,
    Practitioner,
    Problem,
    Procedure,
    Report,
)
from clinical.models.laboratory import LabOrder, LabResult, LabTest, ReferenceRange

__all__ = [
    "Allergy",
    "Document",
    "Encounter",
    "Immunization",
    "LabOrder",
    "LabResult",
    "LabTest",
    "MedicationStatement",
    "Organisation",
    "PatientContact",
    "PatientIdentifier",
    "Practitioner",
    "Problem",
    "Procedure",
    "ReferenceRange",
    "Report",
]
