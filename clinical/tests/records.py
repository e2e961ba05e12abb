"""FHIR records for the tests of the import: one patient with one resource of each type."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from clinical.fhir.importer import Import
from clinical.fhir.tally import Tally

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
PATIENT = {"reference": "Patient/p1"}


def concept(text: str, code: str = "1", system: str = SNOMED) -> dict[str, Any]:
    return {"text": text, "coding": [{"code": code, "system": system, "display": text}]}


def a_patient(**other: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "name": [
            {"use": "maiden", "family": "Bello"},
            {"use": "official", "family": "Okafor", "given": ["Amara", "Ngozi"]},
        ],
        "identifier": [
            {"system": "http://hospital.example", "value": "100-7", "type": concept("Record number", "MR", "")},
            {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-29-3778", "type": concept("SSN", "SS", "")},
        ],
        "telecom": [{"system": "phone", "value": "212 555 0142"}, {"system": "email", "value": "amara@example.org"}],
        "gender": "female",
        "birthDate": "1990-03-12",
        "address": [
            {
                "line": ["5 Elm Street", "Flat 2"],
                "city": "Weymouth",
                "state": "MA",
                "postalCode": "02190",
                "country": "US",
            }
        ],
        "contact": [
            {
                "relationship": [concept("Mother")],
                "name": {"text": "Grace Okafor"},
                "telecom": [{"system": "phone", "value": "212 555 0100"}],
            }
        ],
        **other,
    }


def an_observation(**other: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": concept("Body weight", "29463-7", LOINC),
        "subject": PATIENT,
        "effectiveDateTime": "2012-12-30T22:37:08+02:00",
        "valueQuantity": {"value": 61.25, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        **other,
    }


def a_condition(**other: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": "c1",
        "code": concept("Asthma"),
        "subject": PATIENT,
        "onsetDateTime": "1999-05",
        **other,
    }


def an_allergy(**other: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "code": concept("Peanut"),
        "patient": PATIENT,
        "category": ["food"],
        "criticality": "high",
        "reaction": [{"manifestation": [concept("Hives")], "severity": "severe"}],
        **other,
    }


def a_letter(text: bytes = b"Dear colleague", **other: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "subject": PATIENT,
        "date": "2015-03-02T10:00:00Z",
        "type": concept("Letter"),
        "content": [
            {"attachment": {"contentType": "text/plain; charset=utf-8", "data": base64.b64encode(text).decode()}}
        ],
        **other,
    }


def a_life() -> list[dict[str, Any]]:
    """One of each type that is stored."""
    return [
        {
            "resourceType": "Organization",
            "id": "org1",
            "name": "Weymouth Clinic",
            "identifier": [{"system": "urn:o", "value": "9"}],
        },
        {
            "resourceType": "Practitioner",
            "id": "dr1",
            "name": [{"family": "Pagac", "given": ["Ned"], "prefix": ["Dr."]}],
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "560"}],
        },
        a_patient(),
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "EMER"},
            "type": [concept("Emergency room admission")],
            "subject": PATIENT,
            "participant": [
                {"individual": {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|560"}}
            ],
            "period": {"start": "1982-06-05T22:37:08+00:00", "end": "1982-06-05T23:37:08+00:00"},
            "reasonCode": [concept("Appendicitis")],
            "serviceProvider": {"reference": "https://records.example/fhir/Organization/org1/_history/3"},
        },
        a_condition(encounter={"reference": "Encounter/e1"}),
        an_allergy(),
        {
            "resourceType": "MedicationRequest",
            "id": "m1",
            "status": "active",
            "intent": "order",
            "contained": [{"resourceType": "Medication", "id": "med", "code": concept("Salbutamol 100 µg inhaler")}],
            "medicationReference": {"reference": "#med"},
            "subject": PATIENT,
            "requester": {"reference": "Practitioner/dr1"},
            "authoredOn": "2001",
            "reasonReference": [{"reference": "Condition/c1"}],
            "dosageInstruction": [
                {
                    "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                    "doseAndRate": [{"doseQuantity": {"value": 1.0, "unit": "puff"}}],
                    "asNeededBoolean": True,
                }
            ],
        },
        {
            "resourceType": "MedicationStatement",
            "id": "m1",
            "status": "active",
            "medicationCodeableConcept": concept("St John's wort"),
            "subject": PATIENT,
            "effectivePeriod": {"start": "2010-01-01"},
        },
        {
            "resourceType": "Immunization",
            "id": "i1",
            "status": "completed",
            "vaccineCode": concept("Influenza, seasonal", "140", "http://hl7.org/fhir/sid/cvx"),
            "patient": PATIENT,
            "occurrenceDateTime": "2012-12-30",
            "lotNumber": "LOT7",
        },
        {
            "resourceType": "Procedure",
            "id": "pr1",
            "status": "completed",
            "code": concept("Appendectomy"),
            "subject": PATIENT,
            "performedPeriod": {"start": "1982-06-05T22:37:08+00:00", "end": "1982-06-06"},
            "reasonReference": [{"display": "Rupture of appendix"}],
        },
        an_observation(),
        an_observation(
            id="o2",
            code=concept("Blood pressure", "85354-9", LOINC),
            valueQuantity=None,
            component=[
                {"code": concept("Systolic", "8480-6", LOINC), "valueQuantity": {"value": 131, "unit": "mm[Hg]"}},
                {"code": concept("Diastolic", "8462-4", LOINC), "valueQuantity": {"value": 84, "unit": "mm[Hg]"}},
            ],
        ),
        {
            "resourceType": "DiagnosticReport",
            "id": "r1",
            "status": "final",
            "code": concept("Basic metabolic panel", "51990-0", LOINC),
            "subject": PATIENT,
            "effectiveDateTime": "2012-12-30",
            "result": [{"reference": "Observation/o1"}],
            "presentedForm": [{"contentType": "text/plain", "data": base64.b64encode(b"All well").decode()}],
        },
        a_letter(),
    ]


def bundle(*resources: Any, kind: str = "collection") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def written(folder: Path, content: Any, name: str = "record.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def take(hospital: Any, *paths: Path, **options: Any) -> Tally:
    return Import(hospital.tenant, **options).take(paths)


def outcome(tally: Tally) -> tuple[int, int, int, int]:
    """new, changed, unchanged, broken"""
    return tuple(tally.total(word) for word in ("new", "changed", "unchanged", "broken"))
