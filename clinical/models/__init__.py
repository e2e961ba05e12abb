from clinical.models.code import Icd10Code
from clinical.models.diagnosis import ConsultationDraft, Diagnosis
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
from clinical.models.lab_test import LabTest, ReferenceRange
from clinical.models.laboratory import LabOrder, LabResult
from clinical.models.ledger import StockMove
from clinical.models.observation import Examination, Observation
from clinical.models.patient import Patient
from clinical.models.pharmacy import Batch, Medicine
from clinical.models.policy import Confirmation, Policy
from clinical.models.prescription import Prescription
from clinical.models.prescription_line import PrescriptionLine
from clinical.models.queue import QueuePlace
from clinical.models.visit import Visit

__all__ = [
    "Allergy",
    "Batch",
    "Confirmation",
    "ConsultationDraft",
    "Diagnosis",
    "Document",
    "Encounter",
    "Examination",
    "Icd10Code",
    "Immunization",
    "LabOrder",
    "LabResult",
    "LabTest",
    "MedicationStatement",
    "Medicine",
    "Observation",
    "Organisation",
    "Patient",
    "PatientContact",
    "PatientIdentifier",
    "Policy",
    "Practitioner",
    "Prescription",
    "PrescriptionLine",
    "Problem",
    "Procedure",
    "QueuePlace",
    "ReferenceRange",
    "Report",
    "StockMove",
    "Visit",
]
