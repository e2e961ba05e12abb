"""Who hears what, and how loudly: the contract, written a second time and independent of any `events.py`.

An event has several lines where it depends on what happened who hears it; the first is also what other lines bring along.
"""

from __future__ import annotations

Audience = dict[str, str]

CLINICAL = ("checker_doctor", "lab_technician", "main_doctor", "pharmacy")
DOCTORS = ("checker_doctor", "main_doctor")
DESK = ("reception", *DOCTORS)
WITH_BIOPSIES = ("main_doctor", "lab_technician")
WITH_AUTHORISATIONS = ("billing", "main_doctor")
OWN = "own"
ON_THE_WAY = ("reception", *CLINICAL, "billing")


def info(*roles: str) -> Audience:
    return dict.fromkeys(roles, "info")


def notice(*roles: str) -> Audience:
    return dict.fromkeys(roles, "notice")


def own(*roles: str) -> Audience:
    """A notice for the one person whose it is, who works in this role; info for everybody else in it."""
    return dict.fromkeys(roles, OWN)


def critical(*roles: str) -> Audience:
    return dict.fromkeys(roles, "critical")


TABLE: dict[str, dict[str, Audience]] = {
    "patient:registered": {"a new patient": info("reception", "admin")},
    "patient:updated": {
        "demographics": info(*CLINICAL, "reception", "billing"),
        "an allergy": info(*CLINICAL, "reception", "billing"),
    },
    "patient:duplicate": {"two records are alike": info("reception", "admin")},
    "patient:insurance_verified": {"a policy is verified": info("reception", "billing")},
    "patient:balance_changed": {
        "a charge": info("reception", "billing"),
        "a charge is waived": info("reception", "billing"),
        "money comes in": info("reception", "billing"),
    },
    "visit:created": {"a visit is registered": notice("checker_doctor") | info("reception", "admin")},
    "visit:updated": {"a status": info(*ON_THE_WAY, "admin"), "a payment": info(*ON_THE_WAY, "admin")},
    "queue:called": {
        "a patient is called": notice("reception", "board"),
        "a call is taken back": info("reception", "board"),
    },
    "lab_order:created": {"a test is ordered": notice("lab_technician")},
    "lab:result_ready": {"a value is critical": critical(*DOCTORS), "a result is released": notice(*DOCTORS)},
    "lab_order:updated": {
        "a step of a test": info("lab_technician", *DOCTORS),
        "a released value is corrected": own("checker_doctor") | info("lab_technician", "main_doctor"),
    },
    # An alert goes to the person who ordered, then to more and more people; its list to those whom it concerns.
    "alert:raised": {"a critical value": info("checker_doctor")},
    "alert:changed": {
        "acknowledged": info("checker_doctor"),
        "a quarter of an hour without an answer": info(*DOCTORS),
        "an hour without an answer": info(*DOCTORS, "admin"),
    },
    "alert:listed": {"a critical value": info(*DOCTORS, "admin")},
    "prescription:ready": {"signed": notice("pharmacy")},
    "prescription:status_changed": {
        "a part is dispensed": info("main_doctor", "pharmacy", "reception"),
        "the rest is declined": info("main_doctor", "pharmacy", "reception"),
        "it is called back": info("main_doctor", "pharmacy", "reception"),
    },
    "prescription:sent": {"another pharmacy gets it": info("main_doctor", "pharmacy", "reception")},
    "encounter:created": {"a note is begun": info(*DOCTORS)},
    "encounter:updated": {"words are written": info(*DOCTORS)},
    "encounter:completed": {"ready for review": info(*DOCTORS, "billing")},
    "encounter:signed": {"the author signs": info(*DOCTORS, "billing")},
    "encounter:unsigned": {"a day without a signature": info("checker_doctor") | own("main_doctor")},
    "stock:changed": {"a delivery": info("pharmacy")},
    "stock:low": {"a threshold is crossed": notice("pharmacy", "admin")},
    "stock:expiring": {"the calendar moves on": notice("pharmacy", "admin")},
    "refund:changed": {
        "it is asked for": info("reception", "admin") | notice("billing"),
        "it is decided": own("reception") | info("billing", "admin"),
    },
    "payment:received": {
        "money posted": info("reception", "billing", "admin"),
        "it opens the gate": info("reception", "billing", "admin") | notice("checker_doctor"),
        "a refund is paid out": info("reception", "billing", "admin"),
    },
    # The doctor of the walk is the provider; a colleague in the same role listens too.
    "appointment:created": {"the desk books": info(*DESK)},
    "appointment:checkedin": {"the patient is here": info("reception", "checker_doctor") | own("main_doctor")},
    "appointment:updated": {
        "the patient confirms": info(*DESK),
        "reason and note change": info(*DESK),
        "it becomes longer": info(*DESK),
        "it is moved": info(*DESK),
        "nobody came": info(*DESK),
        "a step of the day": info(*DESK),
    },
    "appointment:cancelled": {"the desk cancels": info("reception", "checker_doctor") | own("main_doctor")},
    "slot:held": {"somebody chooses a time": info(*DESK), "it is let go": info(*DESK)},
    "room:changed": {"a patient goes in": info(*DESK), "it is clean again": info(*DESK)},
    "import:changed": {"a list is read": info("admin")},
    "waitlist:changed": {"somebody waits": info("reception"), "somebody waits no more": info("reception")},
    "waitlist:offered": {"a time becomes free": notice("reception")},
    "message:changed": {
        "a result waits": info("lab_technician", "admin"),
        "a registration waits": info("reception", "admin"),
    },
    "lab:outside_result": {"a value is critical": critical(*DOCTORS)},
    "biopsy:created": {"it is ordered": info(*WITH_BIOPSIES)},
    "biopsy:updated": {
        "a step": info(*WITH_BIOPSIES),
        "it is overdue": notice(*WITH_BIOPSIES),
        "it is lost": notice(*WITH_BIOPSIES),
        "its report is corrected": own("main_doctor") | info("lab_technician"),
    },
    "biopsy:result_received": {"benign": notice("main_doctor"), "malignant": critical("main_doctor")},
    "biopsy:reviewed": {"the doctor has read it": info(*WITH_BIOPSIES)},
    "manifest:changed": {"a list is sent": info(*WITH_BIOPSIES), "the two ends differ": notice(*WITH_BIOPSIES)},
    "prior_auth:created": {"it is drafted": info(*WITH_AUTHORISATIONS)},
    "prior_auth:updated": {"units are used": info(*WITH_AUTHORISATIONS)},
    "prior_auth:status_changed": {"it is submitted": info(*WITH_AUTHORISATIONS)},
    "prior_auth:approved": {"the insurer grants it": notice(*WITH_AUTHORISATIONS)},
    "prior_auth:denied": {"the insurer denies it": critical(*WITH_AUTHORISATIONS)},
    "prior_auth:expiring": {"its end is near": notice(*WITH_AUTHORISATIONS)},
    "claim:created": {"a signed note is claimed": info("billing")},
    "claim:updated": {"its words change": info("billing")},
    "claim:status_changed": {"it is checked": info("billing")},
    "claim_batch:changed": {"a file is asked for": info("billing")},
    "claim:submitted": {"the file is written": info("billing")},
    "remittance:changed": {"one comes in": info("billing"), "somebody says whose it is": info("billing")},
    "claim:denied": {"a payer refuses": critical("billing")},
    "denial:changed": {"somebody looks after it": info("billing")},
    "claim:paid": {"a payer pays": info("billing")},
    "payer_refund:changed": {
        "it is asked for": notice("billing") | info("admin"),
        "it is decided": own("billing") | info("admin"),
    },
    "payer_file:taken": {"a file is brought in": info("billing")},
    "document:uploaded": {"a file is filed": info(*DOCTORS, "lab_technician", "admin")},
    "document:damaged": {"its bytes are not those that came": critical("admin")},
    "user:signed_in": {"somebody enters": info("admin")},
    "user:changed": {"somebody gets a role": info("admin"), "a role ends": info("admin")},
}

# A word that stands in one field of a patient's papers, and the roles that may read that field.
CHART, RESULTS = (*DOCTORS, "admin"), (*DOCTORS, "lab_technician", "admin")
MEDICINES = (*DOCTORS, "pharmacy", "admin")
READERS: dict[str, tuple[str, ...]] = {
    "family_name": (*ON_THE_WAY, "admin"),
    "complaint": (*ON_THE_WAY, "admin"),
    "booking_reason": (*DESK, "admin"),
    "booking_note": (*DESK, "admin"),
    "phone": (*ON_THE_WAY, "admin"),
    "allergy": CHART,
    "problem": CHART,
    "symptoms": CHART,
    "findings": CHART,
    "diagnosis": CHART,
    "note_text": CHART,
    "lab_result": RESULTS,
    "lab_note": RESULTS,
    "lab_correction": RESULTS,
    "lab_reason": RESULTS,
    "critical_value": RESULTS,
    "pathology": RESULTS,
    "pathology_correction": RESULTS,
    "pathology_note": RESULTS,
    "medicine": MEDICINES,
    "dose": MEDICINES,
    "document": RESULTS,
    "amount": ("reception", "billing", "admin"),
}

# What a line brings along where that is not as in the first line: an alert concerns those whom its event concerns.
BROUGHT: dict[tuple[str, str], dict[str, Audience]] = {
    ("document:damaged", "its bytes are not those that came"): {
        "alert:raised": info("admin"),
        "alert:listed": info("admin"),
    },
    ("biopsy:result_received", "malignant"): {
        "alert:raised": info("main_doctor"),
        "alert:listed": info("main_doctor", "admin"),
    },
    ("claim:denied", "a payer refuses"): {
        "alert:raised": info("billing"),
        "alert:listed": info("billing", "admin"),
    },
    ("prior_auth:denied", "the insurer denies it"): {
        "alert:raised": info("billing"),
        "alert:listed": info(*WITH_AUTHORISATIONS, "admin"),
    },
    ("payment:received", "a refund is paid out"): {"refund:changed": info("reception", "billing", "admin")},
    ("manifest:changed", "the two ends differ"): {"biopsy:updated": notice(*WITH_BIOPSIES)},
}
