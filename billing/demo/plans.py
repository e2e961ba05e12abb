"""Which visits there are: two weeks that are over, and a today in which something waits everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import cycle
from pathlib import Path
from random import Random

from django.core.management import call_command

from billing.demo import people, post, shelves
from billing.demo.authorisations import Authorisations
from billing.demo.bench import Bench
from billing.demo.biopsies import Biopsies
from billing.demo.claims import Claims
from billing.demo.clock import Clock, played_time
from billing.demo.day import Case, Day
from billing.demo.desk import Desk
from billing.demo.diary import Book
from billing.demo.houses import House, set_prices
from billing.demo.notes import Notes
from billing.demo.papers import Papers
from billing.demo.records import Records
from billing.demo.remittances import Remittances
from billing.demo.stories import STORIES
from billing.demo.tubes import Tubes
from clinical import days, lab_catalogue
from clinical.models import Icd10Code, Patient, Visit
from hospital.models import Membership, Person, Tenant
from hospital.tenancy import acting_for
from realtime.alerts.models import Alert, Preference
from realtime.models import Event

FILLED_BEFORE = 40  # days ago the shelves were filled, and the prices began
UNREAD = 6  # notices of the house, at most, that wait at the bells
WORKING_DAY = 540  # minutes that the visits of today are spread over


@dataclass(frozen=True)
class Plan:
    """A visit of today: its story, its last step (the end, if none is named), and how many minutes ago that was."""

    story: str
    ago: int
    last: str = ""
    twist: str = ""
    by_appointment: bool = False


TODAY = (
    Plan("pneumonia", 405),
    Plan("pressure", 370),
    Plan("back", 345, by_appointment=True),
    Plan("urine", 310),
    Plan("migraine", 290, twist="declines"),
    Plan("ear", 255),
    Plan("advice", 230),
    Plan("sugar", 190),
    Plan("rash", 150, twist="bought outside", by_appointment=True),
    Plan("stomach", 200, twist="leaves"),
    Plan("ankle", 120, twist="cancelled"),
    Plan("thyroid", 40, "dispensed", "takes a part"),
    Plan("sugar", 22, "settled"),
    Plan("throat", 9, "prescribed"),
    Plan("back", 6, "diagnosed"),
    Plan("anaemia", 11, "released"),
    Plan("potassium", 34, "released"),
    Plan("pressure", 19, "called in"),
    Plan("pneumonia", 8, "half released"),
    Plan("thyroid", 12, "resulted"),
    Plan("chest", 6, "begun", "emergency"),
    Plan("urine", 10, "received", "bad specimen"),
    Plan("pressure", 7, "collected"),
    Plan("sugar", 16, "examined"),
    Plan("rash", 13, "examined"),
    Plan("migraine", 26, "examined"),
    Plan("stomach", 4, "called", by_appointment=True),
    Plan("ankle", 21, "paid"),
    Plan("back", 33, "paid", "waived", by_appointment=True),
    Plan("throat", 9, "paid", "part"),
    Plan("advice", 12, "registered", by_appointment=True),
    Plan("urine", 3, "registered"),
    Plan("pressure", 2, "seen", by_appointment=True),
)
USUAL = (
    "pneumonia",
    "urine",
    "sugar",
    "thyroid",
    "migraine",
    "stomach",
    "ankle",
    "back",
    "pressure",
    "rash",
    "advice",
    "ear",
    "throat",
)


def make(house: House, tenant: Tenant, records: Path) -> bool:
    """Fill the house, unless it is; in one transaction, so that it is never half full."""
    if not Icd10Code.objects.exists():
        call_command("load_icd10", sample=True, verbosity=0)
    with acting_for(tenant):
        if Visit.objects.exists():
            return False
    if house.imports:
        people.import_public(tenant, records)
    with acting_for(tenant), played_time() as clock:
        Filling(house, tenant, clock).fill()
    with acting_for(tenant):
        post.deliver()
        read_but_the_last_notices()
    return True


def read_but_the_last_notices() -> None:
    """Nobody begins with a bell full of what happened before they came."""
    loud = Event.objects.filter(loud=True).order_by("-seq").values_list("seq", flat=True)
    through = loud[UNREAD : UNREAD + 1].first() or 0
    for membership in Membership.objects.select_related("person", "role"):
        preference = Preference.of(membership.person, membership.role.key)
        preference.lock()
        preference.read_through = through
        preference.save(update_fields=["read_through"])


class Filling:
    def __init__(self, house: House, tenant: Tenant, clock: Clock) -> None:
        self.house, self.tenant, self.clock, self.now = house, tenant, clock, clock.at
        self.chance = Random(house.slug)
        self.staff = {one.roles[0]: Person.objects.get(email=one.email) for one in reversed(house.people)}
        self.day = Day(tenant, self.staff, clock, self.chance)
        self.book = Book(house, tenant, clock, self.day, self.chance)

    def fill(self) -> None:
        imported = list(Patient.objects.filter(deceased_at=None))
        self.clock.at = self.now - timedelta(days=FILLED_BEFORE)
        lab_catalogue.install()
        with self.day.as_("pharmacy") as by:
            shelves.stock_up(FILLED_BEFORE, by=by)
        set_prices(self.house, days.today())
        self.clock.at = self.now - timedelta(days=self.house.former_days + 1)
        own = people.register_own(
            self.chance,
            city=self.house.city,
            doctor=self.staff["main_doctor"],
            reception=self.staff["reception"],
            number=NUMBERS[self.tenant.phone_region],
        )
        self.book.set_up()
        for at, (case, begins) in enumerate(self.former(own)):
            if at % 3 == 0:
                self.expect(case, begins)
            self.day.plan(case, begins=begins)
        for case, plan in self.of_today([*imported, *own]):
            ago = timedelta(minutes=plan.ago * self.pace)
            begins = self.day.plan_back(case, last=plan.last, ended=self.now - ago, pace=self.pace)
            if case.is_expected:
                self.expect(case, begins)
        self.day.play()
        self.answer_alerts()
        self.clock.at = self.now
        self.book.fill(cycle(reversed(own)), self.now)
        Bench(self.day, self.clock, self.now).work()
        Tubes(self.day, self.clock, self.now).go_round()
        adults = [one for one in own if can_be(one, "adult", self.now.year)]
        Biopsies(self.day, self.clock, adults, self.house.former_days).take()
        Notes(self.day, self.clock).write()
        Claims(self.day, self.clock).write()
        Authorisations(self.day, self.clock).write()
        Remittances(self.day, self.clock).write()
        Records(self.day, own).write()
        Papers(self.day).file()
        Desk(self.day, self.clock, self.now, own).work()

    def expect(self, case: Case, begins: datetime) -> None:
        case.is_expected = True
        case.appointment = self.book.for_visit(case.patient, case.story.complaint, begins)

    def answer_alerts(self) -> None:
        """The doctors have dealt with all critical values but the last one, which waits on their screens."""
        with acting_for(self.tenant):
            Membership.objects.get(person=self.staff["main_doctor"], role__key="main_doctor").be_head()
            alerts = list(Alert.objects.open().order_by("-raised_at")[1:])
        for alert in alerts:
            self.clock.at = min(self.now, alert.raised_at + timedelta(minutes=self.chance.randrange(2, 14)))
            with self.day.as_("checker_doctor") as by:
                alert.acknowledge(
                    by=by,
                    role="checker_doctor",
                    done=Alert.Done.ACTED,
                    text="Patient called in, treatment begun, control in two hours.",
                    read_back=alert.expected,
                )

    @property
    def pace(self) -> float:
        """Shortly after midnight the day is still short, and everything in it goes faster."""
        gone = (self.now - days.bounds(days.day_of(self.now))[0]) / timedelta(minutes=1)
        return min(1.0, gone / WORKING_DAY)

    def former(self, own: list[Patient]) -> Iterator[tuple[Case, datetime]]:
        today = days.day_of(self.now)
        for ago in range(self.house.former_days, 0, -1):
            day = today - timedelta(days=ago)
            morning = datetime.combine(day, time(8, 20), tzinfo=self.tenant.zone)
            free = self.chance.sample(own, len(own))
            for at in range(2 if day.weekday() > 4 else 3):
                story = self.chance.choice(USUAL)
                twist = "leaves" if self.chance.random() < 0.06 and at else ""  # who is first in the morning stays
                if patient := fitting(story, free, day.year):
                    yield (
                        Case(patient, STORIES[story], twist),
                        morning + timedelta(minutes=150 * at + self.chance.randrange(45)),
                    )

    def of_today(self, patients: list[Patient]) -> Iterator[tuple[Case, Plan]]:
        """Those with the long histories come first, and so to the visits that are not over."""
        free, plans = list(patients), TODAY if self.house.imports else TODAY[::2]
        for plan in sorted(plans, key=lambda plan: not plan.last):
            if patient := fitting(plan.story, free, self.now.year):
                yield Case(patient, STORIES[plan.story], plan.twist, is_expected=plan.by_appointment), plan


def fitting(story: str, free: list[Patient], year: int) -> Patient | None:
    """Take somebody out of those who are free whom it can happen to."""
    who = STORIES[story].who
    found = next((one for one in free if can_be(one, who, year)), None)
    if found:
        free.remove(found)
    return found


def can_be(patient: Patient, who: str, year: int) -> bool:
    years = year - patient.birth_date.year if patient.birth_date else 0
    if who == "child":
        return 4 <= years <= 12
    return years >= 19 and (who != "woman" or (patient.sex == "female" and years < 75))


NUMBERS = {"US": lambda at: f"(413) 555-01{at:02}", "GB": lambda at: f"020 7946 01{at:02}"}
