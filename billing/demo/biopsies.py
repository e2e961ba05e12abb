"""Biopsies in every state: on their way, overdue in each tier, a malignancy that is planned, a jar that was lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from billing.demo.clock import Clock
from billing.demo.day import Day
from billing.models import Account, Payment
from clinical import days, pathology_catalogue
from clinical.models import (
    Biopsy,
    BiopsyReview,
    BiopsyTelling,
    CourierManifest,
    PathologyCode,
    PathologyLab,
    PathologyReport,
    Patient,
    Visit,
)
from clinical.models.biopsy_taking import TIME_OUT
from realtime.alerts.models import Alert

NORTH, QUICK = "Northgate Pathology", "Harbour Dermatopathology"
LABORATORIES = (
    {"name": NORTH, "address": "12 Northgate, Springfield", "phone": "+1 217 555 0140", "hl7_id": "NORTHGATE"},
    {
        "name": QUICK,
        "address": "3 Harbour View, Springfield",
        "phone": "+1 217 555 0177",
        "hl7_id": "HARBOURDERM",
        "first_days": 3,
        "second_days": 5,
        "third_days": 7,
    },
)
STEPS = ("ordered", "collected", "sent", "received", "processing", "resulted", "reviewed", "closed")
MORNING, HALF_AN_HOUR, DAY = timedelta(hours=9, minutes=20), timedelta(minutes=30), timedelta(days=1)
MALIGNANT = {
    "plan": "Wide excision with a margin of 1 cm within three weeks.",
    "referral": "Oncology, Dr. Halvorsen, on Thursday; skin cancer board next Monday.",
    "staging": "pT1b; sentinel node to follow",
}
TUMOUR = {
    "margins": "clear",
    "margin_mm": Decimal("1.5"),
    "breslow_mm": Decimal("0.90"),
    "clark": "3",
    "mitoses": Decimal(1),
    "ulceration": "absent",
    "stage": "pT1b",
}


@dataclass(frozen=True)
class Tale:
    """One biopsy: where, what was thought, what it was, how many days ago it was ordered, and how far it came."""

    site: str
    side: str
    at: tuple[int, int]
    kind: str
    question: str
    thought: tuple[str, str]
    days: int
    upto: str
    laboratory: str = NORTH
    found: str = ""
    text: str = ""
    jars: tuple[str, ...] = ("Whole lesion",)
    ends: str = ""  # unsatisfactory or lost
    findings: dict[str, Any] = field(default_factory=dict)


NAEVUS = ("D22.5", "Melanocytic naevi of trunk")
TALES = (
    Tale(
        "upper_back", "midline", (100, 96), "excisional", "Melanoma? Asymmetric, three colours, growing.",
        ("C43.59", "Malignant melanoma of other part of trunk"), 9, "closed", QUICK, "MM-SSM",
        "Superficial spreading melanoma, invasive. Breslow 0.9 mm, Clark III, no ulceration, 1 mitosis/mm². Margins clear by 1.5 mm.",
        findings=TUMOUR,
    ),
    Tale(
        "cheek", "left", (134, 124), "shave", "Basal cell carcinoma or sebaceous hyperplasia?",
        ("C44.319", "Basal cell carcinoma of skin of other parts of face"), 9, "closed", NORTH, "SEB-HYP",
        "Enlarged sebaceous lobules around a dilated duct. No carcinoma.",
    ),
    Tale(
        "lower_back", "right", (112, 176), "punch", "Dysplastic naevus?", NAEVUS, 9, "processing", QUICK,
    ),
    Tale(
        "forearm_front", "left", (146, 172), "punch", "Actinic keratosis or carcinoma in situ?",
        ("L57.0", "Actinic keratosis"), 7, "received", QUICK,
    ),
    Tale(
        "chest", "", (98, 112), "punch", "Lichen planus? Itching papules for two months.",
        ("L43.9", "Lichen planus, unspecified"), 9, "sent", NORTH,
    ),
    Tale(
        "abdomen", "", (100, 160), "punch", "Compound naevus?", NAEVUS, 9, "reviewed", QUICK, "NEVUS-CMP",
        "Compound naevus without atypia. Margins not assessable in a punch.",
    ),
    Tale(
        "thigh_front", "right", (88, 250), "excisional", "Dermatofibroma?", ("D23.71", "Other benign neoplasm of skin of right lower limb"),
        7, "resulted", QUICK, "DF", "Dermatofibroma, completely excised.",
    ),
    Tale(
        "upper_back", "right", (118, 108), "excisional", "Naevus, changed since the summer.", NAEVUS, 5, "resulted",
        QUICK, "MM-NOD", "Nodular melanoma, Breslow 2.4 mm, ulcerated, 6 mitoses/mm². Deep margin clear by 0.8 mm.",
        findings={**TUMOUR, "breslow_mm": Decimal("2.40"), "margins": "close", "margin_mm": Decimal("0.8"), "clark": "4",
                  "mitoses": Decimal(6), "ulceration": "present", "stage": "pT3b"},
    ),
    Tale(
        "shin", "left", (114, 346), "incisional", "Vasculitis?", ("L95.9", "Vasculitis limited to the skin, unspecified"),
        4, "received", NORTH, ends="unsatisfactory",
    ),
    Tale("neck", "right", (78, 206), "shave", "Skin tag or naevus?", ("L91.8", "Other hypertrophic disorders of the skin"), 3, "sent", NORTH, ends="lost"),
    Tale("forehead", "", (100, 60), "shave", "Actinic keratosis?", ("L57.0", "Actinic keratosis"), 2, "sent", QUICK, jars=("Left edge", "Right edge")),
    Tale("abdomen", "", (110, 150), "punch", "Psoriasis or eczema?", ("L40.0", "Psoriasis vulgaris"), 0, "collected", NORTH),
)  # fmt: skip


class Biopsies:
    """After the days are played: each tale in a visit of its own, the oldest first."""

    def __init__(self, day: Day, clock: Clock, adults: list[Patient], former_days: int) -> None:
        self.day, self.clock, self.now = day, clock, clock.at
        self.patients = iter(adults)
        self.tales = sorted((tale for tale in TALES if tale.days < former_days), key=lambda tale: -tale.days)

    def take(self) -> None:
        with self.day.as_("admin"):
            pathology_catalogue.install()
            self.laboratories = {one["name"]: PathologyLab.objects.create(**one) for one in LABORATORIES}
        for tale in self.tales:
            self.tell(tale)
        self.pack()
        self.order_one_more()
        self.clock.at = self.now
        with self.day.as_("admin"):
            for biopsy in Biopsy.objects.newly_late().order_by("serial"):
                biopsy.notice_late()

    def tell(self, tale: Tale) -> None:
        """Ordered in the morning and taken half an hour later; each further step on the next day."""
        begun = self.now - timedelta(days=tale.days)
        self.clock.at = min(days.bounds(days.day_of(begun))[0] + MORNING, self.now)
        biopsy = self.ordered(tale, self.visit())
        for step in STEPS[1 : STEPS.index(tale.upto) + 1]:
            self.pass_by(HALF_AN_HOUR if step == "collected" else DAY)
            getattr(self, step)(biopsy, tale)
        self.leave(biopsy.visit)
        if tale.ends:
            self.fail(biopsy, tale)

    def pass_by(self, time: timedelta) -> None:
        self.clock.at = min(self.clock.at + time, self.now)

    def visit(self) -> Visit:
        """Registered, paid and examined; the doctor has the patient in the room."""
        with self.day.as_("reception") as by:
            visit = Visit.register(self.a_patient(), complaint="A spot on the skin has changed", by=by)
            Payment.take(visit, Account(visit).due, method="card", reference="demo", by=by)
        with self.day.as_("checker_doctor") as by:
            visit.examine(
                by=by, symptoms="Noticed at home, itches now and then.", findings="See the map.", vitals={}, tests=[]
            )
        return visit

    def a_patient(self) -> Patient:
        here = Visit.objects.filter(ended_at=None).values("patient")
        return next(one for one in self.patients if not Patient.objects.filter(pk=one.pk, pk__in=here).exists())

    def ordered(self, tale: Tale, visit: Visit) -> Biopsy:
        x, y = tale.at
        with self.day.as_("main_doctor") as by:
            return Biopsy.order(
                visit,
                by=by,
                specimens=tale.jars,
                laboratory=self.laboratories[tale.laboratory],
                kind=tale.kind,
                site=tale.site,
                laterality=tale.side,
                x=Decimal(x),
                y=Decimal(y),
                question=tale.question,
                clinical_code=tale.thought[0],
                clinical_diagnosis=tale.thought[1],
            )

    def leave(self, visit: Visit) -> None:
        """The patient pays for the biopsy and goes home, and the biopsy goes on."""
        if due := Account(visit).due:
            with self.day.as_("reception") as by:
                Payment.take(visit, due, method="card", reference="demo", by=by)
        with self.day.as_("main_doctor") as by:
            visit.refresh_from_db()
            visit.diagnose(by=by, diagnoses=[{"code": "D48.5"}])
            visit.finish_consultation(by=by)

    # --- its steps ------------------------------------------------------------------------

    def collected(self, biopsy: Biopsy, tale: Tale) -> None:
        with self.day.as_("main_doctor") as by:
            biopsy.identify(biopsy.patient.number, biopsy.patient.birth_date or "", by=by)
            biopsy.take_time_out(TIME_OUT, together_with="Nurse Delgado", by=by)
            for part in biopsy.specimens:
                part.print_label(by=by)
            biopsy.collect("Room 4", by=by)

    def sent(self, biopsy: Biopsy, tale: Tale) -> None:
        """With the courier, counted and signed."""
        with self.day.as_("main_doctor") as by:
            manifest = CourierManifest.begin(biopsy.laboratory, by=by)
            parts = list(biopsy.specimens.select_related("biopsy"))
            for part in parts:
                manifest.add(part, by=by)
            manifest.send(len(parts), "MediRun, T. Alvarez", by=by)
        biopsy.refresh_from_db()

    def received(self, biopsy: Biopsy, tale: Tale) -> None:
        with self.day.as_("lab_technician") as by:
            manifest = CourierManifest.objects.get(items__part=biopsy.specimens.first())
            items = [str(pk) for pk in manifest.items.values_list("pk", flat=True)]
            manifest.receive(len(items), items, f"Front desk, {biopsy.laboratory}", by=by)
        biopsy.refresh_from_db()

    def processing(self, biopsy: Biopsy, tale: Tale) -> None:
        with self.day.as_("lab_technician") as by:
            biopsy.process("Grossing bench 2", by=by)
            for part in biopsy.specimens.select_related("biopsy"):
                part.make(by=by, what="Central slice").make(by=by, stain="HE")

    def resulted(self, biopsy: Biopsy, tale: Tale) -> None:
        with self.day.as_("lab_technician") as by:
            code = PathologyCode.objects.get(code=tale.found)
            PathologyReport.enter(biopsy, by=by, source="hand", code=code, text=tale.text, **tale.findings)
        self.answer(biopsy)

    def answer(self, biopsy: Biopsy) -> None:
        with self.day.as_("main_doctor") as by:
            for alert in Alert.objects.open().filter(object_id=biopsy.pk):
                words = "Report read, patient called in for tomorrow morning."
                alert.acknowledge(
                    by=by, role="main_doctor", done=Alert.Done.ACTED, text=words, read_back=alert.expected
                )

    def reviewed(self, biopsy: Biopsy, tale: Tale) -> None:
        with self.day.as_("main_doctor") as by:
            biopsy.refresh_from_db()
            code = PathologyCode.objects.get(code=tale.found)
            words: dict[str, Any] = MALIGNANT if code.is_malignant else {}
            BiopsyReview.sign(biopsy, code, code.follow_up, by=by, **words)
            if tale.upto == "reviewed":
                self.pass_by(HALF_AN_HOUR)
                BiopsyTelling.attempt(biopsy, "phone", "Nobody answers; no machine.", by=by)

    def closed(self, biopsy: Biopsy, tale: Tale) -> None:
        with self.day.as_("main_doctor") as by:
            words = (
                f"{PathologyCode.objects.get(code=tale.found).name}; what follows was explained, questions answered."
            )
            BiopsyTelling.tell(biopsy, "visit", "The patient", words, by=by)
            biopsy.close(by=by)

    def fail(self, biopsy: Biopsy, tale: Tale) -> None:
        self.pass_by(HALF_AN_HOUR)
        why = {
            "unsatisfactory": "Too superficial: no dermis in the specimen.",
            "lost": "The jar is not in the bag and not at the courier's depot.",
        }[tale.ends]
        with self.day.as_("lab_technician") as by:
            biopsy.refresh_from_db()
            biopsy.fail(tale.ends, why, by=by)

    # --- what is under way now --------------------------------------------------------------

    def pack(self) -> None:
        """The courier comes this afternoon: a list is open, and what was taken today lies on it."""
        self.clock.at = self.now
        with self.day.as_("lab_technician") as by:
            for biopsy in Biopsy.objects.filter(status=Biopsy.Status.COLLECTED):
                manifest = CourierManifest.begin(biopsy.laboratory, by=by)
                for part in biopsy.specimens.select_related("biopsy"):
                    manifest.add(part, by=by)

    def order_one_more(self) -> None:
        """For somebody who waits for the doctor: ordered, and not taken yet."""
        if visit := Visit.objects.filter(ended_at=None, status__in=("checked", "lab_done", "diagnosed")).first():
            tale = Tale(
                "palm",
                "right",
                (50, 206),
                "punch",
                "Wart or carcinoma?",
                ("B07.9", "Viral wart, unspecified"),
                0,
                "ordered",
            )
            self.ordered(tale, visit)
