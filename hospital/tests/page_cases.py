"""The pages of the house: which address, of which row, as which role. What an address needs to be tried stands here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from django.db.models import QuerySet

from billing.models import (
    Appeal,
    AuthorisationUse,
    BillingIdentity,
    Charge,
    ClaimBatch,
    CreditNote,
    Denial,
    Drawer,
    EligibilityCheck,
    PayerFile,
    PayerRefund,
    Payment,
    ProcedureCode,
    ProviderNumber,
    Refund,
    Reminder,
    Remittance,
    RemittanceClaim,
)
from billing.views.analytics import TABS
from clinical.models import (
    Allergy,
    AppealLevel,
    AuthorisationRule,
    Batch,
    BiopsyLetter,
    BiopsyPart,
    BiopsyTelling,
    ChartGrant,
    CourierManifest,
    Document,
    Hl7Message,
    Immunization,
    LabCondition,
    LabTest,
    MedicationStatement,
    Merge,
    Observation,
    Panel,
    PathologyCode,
    PathologyLab,
    PatientContact,
    PatientRelation,
    Payer,
    Policy,
    PossibleDuplicate,
    Problem,
    Procedure,
    QuickText,
    RebiopsyTask,
    Specimen,
    SpecimenType,
    Tag,
)
from hospital.access import Entry, entries, is_admin
from hospital.permits import MEMBER
from hospital.roles import ROLE_KEYS
from hospital.tenancy import TenantModel
from hospital.tests.windows import House
from realtime.alerts.models import Alert
from scheduling.picking import key_of
from scheduling.tests.desks import morning

NO_PAGES = {
    "alerts:report_csv": "a file to download",
    "alerts:waiting": "the fragments of the frame: banners and counts",
    "billing:ageing_csv": "a file to download",
    "billing:analytics_csv": "a file to download",
    "billing:denials_csv": "a file to download",
    "billing:payer_file_bytes": "a file to download",
    "billing:claim_batch_file": "a file to download",
    "billing:claims_csv": "a file to download",
    "billing:claims_desk_csv": "a file to download",
    "billing:authorisation_letter": "a file, and the folder of these tests is not that of the server",
    "billing:eligibility_file": "a file to download",
    "billing:invoice_pdf": "a file to download",
    "billing:statement_pdf": "a file to download",
    "clinical:biopsies_csv": "a file to download",
    "clinical:biopsy_report_csv": "a file to download",
    "clinical:part_bars": "the bars of a label, as an image",
    "clinical:part_matrix": "the square of a label, as an image",
    "clinical:chart_codes": "a fragment for the look-up of codes",
    "clinical:document": "its frame shows a file, and the folder of these tests is not that of the server",
    "clinical:document_file": "a file to download",
    "clinical:document_preview": "a file, shown in the page of the document",
    "clinical:encounter_pdf": "a file to download",
    "clinical:encounter_state": "what an open note asks: the words that stand there now",
    "clinical:lab_report_pdf": "a file to download",
    "clinical:specimen_barcode": "the bars of a label, as an image",
    "clinical:wristband_bars": "the bars of a wristband, as an image",
    "clinical:wristband_matrix": "the square of a wristband, as an image",
    "clinical:wristband_pdf": "a file to download",
    "clinical:patient_lab_report_pdf": "a file to download",
    "clinical:turnaround_csv": "a file to download",
    "clinical:find_patient": "a fragment for the search line of the front desk",
    "clinical:here": "a word for an open page: it may still say that it is here",
    "clinical:patient_duplicates": "a fragment: the warning while somebody types",
    "clinical:patients_export": "a file to download",
    "clinical:chart_export": "a file to download",
    "clinical:documents_export": "a file to download",
    "clinical:unsigned_export": "a file to download",
    "clinical:specimens_export": "a file to download",
    "clinical:lab_worklist_export": "a file to download",
    "clinical:photo": "a picture",
    "clinical:icd10": "a fragment for the look-up of codes",
    "clinical:diagnosis_row": "a fragment: one more row of a form",
    "clinical:line_row": "a fragment: one more row of a form",
    "home": "leads on to the first place of the role",
    "realtime:socket": "a WebSocket",
    "waiting": "a fragment: the numbers in the sidebar",
    "scheduling:appointment_file": "a file for the patient's own calendar",
    "scheduling:reports_csv": "a file to download",
    "scheduling:import_result": "a file to download",
    "scheduling:import_template": "a file to download",
    "scheduling:find_patient": "a fragment for the search line of a booking",
}

STATIONS = {
    "billing:take_payment": "registered",
    "billing:waive_account": "registered",
    "billing:discount_account": "registered",
    "billing:apply_package": "registered",
    "clinical:visit_override": "registered",
    "clinical:visit_cancel": "registered",
    "clinical:visit_leave": "registered",
    "clinical:visit_reopen": "cancelled",
    "clinical:examine": "paid",
    "clinical:token": "paid",
    "clinical:consult": "lab_done",
    "clinical:encounter_new": "done",
    "clinical:lab_visit": "lab_pending",
}
ROWS: dict[str, Callable[[House], str]] = {
    "alerts": lambda house: house.first(Alert.objects.all),
    "authorisations": lambda house: authorisation_at(house, "approved"),
    "authorisations/uses": lambda house: house.first(lambda: AuthorisationUse.objects.all()),
    "biopsies": lambda house: str(house.world.biopsies["resulted"].pk),
    "biopsies/again": lambda house: house.first(lambda: RebiopsyTask.objects.all()),
    "biopsies/codes": lambda house: house.first(lambda: PathologyCode.objects.all()),
    "biopsies/laboratories": lambda house: house.first(lambda: PathologyLab.objects.all()),
    "biopsies/letters": lambda house: house.first(lambda: BiopsyLetter.objects.all()),
    "biopsies/manifests": lambda house: house.first(lambda: CourierManifest.objects.all()),
    "biopsies/parts": lambda house: house.first(lambda: BiopsyPart.objects.filter(biopsy__status="processing")),
    "biopsies/tellings": lambda house: house.first(lambda: BiopsyTelling.objects.letters()),
    "lab-catalogue/conditions": lambda house: house.first(lambda: LabCondition.objects.all()),
    "lab-catalogue/panels": lambda house: house.first(lambda: Panel.objects.all()),
    "lab-catalogue/tests": lambda house: house.first(lambda: LabTest.objects.filter(code="HB")),
    "lab-catalogue/types": lambda house: house.first(lambda: SpecimenType.objects.all()),
    "specimens": lambda house: house.first(lambda: Specimen.objects.filter(status="received")),
    "laboratory/tests": lambda house: house.first(house.world.visits["lab_done"].lab_orders.all),
    "prescriptions": lambda house: house.first(house.world.visits["prescribed"].prescriptions.all),
    "stock": lambda house: str(house.world.medicine.pk),
    "stock/batches": lambda house: house.first(lambda: Batch.objects.all()),
    "charges": lambda house: house.first(lambda: Charge.objects.filter(visit=house.world.visits["registered"])),
    "receipts": lambda house: house.first(lambda: Payment.objects.all()),
    "credit-notes": lambda house: house.first(lambda: CreditNote.objects.all()),
    "drawers": lambda house: house.first(lambda: Drawer.objects.all()),
    "invoices": lambda house: str(house.world.invoices["issued"].pk),
    "reminders": lambda house: house.first(lambda: Reminder.objects.all()),
    "refunds": lambda house: house.first(lambda: Refund.objects.all()),
    "patients": lambda house: str(house.world.visits["done"].patient_id),
    "appointments": lambda house: str(house.world.desk.appointments["booked"].pk),
    "appointments/import": lambda house: str(house.world.desk.list.pk),
    "appointments/setup/providers": lambda house: str(house.world.desk.doctor.pk),
    "series": lambda house: str(house.world.desk.series.pk),
    "chart/allergy": lambda house: house.first(lambda: of_patient(house, Allergy)),
    "chart/immunisation": lambda house: house.first(lambda: of_patient(house, Immunization)),
    "chart/measurement": lambda house: house.first(lambda: of_patient(house, Observation)),
    "chart/medicine": lambda house: house.first(lambda: of_patient(house, MedicationStatement)),
    "chart/problem": lambda house: house.first(lambda: of_patient(house, Problem)),
    "chart/procedure": lambda house: house.first(lambda: of_patient(house, Procedure)),
    "chart-grants": lambda house: granted(house),
    "claim-batches": lambda house: house.first(lambda: ClaimBatch.objects.all()),
    "claim-codes/doctors": lambda house: house.first(lambda: ProviderNumber.objects.all()),
    "claim-codes/organisation": lambda house: house.first(lambda: BillingIdentity.objects.all()),
    "claim-codes/procedures": lambda house: house.first(lambda: ProcedureCode.objects.all()),
    "claims": lambda house: str(house.world.claim.pk),
    "documents": lambda house: house.first(lambda: of_patient(house, Document)),
    "messages": lambda house: house.first(lambda: Hl7Message.objects.waiting().filter(family="registration")),
    "notes": lambda house: str(house.world.note.pk),
    "notes/lesions": lambda house: house.first(house.world.note.lesions.all),
    "notes/quick-texts": lambda house: house.first(lambda: QuickText.objects.exclude(person=None)),
    "contacts": lambda house: house.first(lambda: PatientContact.objects.all()),
    "relations": lambda house: house.first(lambda: PatientRelation.objects.all()),
    "patients/merges": lambda house: house.first(lambda: Merge.objects.all()),
    "eligibility": lambda house: house.first(lambda: EligibilityCheck.objects.all()),
    "appeals": lambda house: house.first(lambda: Appeal.objects.all()),
    "denials": lambda house: house.first(lambda: Denial.objects.all()),
    "payer-refunds": lambda house: house.first(lambda: PayerRefund.objects.all()),
    "payer-files": lambda house: house.first(lambda: PayerFile.objects.all()),
    "remittances": lambda house: house.first(lambda: Remittance.objects.filter(status="read")),
    "remittances/claims": lambda house: house.first(lambda: RemittanceClaim.objects.all()),
    "payers": lambda house: house.first(lambda: Payer.objects.all()),
    "payers/levels": lambda house: house.first(lambda: AppealLevel.objects.all()),
    "payers/rules": lambda house: house.first(lambda: AuthorisationRule.objects.all()),
    "patients/tags": lambda house: house.first(lambda: Tag.objects.all()),
    "policies": lambda house: house.first(lambda: of_patient(house, Policy)),
    "prescriptions/lines": lambda house: line_of(house, "prescribed"),
}


def authorisation_at(house: House, status: str) -> str:
    return str(house.world.authorisations[status].pk)


def biopsy_at(house: House, status: str) -> str:
    return str(house.world.biopsies[status].pk)


# Where not every role that may open the address finds this row there.
ROLES = {
    "alerts:alert": "main_doctor",
    "alerts:acknowledge": "main_doctor",
    "clinical:message": "reception",
    "clinical:quick_text_edit": "main_doctor",
}
OF_BIOPSY = {
    "biopsy_attempt": "reviewed",
    "biopsy_cancel": "ordered",
    "biopsy_fail": "sent",
    "biopsy_history": "reviewed",
    "biopsy_letter": "reviewed",
    "biopsy_process": "received_by_lab",
    "biopsy_receive": "sent",
    "biopsy_result": "processing",
    "biopsy_send": "collected",
    "biopsy_take": "ordered",
    "biopsy_tell": "reviewed",
}
OF_AUTHORISATION = {
    "authorisation_appeal": "denied",
    "authorisation_edit": "draft",
    "authorisation_submit": "draft",
    **{f"authorisation_{step}": "submitted" for step in ("approve", "deny", "more", "wait")},
}
OF_PATIENT = ("patient_account", "take_for_visits", "take_deposit", "use_deposit", "statement", "invoice_new")
BY_NAME: dict[str, Callable[[House], str]] = {
    **{f"billing:{name}": partial(authorisation_at, status=status) for name, status in OF_AUTHORISATION.items()},
    **{f"clinical:{name}": partial(biopsy_at, status=status) for name, status in OF_BIOPSY.items()},
    **{f"billing:{name}": lambda house: str(house.world.visits["registered"].patient_id) for name in OF_PATIENT},
    "billing:drawer_print": lambda house: house.first(lambda: Drawer.objects.exclude(closed_at=None)),
    "billing:heard_send_back": lambda house: house.first(lambda: RemittanceClaim.objects.exclude(sent_back=None)),
    "scheduling:to_room": lambda house: str(house.world.desk.appointments["arrived"].pk),
    "scheduling:check_out": lambda house: str(house.world.desk.appointments["with_provider"].pk),
    "scheduling:series_move": lambda house: house.first(house.world.desk.series.appointments.all),
    "clinical:lab_cancel": lambda house: house.first(house.world.visits["lab_pending"].lab_orders.all),
    "clinical:lab_reject": lambda house: house.first(house.world.visits["resulted"].lab_orders.all),
    "clinical:line_take_back": lambda house: line_of(house, "done"),
}
VISITS_SEEN = [
    ("reception", "registered"),
    ("reception", "prescribed"),
    ("checker_doctor", "paid"),
    ("lab_technician", "lab_pending"),
    ("main_doctor", "lab_done"),
    ("pharmacy", "prescribed"),
    ("billing", "registered"),
    ("admin", "done"),
    ("admin", "cancelled"),
]


# What an address must carry to show anything.
QUERIES: dict[str, Callable[[House], str]] = {
    "scheduling:last_step": lambda house: chosen(house),
    "scheduling:series_new": lambda house: chosen(house),
}


def chosen(house: House) -> str:
    """A patient, a type and a time in the address of a booking."""
    desk = house.world.desk
    return f"?{of_booking(house)}&at={key_of(desk.doctor, morning(5, 9))}"


def of_booking(house: House) -> str:
    return f"patient={house.world.visits['done'].patient_id}&type={house.world.desk.type.pk}"


def line_of(house: House, station: str) -> str:
    return house.first(lambda: house.world.visits[station].prescriptions.get().lines.all())


def of_patient(house: House, model: type[TenantModel]) -> QuerySet:
    return model.objects.filter(patient=house.world.visits["done"].patient_id)


def granted(house: House) -> str:
    """A doctor may open the chart of a colleague."""
    hospital = house.world.hospital
    with hospital.acting("admin") as acting:
        standing = ChartGrant.objects.standing().first()
        if standing is None:
            patient = house.world.patient("colleague")
            patient.restrict("Works here", by=acting.person)
            standing = ChartGrant.give(patient, hospital.main_doctor, "Treats this patient", by=acting.person)
    return str(standing.pk)


def row_for(entry: Entry) -> Callable[[House], str]:
    """The row by the noun before the id in the address."""
    noun = entry.route.partition("/<uuid:")[0]
    if entry.name in BY_NAME:
        return BY_NAME[entry.name]
    if noun in ("visits", "laboratory/visits"):
        return lambda house: house.visit(STATIONS.get(entry.name, "prescribed"))
    return ROWS[noun]


@dataclass(frozen=True)
class Case:
    """One address as one role sees it."""

    name: str
    role: str
    path: Callable[[House], str]

    @property
    def picture(self) -> str:
        return self.name.replace(":", "-").replace(" ", "-")


def cases() -> Iterator[Case]:
    for entry in entries():
        if "GET" in entry.methods and not is_admin(entry) and entry.name not in NO_PAGES:
            yield from cases_of(entry)
    for role, station in VISITS_SEEN:
        yield Case(f"visit {station} {role}", role, partial(visit_path, station=station))
    for role in ("reception", "pharmacy", "lab_technician", "main_doctor"):
        yield Case(f"patient {role}", role, lambda house: f"patients/{ROWS['patients'](house)}/")
    for state in ("arrived", "cancelled", "no_show", "rescheduled"):
        yield Case(f"appointment {state}", "reception", partial(appointment_path, state=state))
    for name in ("book", "walk-in"):
        yield Case(f"{name} patient", "reception", lambda house, name=name: f"appointments/{name}/?{of_booking(house)}")
    yield Case("records side by side", "reception", side_by_side)
    yield Case("search found", "reception", lambda house: f"search/?q={house.world.mark}")
    yield Case(
        "medicines found", "main_doctor", lambda house: f"visits/{house.visit('checked')}/consult/medicines/?q=amox"
    )


def cases_of(entry: Entry) -> Iterator[Case]:
    role = most_fitting(entry)
    if "<uuid:" in entry.route:
        row = row_for(entry)
        yield Case(entry.name, role, lambda house: re.sub("<[^>]+>", row(house), entry.route))
    elif entry.name == "billing:analytics_tab":
        for tab in TABS:
            yield Case(f"{entry.name} {tab}", role, lambda house, tab=tab: f"analytics/{tab}/")
    else:
        query = QUERIES.get(entry.name, lambda house: "")
        yield Case(entry.name, role, lambda house: entry.route + query(house))


def most_fitting(entry: Entry) -> str:
    """Not the administrator, where somebody else works there."""
    if entry.name in ROLES:
        return ROLES[entry.name]
    others = [role for role in ROLE_KEYS if role in entry.roles and role != "admin"]
    return others[-1] if entry.permission != MEMBER and others else "admin"


def appointment_path(house: House, state: str) -> str:
    return f"appointments/{house.world.desk.appointments[state].pk}/"


def side_by_side(house: House) -> str:
    with house.world.hospital.acting():
        pair = PossibleDuplicate.objects.open().first()
    return f"patients/{pair.one_id}/merge/?with={pair.other_id}"


def visit_path(house: House, station: str) -> str:
    return f"visits/{house.visit(station)}/"
