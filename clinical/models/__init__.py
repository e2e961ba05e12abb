from clinical.models.biopsy import Biopsy
from clinical.models.biopsy_part import BiopsyPart, BiopsyPhoto, CustodyStep
from clinical.models.biopsy_review import BiopsyReview
from clinical.models.biopsy_telling import BiopsyLetter, BiopsyTelling
from clinical.models.code import Icd10Code
from clinical.models.contact import PatientContact, PatientIdentifier
from clinical.models.diagnosis import ConsultationDraft, Diagnosis
from clinical.models.document import Document
from clinical.models.duplicate import PossibleDuplicate
from clinical.models.encounter import Encounter
from clinical.models.encounter_parts import DiagnosisSnapshot, EncounterSection, Lesion, PlanItem, Unmerged
from clinical.models.history import (
    Allergy,
    Immunization,
    Organisation,
    OutsideEncounter,
    Practitioner,
    Problem,
    Procedure,
    Report,
)
from clinical.models.lab_call import CriticalCall, ResultDraft
from clinical.models.lab_correction import Correction, CorrectionNotice
from clinical.models.lab_delta import DeltaRule
from clinical.models.lab_panel import Panel, PanelTest
from clinical.models.lab_range import LabCondition, PatientCondition, RangeEdition, ReferenceRange
from clinical.models.lab_result import LabResult
from clinical.models.lab_test import LabTest
from clinical.models.laboratory import LabOrder
from clinical.models.ledger import StockMove
from clinical.models.manifest import CourierManifest, ManifestItem
from clinical.models.medication import MedicationStatement, MedicineReview
from clinical.models.merge import Merge, MergedRow
from clinical.models.message import Hl7Account, Hl7Content, Hl7Message, Hl7Sender, Hl7Word
from clinical.models.note_template import NoteSection, NoteTemplate, QuickText
from clinical.models.observation import Examination, Observation
from clinical.models.pathology import PathologyCode, PathologyCodeVersion
from clinical.models.pathology_lab import PathologyLab
from clinical.models.pathology_report import PathologyNotice, PathologyReport
from clinical.models.patient import Patient
from clinical.models.payer import AppealLevel, AuthorisationRule, Payer
from clinical.models.pharmacy import Batch, Medicine
from clinical.models.policy import Confirmation, Policy
from clinical.models.prescription import Prescription
from clinical.models.prescription_line import PrescriptionLine
from clinical.models.queue import QueuePlace
from clinical.models.rebiopsy import RebiopsyTask
from clinical.models.relation import PatientRelation, Tag
from clinical.models.restriction import ChartGrant
from clinical.models.saved_filter import SavedFilter
from clinical.models.signature import Addendum, CosignRule, Signature
from clinical.models.specimen import Specimen, SpecimenType
from clinical.models.visit import Visit

__all__ = [
    "Addendum",
    "Allergy",
    "AppealLevel",
    "AuthorisationRule",
    "Batch",
    "Biopsy",
    "BiopsyLetter",
    "BiopsyPart",
    "BiopsyPhoto",
    "BiopsyReview",
    "BiopsyTelling",
    "ChartGrant",
    "Confirmation",
    "ConsultationDraft",
    "Correction",
    "CorrectionNotice",
    "CosignRule",
    "CourierManifest",
    "CriticalCall",
    "CustodyStep",
    "DeltaRule",
    "Diagnosis",
    "DiagnosisSnapshot",
    "Document",
    "Encounter",
    "EncounterSection",
    "Examination",
    "Hl7Account",
    "Hl7Content",
    "Hl7Message",
    "Hl7Sender",
    "Hl7Word",
    "Icd10Code",
    "Immunization",
    "LabCondition",
    "LabOrder",
    "LabResult",
    "LabTest",
    "Lesion",
    "ManifestItem",
    "MedicationStatement",
    "Medicine",
    "MedicineReview",
    "Merge",
    "MergedRow",
    "NoteSection",
    "NoteTemplate",
    "Observation",
    "Organisation",
    "OutsideEncounter",
    "Panel",
    "PanelTest",
    "PathologyCode",
    "PathologyCodeVersion",
    "PathologyLab",
    "PathologyNotice",
    "PathologyReport",
    "Patient",
    "PatientCondition",
    "PatientContact",
    "PatientIdentifier",
    "PatientRelation",
    "Payer",
    "PlanItem",
    "Policy",
    "PossibleDuplicate",
    "Practitioner",
    "Prescription",
    "PrescriptionLine",
    "Problem",
    "Procedure",
    "QueuePlace",
    "QuickText",
    "RangeEdition",
    "RebiopsyTask",
    "ReferenceRange",
    "Report",
    "ResultDraft",
    "SavedFilter",
    "Signature",
    "Specimen",
    "SpecimenType",
    "StockMove",
    "Tag",
    "Unmerged",
    "Visit",
]
