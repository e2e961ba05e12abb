"""Who hears what, and how loudly: the contract, written a second time and independent of any `events.py`.

An event has several lines where it depends on what happened who hears it; the first is also what other lines bring along.
"""

from __future__ import annotations

Audience = dict[str, str]

CLINICAL = ("checker_doctor", "lab_technician", "main_doctor", "pharmacy")
DOCTORS = ("checker_doctor", "main_doctor")
DESK = ("reception", *DOCTORS)
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
    "patient:insurance_verified": {"a policy is verified": info("reception", "billing")},
    "patient:balance_changed": {
        "a charge": info("reception", "billing"),
        "a charge is waived": info("reception", "billing"),
    },
    "visit:created": {"a visit is registered": notice("checker_doctor") | info("reception", "admin")},
    "visit:updated": {"a status": info(*ON_THE_WAY, "admin"), "a payment": info(*ON_THE_WAY, "admin")},
    "queue:called": {
        "a patient is called": notice("reception", "board"),
        "a call is taken back": info("reception", "board"),
    },
    "lab_order:created": {"a test is ordered": notice("lab_technician")},
    "lab_order:updated": {"a step of a test": info("lab_technician", *DOCTORS)},
    "lab:result_ready": {"a value is critical": critical(*DOCTORS), "a result is released": notice(*DOCTORS)},
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
    },
    "stock:changed": {"a delivery": info("pharmacy")},
    "stock:low": {"a threshold is crossed": notice("pharmacy", "admin")},
    "stock:expiring": {"the calendar moves on": notice("pharmacy", "admin")},
    "payment:received": {
        "money posted": info("reception", "billing", "admin"),
        "it opens the gate": info("reception", "billing", "admin") | notice("checker_doctor"),
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
    "document:uploaded": {"a file is filed": info(*DOCTORS, "lab_technician", "admin")},
    "user:signed_in": {"somebody enters": info("admin")},
    "user:changed": {"somebody gets a role": info("admin"), "a role ends": info("admin")},
}

# Promised, and not there yet. Whoever declares one moves it into the table, and says how it comes about.
NOT_BUILT = frozenset(
    f"{noun}:{verb}"
    for noun, verbs in {
        "encounter": ["created", "updated", "completed", "signed"],
        "biopsy": ["created", "updated", "result_received", "reviewed"],
        "prescription": ["sent"],
        "claim": ["created", "updated", "status_changed", "submitted", "paid", "denied"],
        "prior_auth": ["created", "status_changed", "approved", "denied", "expiring"],
    }.items()
    for verb in verbs
)

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
    "lab_result": RESULTS,
    "lab_note": RESULTS,
    "critical_value": RESULTS,
    "medicine": MEDICINES,
    "dose": MEDICINES,
    "document": RESULTS,
    "amount": ("reception", "billing", "admin"),
}
