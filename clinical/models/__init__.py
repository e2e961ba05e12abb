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

__all__ = [
    "Allergy",
    "Encounter",
    "Immunization",
    "MedicationStatement",
    "Organisation",
    "PatientContact",
    "PatientIdentifier",
    "Practitioner",
    "Problem",
    "Procedure",
    "Report",
]
