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
    "specimen": {"expected": WAITING, "collected": NEW, "received": GOOD, "rejected": REFUSED},
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
    "room": {"free": GOOD, "occupied": BUSY, "cleaning": Tone("warn", "wash")},
    "encounter": {
        "draft": WAITING,
        "in_progress": BUSY,
        "ready_for_review": ATTENTION,
        "signed": Tone("good", "signature"),
        "cosigned": Tone("good", "signature"),
    },
    "biopsy": {
        "ordered": NEW,
        "collected": Tone("busy", "test-pipe"),
        "sent": Tone("busy", "truck-delivery"),
        "received_by_lab": Tone("busy", "package-import"),
        "processing": Tone("busy", "microscope"),
        "resulted": ATTENTION,
        "reviewed": Tone("good", "eye"),
        "closed": GOOD,
        "lost": BAD,
        "unsatisfactory": BAD,
    },
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
    },
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
