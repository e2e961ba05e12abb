"""The permissions there are, and the roles that a new tenant begins with.

A permission is granted to a role's group *on the Tenant object* (django-guardian), and a tenant's admin may change
the grants. Here are only the defaults.
"""

from dataclasses import dataclass

PERMISSIONS = {
    "hospital.administer": "use the administration pages",
    "hospital.manage_people": "invite people and give them roles",
    "hospital.view_audit": "read the audit log",
    "hospital.view_live": "see the state of the live engine",
    "realtime.acknowledge_alerts": "acknowledge alerts",
    "clinical.view_patient": "find patients and open their page",
    "clinical.register_patient": "register patients and change their details",
    "clinical.manage_insurance": "record and verify insurance",
    "clinical.view_chart": "read the clinical chart",
    "clinical.edit_chart": "record allergies and problems",
    "clinical.view_visit": "see visits and their status",
    "clinical.create_visit": "create visits",
    "clinical.close_visit": "cancel a visit or mark the patient as left",
    "clinical.reopen_visit": "reopen a finished visit",
    "clinical.override_payment": "let an emergency pass the payment gate",
    "clinical.call_patient": "call patients and move them between queues",
    "clinical.view_board": "show the wall board",
    "clinical.examine": "examine, and record symptoms and vital signs",
    "clinical.order_tests": "order laboratory tests",
    "clinical.process_lab": "collect, receive, perform and release tests",
    "clinical.view_results": "read laboratory results",
    "clinical.diagnose": "record diagnoses",
    "clinical.prescribe": "prescribe",
    "clinical.view_prescription": "read prescriptions",
    "clinical.dispense": "dispense and decline prescriptions",
    "clinical.view_stock": "see the stock",
    "clinical.manage_stock": "receive, count and write off stock",
    "clinical.upload_document": "file documents",
    "clinical.view_document": "open documents",
    "scheduling.view_calendar": "see appointments and the calendar",
    "scheduling.book": "book, move and cancel appointments",
    "scheduling.check_in": "check patients in and mark no-shows",
    "scheduling.move_patient": "take patients to rooms and check them out",
    "scheduling.manage": "change providers, hours, rooms and appointment types, and import appointments",
    "scheduling.view_reports": "see the reports on appointments",
    "billing.take_payment": "take payments and print receipts",
    "billing.view_account": "see charges and payments",
    "billing.waive": "waive charges",
    "billing.view_analytics": "see dashboards and analytics",
}


@dataclass(frozen=True)
class DefaultRole:
    key: str
    title: str
    home: str
    permissions: tuple[str, ...]


ROLES = (
    DefaultRole("admin", "Administrator", "billing:dashboard", tuple(PERMISSIONS)),
    DefaultRole(
        "reception",
        "Reception",
        "clinical:front_desk",
        (
            "realtime.acknowledge_alerts",
            "clinical.view_patient",
            "clinical.register_patient",
            "clinical.manage_insurance",
            "clinical.view_visit",
            "clinical.create_visit",
            "clinical.close_visit",
            "clinical.override_payment",
            "clinical.call_patient",
            "clinical.view_board",
            "clinical.upload_document",
            "scheduling.view_calendar",
            "scheduling.book",
            "scheduling.check_in",
            "scheduling.move_patient",
            "scheduling.view_reports",
            "billing.take_payment",
            "billing.view_account",
        ),
    ),
    DefaultRole(
        "checker_doctor",
        "Checker doctor",
        "clinical:examination_queue",
        (
            "realtime.acknowledge_alerts",
            "clinical.view_patient",
            "clinical.view_chart",
            "clinical.edit_chart",
            "clinical.view_visit",
            "clinical.override_payment",
            "clinical.call_patient",
            "clinical.examine",
            "clinical.order_tests",
            "clinical.view_results",
            "clinical.view_prescription",
            "clinical.upload_document",
            "clinical.view_document",
            "scheduling.view_calendar",
            "scheduling.book",
            "scheduling.move_patient",
        ),
    ),
    DefaultRole(
        "lab_technician",
        "Laboratory",
        "clinical:lab_worklist",
        (
            "realtime.acknowledge_alerts",
            "clinical.view_patient",
            "clinical.view_visit",
            "clinical.call_patient",
            "clinical.process_lab",
            "clinical.view_results",
            "clinical.upload_document",
            "clinical.view_document",
        ),
    ),
    DefaultRole(
        "main_doctor",
        "Doctor",
        "clinical:consultation_queue",
        (
            "realtime.acknowledge_alerts",
            "clinical.view_patient",
            "clinical.view_chart",
            "clinical.edit_chart",
            "clinical.view_visit",
            "clinical.override_payment",
            "clinical.call_patient",
            "clinical.examine",
            "clinical.order_tests",
            "clinical.view_results",
            "clinical.diagnose",
            "clinical.prescribe",
            "clinical.view_prescription",
            "clinical.upload_document",
            "clinical.view_document",
            "scheduling.view_calendar",
            "scheduling.book",
            "scheduling.move_patient",
        ),
    ),
    DefaultRole(
        "pharmacy",
        "Pharmacy",
        "clinical:dispensing",
        (
            "realtime.acknowledge_alerts",
            "clinical.view_patient",
            "clinical.view_visit",
            "clinical.call_patient",
            "clinical.view_prescription",
            "clinical.dispense",
            "clinical.view_stock",
            "clinical.manage_stock",
        ),
    ),
    DefaultRole(
        "billing",
        "Billing",
        "billing:payments",
        (
            "realtime.acknowledge_alerts",
            "clinical.view_patient",
            "clinical.manage_insurance",
            "clinical.view_visit",
            "billing.take_payment",
            "billing.view_account",
            "billing.waive",
            "billing.view_analytics",
        ),
    ),
    DefaultRole("board", "Wall board", "clinical:board", ("clinical.view_board",)),
)
ROLE_KEYS = tuple(role.key for role in ROLES)
HOMES = {role.key: role.home for role in ROLES}
