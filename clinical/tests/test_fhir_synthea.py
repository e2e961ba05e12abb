"""The public records of Synthea, if they lie beside the project: every row is found again by its FHIR id.

`fhir.resources`, which nobody here wrote, reads the same files and is asked what they say.
"""

from __future__ import annotations

import gzip
import json

from fhir.resources.R4B import get_fhir_model_class

from clinical.models import (
    Allergy,
    Immunization,
    MedicationStatement,
    Observation,
    OutsideEncounter,
    Patient,
    Problem,
    Procedure,
)
from clinical.tests.records import outcome, take
from hospital.models import AuditEntry
from hospital.tests.public_data import needs, public_files

RECORDS = public_files("synthea", "*.json.gz")
MODELS = {
    "Patient": Patient,
    "Condition": Problem,
    "AllergyIntolerance": Allergy,
    "MedicationRequest": MedicationStatement,
    "Observation": Observation,
    "Immunization": Immunization,
    "Encounter": OutsideEncounter,
    "Procedure": Procedure,
}

pytestmark = needs(RECORDS)


def resources():
    for path in RECORDS:
        for entry in json.loads(gzip.decompress(path.read_bytes()))["entry"]:
            yield entry["resource"]


def test_every_row_is_found_again_and_the_second_run_changes_nothing(alpha, beta):
    tally = take(alpha, *RECORDS)
    assert (tally.broken, tally.notes) == ([], [])
    wanted = {kind: {} for kind in MODELS}
    for resource in resources():
        if resource["resourceType"] in MODELS:
            wanted[resource["resourceType"]][resource["id"]] = resource
    assert sum(map(len, wanted.values())) > 2000
    with alpha.acting():
        for kind, model in MODELS.items():
            rows = {row.fhir_id: row for row in model.objects.filter(fhir_id__in=wanted[kind])}
            assert rows.keys() == wanted[kind].keys()
            for fhir_id, resource in wanted[kind].items():
                assert_says_the_same(rows[fhir_id], get_fhir_model_class(kind).model_validate(resource))
        lines = AuditEntry.objects.count()
    with beta.acting():
        assert not Patient.objects.exists()
    again = take(alpha, *RECORDS)
    assert outcome(again) == (0, 0, tally.total("new", "unchanged"), 0)
    with alpha.acting():
        assert AuditEntry.objects.count() == lines


def assert_says_the_same(row, told):
    kind = told.get_resource_type()
    if kind == "Patient":
        assert (row.family_name, row.birth_date, row.sex) == (told.name[0].family, told.birthDate, told.gender)
        assert {one.value for one in told.identifier} == {one.value for one in row.identifiers.all()}
        assert row.deceased_at == told.deceasedDateTime
        return
    subject = getattr(told, "subject", None) or told.patient
    assert row.patient.fhir_id == subject.reference.removeprefix("urn:uuid:")
    named = {"AllergyIntolerance": "substance"}.get(kind, "text")
    coded = getattr(
        told,
        {"MedicationRequest": "medicationCodeableConcept", "Immunization": "vaccineCode", "Encounter": "type"}.get(
            kind, "code"
        ),
    )
    coded = coded[0] if isinstance(coded, list) else coded
    assert getattr(row, named) == coded.text
    assert row.code == coded.coding[0].code or kind == "Encounter"
    at, said = {
        "Condition": ("onset_at", "onsetDateTime"),
        "AllergyIntolerance": ("recorded_at", "recordedDate"),
        "MedicationRequest": ("authored_at", "authoredOn"),
        "Observation": ("effective_at", "effectiveDateTime"),
        "Immunization": ("occurred_at", "occurrenceDateTime"),
    }.get(kind, ("", ""))
    if at:
        assert getattr(row, at) == getattr(told, said)
    if kind == "Observation" and told.valueQuantity:
        assert (row.value_number, row.unit) == (round(told.valueQuantity.value, 4), told.valueQuantity.unit)
    if kind == "Observation" and told.component:
        assert row.parts.count() == len(told.component)
    if kind in ("Encounter", "Procedure"):
        period = told.period if kind == "Encounter" else told.performedPeriod
        assert (getattr(row, "started_at", None) or row.performed_at, row.ended_at) == (period.start, period.end)
