"""Notes of the doctor: signed, with an addendum, with lesions, waiting for a second signature, and one forgotten for 30 hours."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from billing.demo.clock import Clock
from billing.demo.day import Day
from clinical import note_catalogue
from clinical.models import CosignRule, Encounter, Lesion, NoteTemplate, PlanItem, QuickText, Visit
from hospital.models import Person

GENERAL = {
    "complaint": "“I have been coughing since Monday, and now my chest hurts.”",
    "history": "Productive cough for five days, fever up to 38.6 °C, pleuritic pain on the right. No blood, no travel.",
    "systems": "No weight loss, no night sweats. Eats and drinks little.",
    "examination": "Alert, 20 breaths a minute. Crackles at the right base, no wheeze. Heart sounds normal. No oedema.",
    "assessment": "Community-acquired pneumonia of the right lower lobe, mild (CRB-65: 0).",
    "advice": "Drink two litres a day. Come back at once with breathlessness, confusion or blood in the sputum.",
}
SKIN = {
    "complaint": "New dark spot on the back, noticed at home.",
    "history": "Grew in four months, itches now and then, has not bled. Two blistering sunburns in childhood.",
    "skin_type": "II, usually burns",
    "risk": "Mother had a melanoma at 61.",
    "examination": "Whole skin examined including scalp, nails and mucosa. Nodes not palpable.",
    "dermoscopy": "Lesion 1: atypical network, blue-white veil at the upper edge.",
    "assessment": "Lesion 1 suspicious of melanoma; lesions 2 and 3 benign.",
    "advice": "Excision with a 2 mm margin this week. Shade, clothing, factor 50; a look at the skin every month.",
}
LESIONS = (
    ("upper_back", "", "naevus", "9.5", "Asymmetric, three colours, blurred edge", (88, 112)),
    ("forearm_front", "right", "macule", "4.0", "Evenly brown, sharp edge", (54, 172)),
    ("cheek", "left", "papule", "2.5", "Skin-coloured, soft", (134, 124)),
)


class Notes:
    def __init__(self, day: Day, clock: Clock) -> None:
        self.day, self.clock, self.now = day, clock, clock.at

    def write(self) -> None:
        note_catalogue.install()
        with self.day.as_("main_doctor") as doctor:
            QuickText.objects.create(person=doctor, code="cap", text="Crackles at one base, no wheeze; CRB-65: 0.")
            for code, story in (
                ("J18", self.signed),
                ("L", self.skin),
                ("", self.forgotten),
                ("J18", self.with_addendum),
                ("", self.wrong),
            ):
                if visit := self.a_visit(code, doctor=doctor):
                    story(visit, doctor)
        with self.day.as_("checker_doctor") as checker:
            self.cosigned_later(checker)
        self.clock.at = self.now

    def a_visit(self, code: str, **whose: Person) -> Visit | None:
        """The last one without a note, of a diagnosis that fits."""
        rows = Visit.objects.filter(**whose, encounters=None, diagnoses__code__startswith=code)
        return rows.order_by("-registered_at").first()

    def begin(self, visit: Visit, key: str, texts: dict[str, str], *, by: Person, hours: float) -> Encounter:
        self.clock.at = self.now - timedelta(hours=hours)
        note = Encounter.begin(visit, NoteTemplate.objects.get(key=key), by=by)
        note.write(texts, by=by)
        return note

    def signed(self, visit: Visit, doctor: Person) -> None:
        note = self.begin(visit, "general", GENERAL, by=doctor, hours=4)
        due = (self.now + timedelta(days=3)).date()
        PlanItem.put(note, by=doctor, text="Look at the lungs again", due_on=due, who="Patient")
        note.sign(by=doctor)

    def skin(self, visit: Visit, doctor: Person) -> None:
        note = self.begin(visit, "dermatology", SKIN, by=doctor, hours=2)
        for site, side, kind, size, words, place in LESIONS:
            x, y = map(Decimal, place)
            fields = {"site": site, "laterality": side, "kind": kind, "size_mm": Decimal(size), "description": words}
            Lesion.put(note, by=doctor, x=x, y=y, **fields)
        PlanItem.put(
            note, by=doctor, text="Excision of lesion 1", due_on=self.now.date() + timedelta(days=4), who=doctor.name
        )
        note.complete(by=doctor)

    def forgotten(self, visit: Visit, doctor: Person) -> None:
        self.begin(visit, "follow_up", {"interval": "Feels better, takes the tablets every day."}, by=doctor, hours=30)

    def with_addendum(self, visit: Visit, doctor: Person) -> None:
        note = self.begin(visit, "general", GENERAL, by=doctor, hours=52)
        note.sign(by=doctor)
        self.clock.at = self.now - timedelta(hours=20)
        note.add("Culture of the sputum is back: Streptococcus pneumoniae, sensitive to amoxicillin.", by=doctor)

    def wrong(self, visit: Visit, doctor: Person) -> None:
        note = self.begin(visit, "follow_up", {"interval": "Since the operation no pain."}, by=doctor, hours=70)
        note.sign(by=doctor)
        note.enter_in_error("Written for another patient of the same name.", by=doctor)

    def cosigned_later(self, checker: Person) -> None:
        doctor = self.day.people["main_doctor"]
        CosignRule.objects.create(person=checker, cosigner=doctor)
        visit = self.a_visit("", checker=checker)
        if visit is not None and checker != doctor:
            note = self.begin(visit, "general", GENERAL, by=checker, hours=1)
            note.sign(by=checker, cosigner=doctor)
