"""AU-1: whoever is shown something of a patient is written down. Found by the patients' own marks, not by a list of views."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from billing.models import (
    Appeal,
    Authorisation,
    AuthorisationLetter,
    AuthorisationUse,
    Charge,
    Claim,
    ClaimBatch,
    CreditNote,
    Denial,
    EligibilityCheck,
    Invoice,
    PayerFile,
    PayerRefund,
    Payment,
    Refund,
    Reminder,
    Remittance,
    RemittanceClaim,
)
from clinical.models import (
    Allergy,
    Biopsy,
    BiopsyLetter,
    BiopsyPart,
    BiopsyTelling,
    ChartGrant,
    CourierManifest,
    Document,
    Encounter,
    Hl7Message,
    Immunization,
    LabOrder,
    Lesion,
    ManifestItem,
    MedicationStatement,
    Merge,
    Observation,
    PathologyCode,
    PathologyLab,
    PathologyNotice,
    Patient,
    PatientContact,
    PatientRelation,
    PlanItem,
    Policy,
    Prescription,
    PrescriptionLine,
    Problem,
    Procedure,
    QuickText,
    RebiopsyTask,
    Specimen,
    Visit,
)
from hospital.access import Entry, entries, is_admin
from hospital.models import AuditEntry
from hospital.tests.hospital import Hospital
from hospital.tests.test_access import address
from hospital.tests.world import World
from realtime.alerts.models import Alert
from scheduling.models import Appointment, Series

pytestmark = pytest.mark.usefixtures("plain_templates")

# What the first words of an address name.
NAMED = {
    "alerts/": Alert,
    "appeals/": Appeal,
    "appointments/": Appointment,
    "authorisations/letters/": AuthorisationLetter,
    "authorisations/uses/": AuthorisationUse,
    "authorisations/": Authorisation,
    "biopsies/again/": RebiopsyTask,
    "biopsies/corrected/": PathologyNotice,
    "biopsies/manifests/items/": ManifestItem,
    "biopsies/manifests/": CourierManifest,
    "biopsies/parts/": BiopsyPart,
    "biopsies/tellings/": BiopsyTelling,
    "biopsies/codes/": PathologyCode,
    "biopsies/laboratories/": PathologyLab,
    "biopsies/letters/": BiopsyLetter,
    "biopsies/": Biopsy,
    "charges/": Charge,
    "chart/allergy/": Allergy,
    "chart/immunisation/": Immunization,
    "chart/measurement/": Observation,
    "chart/medicine/": MedicationStatement,
    "chart/problem/": Problem,
    "chart/procedure/": Procedure,
    "chart-grants/": ChartGrant,
    "claim-batches/": ClaimBatch,
    "claims/": Claim,
    "denials/": Denial,
    "documents/": Document,
    "eligibility/": EligibilityCheck,
    "laboratory/tests/": LabOrder,
    "laboratory/visits/": Visit,
    "messages/": Hl7Message,
    "notes/lesions/": Lesion,
    "notes/plan/": PlanItem,
    "notes/quick-texts/": QuickText,
    "notes/": Encounter,
    "contacts/": PatientContact,
    "credit-notes/": CreditNote,
    "invoices/": Invoice,
    "reminders/": Reminder,
    "payer-files/": PayerFile,
    "payer-refunds/": PayerRefund,
    "patients/merges/": Merge,
    "patients/": Patient,
    "relations/": PatientRelation,
    "policies/": Policy,
    "prescriptions/lines/": PrescriptionLine,
    "prescriptions/": Prescription,
    "receipts/": Payment,
    "refunds/": Refund,
    "remittances/claims/": RemittanceClaim,
    "remittances/": Remittance,
    "series/": Series,
    "specimens/": Specimen,
    "visits/": Visit,
}
READS = [entry for entry in entries() if "GET" in entry.methods and not is_admin(entry)]
NO_PATIENTS = (
    "drawers/",
    "claim-codes/",
    "payers/",
    "stock/",
    "lab-catalogue/",
    "notes/quick-texts/",
)  # what these name has no patient
ABOUT_ONE = [entry for entry in READS if "<uuid" in entry.route and entry.route.startswith(tuple(NAMED))]
# A list names many patients in a line each. What is told of one is told after it was opened, and then it is noted.
LISTS = {
    "alerts:alerts", "alerts:notices", "alerts:report", "alerts:waiting", "billing:authorisations", "billing:claims_csv", "billing:dashboard", "billing:eligibility_checks", "billing:payments",
    "billing:ageing", "billing:ageing_csv", "billing:invoices", "billing:refunds", "billing:reminders",
    "clinical:consultation_queue", "clinical:dispensing", "clinical:examination_queue", "clinical:find_patient",
    "clinical:front_desk", "clinical:lab_worklist", "clinical:patient_duplicates", "clinical:patients", "clinical:search",
    "clinical:collection_round", "clinical:receiving", "clinical:specimens",
    "clinical:specimens_export", "clinical:lab_worklist_export",
    "clinical:duplicates", "clinical:merges", "clinical:patients_export",
    "clinical:to_cosign", "clinical:unsigned_notes", "clinical:unsigned_export",
    "clinical:biopsies", "clinical:biopsies_csv", "clinical:biopsies_corrected", "clinical:biopsies_day",
    "clinical:biopsy_receiving", "clinical:manifests", "loops",
    "scheduling:calendar", "scheduling:day_sheets", "scheduling:find_patient", "scheduling:rooms", "scheduling:waitlist",
    "scheduling:wish_new",
}  # fmt: skip
QUERY = {"q": "Amox", "code": "AMOX"}  # what a look-up needs to find something
ANSWERS = {"page": {}, "part": {"HX-Request": "true"}, "dialog": {"HX-Request": "true", "HX-Target": "dialog"}}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> World:
    with django_db_blocker.unblock():
        return World(Hospital("Read"))


@pytest.fixture(scope="module")
def names(world, django_db_blocker) -> dict[str, Patient]:
    """Each patient by a name that nobody else has."""
    with django_db_blocker.unblock(), world.hospital.acting():
        return {patient.name: patient for patient in Patient.objects.all()}


def rows(world: World, entry: Entry) -> list[str]:
    kind = next(model for prefix, model in NAMED.items() if entry.route.startswith(prefix))
    with world.hospital.acting():
        return [str(pk) for pk in kind.objects.order_by("-pk").values_list("pk", flat=True)[:5]]


def at(entry: Entry, pk: str) -> str:
    return "/" + re.sub(r"<uuid:\w+>", pk, entry.route)


def last_line(world: World):
    with world.hospital.acting():
        return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first()


def unnoted(world: World, client: Client, url: str, headers: dict, names: dict) -> Iterator[str]:
    """The patients who are named in the answer, and whom no new line of the audit log names."""
    before = last_line(world)
    answer = client.get(url, QUERY | {"code": world.medicine.code}, headers=headers)
    told = b"".join(answer.streaming_content) if answer.streaming else answer.content
    content = told.decode(errors="replace") if answer.status_code == 200 else ""
    with world.hospital.acting():
        lines = AuditEntry.objects.filter(pk__gt=before, person_id=world.hospital.admin.pk)
        noted = set(lines.values_list("patient_id", flat=True))
    for name, patient in names.items():
        if (name in content or str(patient.pk) in content) and patient.pk not in noted:
            yield name


@pytest.mark.parametrize("entry", ABOUT_ONE, ids=lambda entry: entry.name)
def test_what_is_shown_of_a_patient_is_noted(world, names, entry):
    client = world.hospital.client("admin")
    found = {
        (kind, name)
        for pk in rows(world, entry)
        for kind, headers in ANSWERS.items()
        for name in unnoted(world, client, world.hospital.url + at(entry, pk), headers, names)
    }
    assert found == set()


def test_every_address_of_one_thing_is_tried_or_known_to_name_no_patient():
    """A new kind of thing belongs to one of both, or nobody would see that its pages note nothing."""
    known = (*NAMED, *NO_PATIENTS)
    assert [entry.route for entry in READS if "<uuid" in entry.route and not entry.route.startswith(known)] == []


def test_no_other_page_shows_a_patient(world, names):
    """A new page that does belongs among the lists, or notes what it shows."""
    client = world.hospital.client("admin")
    others = [entry for entry in READS if "<uuid" not in entry.route and entry.name not in LISTS]
    showing = {
        entry.name
        for entry in others
        for _ in unnoted(world, client, world.hospital.url + address(entry.route), {}, names)
    }
    assert showing == set()
