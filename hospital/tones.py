"""The tone of each status: one place decides what looks calm, busy, good or alarming.

A tone is a colour with an icon; the word always stands beside it. An unknown status is plain.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tone:
    name: str  # neutral, info, busy, good, warn, bad: the classes `tone-…` of static/parts.css
    icon: str


PLAIN = Tone("neutral", "circle-dot")
WAITING = Tone("neutral", "hourglass")
NEW = Tone("info", "circle-dot")
BUSY = Tone("busy", "player-play")
HALF = Tone("warn", "circle-dashed")
ATTENTION = Tone("warn", "alert-circle")
GOOD = Tone("good", "circle-check")
BAD = Tone("bad", "alert-triangle")
REFUSED = Tone("bad", "circle-x")
OVER = Tone("neutral", "circle-minus")

TONES: dict[str, dict[str, Tone]] = {
    "visit": {
        "registered": NEW,
        "checked": Tone("busy", "stethoscope"),
        "lab_pending": Tone("warn", "flask"),
        "lab_done": Tone("info", "report-medical"),
        "diagnosed": Tone("busy", "pill"),
        "done": GOOD,
        "cancelled": OVER,
        "left": Tone("neutral", "door-exit"),
    },
    "payment": {"unpaid": ATTENTION, "partial": HALF, "paid": GOOD, "waived": Tone("neutral", "hand-stop")},
    "refund": {"requested": ATTENTION, "approved": HALF, "paid_out": GOOD, "rejected": REFUSED},
    "authorisation": {
        "draft": WAITING,
        "submitted": Tone("info", "send"),
        "pending": BUSY,
        "more_info": ATTENTION,
        "approved": GOOD,
        "partially_approved": HALF,
        "denied": REFUSED,
        "withdrawn": OVER,
        "exhausted": Tone("neutral", "stack"),
        "expired": Tone("neutral", "calendar-off"),
    },
    "eligibility": {"": WAITING, "active": GOOD, "inactive": REFUSED, "refused": BAD, "unclear": ATTENTION},
    "priority": {
        "emergency": Tone("bad", "urgent"),
        "urgent": Tone("warn", "chevrons-up"),
        "routine": Tone("neutral", "minus"),
        "stat": Tone("bad", "urgent"),
    },
    "lab_order": {
        "requested": NEW,
        "collected": Tone("busy", "test-pipe"),
        "received": Tone("busy", "package-import"),
        "in_progress": Tone("busy", "flask"),
        "resulted": Tone("warn", "clipboard-text"),
        "released": GOOD,
        "reviewed": Tone("good", "eye"),
        "cancelled": OVER,
        "rejected": REFUSED,
    },
    "specimen": {
        "expected": WAITING,
        "collected": NEW,
        "received": GOOD,
        "stored": Tone("neutral", "box"),
        "rejected": REFUSED,
        "discarded": Tone("neutral", "trash"),
        "cancelled": OVER,
    },
    "biopsy": {
        "ordered": NEW,
        "collected": Tone("busy", "test-pipe"),
        "sent": Tone("busy", "truck-delivery"),
        "received_by_lab": Tone("busy", "package-import"),
        "processing": Tone("busy", "microscope"),
        "resulted": Tone("warn", "clipboard-text"),
        "reviewed": Tone("info", "eye"),
        "closed": GOOD,
        "lost": BAD,
        "unsatisfactory": REFUSED,
        "cancelled": OVER,
    },
    "invoice": {
        "draft": WAITING,
        "issued": BUSY,
        "balanced": GOOD,
        "cancelled": OVER,
    },
    "drawer": {"open": BUSY},
    "manifest": {
        "packing": WAITING,
        "sent": BUSY,
        "received": GOOD,
        "cancelled": OVER,
        "differs": Tone("bad", "alert-triangle"),
    },
    "prescription": {
        "draft": WAITING,
        "active": NEW,
        "dispensing": BUSY,
        "sent": Tone("info", "send"),
        "dispensed": GOOD,
        "partly": HALF,
        "declined": REFUSED,
        "cancelled": OVER,
    },
    "line": {
        "pending": WAITING,
        "partial": HALF,
        "dispensed": GOOD,
        "sent": Tone("info", "send"),
        "declined": REFUSED,
        "returned": Tone("neutral", "arrow-back-up"),
        "cancelled": OVER,
    },
    "queue": {"waiting": WAITING, "called": Tone("info", "speakerphone"), "serving": BUSY, "ended": OVER},
    "appointment": {
        "booked": Tone("info", "calendar-event"),
        "arrived": Tone("busy", "door-enter"),
        "in_room": BUSY,
        "with_provider": BUSY,
        "completed": GOOD,
        "cancelled": OVER,
        "no_show": Tone("warn", "user-off"),
        "rescheduled": Tone("neutral", "calendar-time"),
    },
    "wish": {
        "waiting": WAITING,
        "offered": Tone("info", "calendar-time"),
        "booked": GOOD,
        "withdrawn": OVER,
    },
    "message": {"received": NEW, "waiting": ATTENTION, "applied": GOOD, "aside": OVER},
    "import": {
        "checked": NEW,
        "running": BUSY,
        "done": GOOD,
        "discarded": OVER,
        "ok": GOOD,
        "warning": ATTENTION,
        "known": OVER,
        "error": REFUSED,
        "booked": GOOD,
        "there": OVER,
        "refused": REFUSED,
    },
    "problem": {
        "active": ATTENTION,
        "recurrence": ATTENTION,
        "relapse": ATTENTION,
        "inactive": OVER,
        "remission": HALF,
        "resolved": GOOD,
    },
    "medication": {
        "active": GOOD,
        "on-hold": HALF,
        "stopped": OVER,
        "completed": OVER,
    },
    "immunisation": {"completed": GOOD, "not-done": REFUSED},
    "chart": {"mistake": Tone("neutral", "ban")},
    "room": {"free": GOOD, "occupied": BUSY, "cleaning": Tone("warn", "wash")},
    "encounter": {
        "draft": WAITING,
        "in_progress": BUSY,
        "ready_for_review": ATTENTION,
        "signed": Tone("good", "signature"),
        "cosigned": Tone("good", "signature"),
        "entered_in_error": REFUSED,
    },
    "loop": {"late": BAD, "1": ATTENTION, "2": BAD, "3": Tone("solid", "alert-triangle")},
    "malignancy": {
        "benign": GOOD,
        "uncertain": HALF,
        "pre_malignant": ATTENTION,
        "malignant": BAD,
    },
    "unsigned": {"24": ATTENTION, "48": BAD, "72": Tone("solid", "alert-triangle")},
    "claim": {
        "draft": WAITING,
        "scrubbed": NEW,
        "ready": NEW,
        "submitted": Tone("busy", "send"),
        "accepted": BUSY,
        "in_process": BUSY,
        "rejected": REFUSED,
        "denied": BAD,
        "pended": HALF,
        "partially_paid": HALF,
        "paid": GOOD,
        "appealed": ATTENTION,
        "written_off": OVER,
        "corrected": WAITING,
        "transferred": OVER,
        "voided": OVER,
        "withdrawn": OVER,
    },
    "claim_batch": {
        "queued": WAITING,
        "writing": BUSY,
        "written": Tone("info", "send"),
        "accepted": GOOD,
        "rejected": REFUSED,
        "failed": BAD,
    },
    "claim_deadline": {"near": ATTENTION},
    "finding": {"error": REFUSED, "warning": ATTENTION},
    "payer_file": {"taken": GOOD, "waiting": ATTENTION, "refused": REFUSED},
    "remittance": {"read": NEW, "posted": GOOD, "aside": OVER},
    "heard": {"unmatched": ATTENTION, "matched": NEW, "posted": GOOD, "left": OVER},
    "denial": {
        "to_do": ATTENTION,
        "appealed": BUSY,
        "recovered": GOOD,
        "transferred": OVER,
        "written_off": OVER,
        "taken_back": OVER,
    },
    "appeal": {"waiting": WAITING, "won": GOOD, "lost": REFUSED},
    "stock": {
        "ok": GOOD,
        "low": Tone("warn", "trending-down"),
        "out": BAD,
        "expiring": Tone("warn", "calendar-time"),
        "expired": REFUSED,
        "quarantined": Tone("bad", "lock"),
        "recalled": BAD,
    },
    "document": {"uploaded": WAITING, "scanning": BUSY, "filed": GOOD, "rejected": REFUSED},
    "person": {
        "active": GOOD,
        "invited": Tone("info", "mail"),
        "expired": HALF,
        "ended": OVER,
        "online": Tone("good", "filled-circle"),
    },
}


def tone_of(kind: str, value: object) -> Tone:
    return TONES.get(kind, {}).get(str(value), PLAIN)


@dataclass(frozen=True)
class Flag:
    """How far a laboratory value or vital sign is from where it should be."""

    word: str
    tone: str
    icon: str


FLAGS: dict[str, Flag] = {
    "critical_high": Flag("Critical high", "critical", "chevrons-up"),
    "critical_low": Flag("Critical low", "critical", "chevrons-down"),
    "critical": Flag("Critical", "critical", "alert-triangle"),
    "high": Flag("High", "abnormal", "arrow-narrow-up"),
    "low": Flag("Low", "abnormal", "arrow-narrow-down"),
    "abnormal": Flag("Abnormal", "abnormal", "alert-circle"),
    "normal": Flag("Normal", "normal", "check"),
}
