"""Who else looks at the same patient: across processes, only with the right, gone by itself, and never in anybody's way."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Self
from unittest.mock import patch

import pytest
import requests
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from clinical.models import Patient
from hospital.models import Membership, Role
from realtime import sight
from realtime import valkey as ours
from realtime.clock import database_clock
from realtime.connection import Connection
from realtime.doorkeeper import Asker, identify_all
from realtime.sight import GOOD_FOR, token_for
from realtime.tests.listening import Listener
from realtime.tests.server import ROOT, Site
from realtime.tests.servers import Valkey
from realtime.tests.test_socket import grant

PARTS = ("details", "diagnosis", "prescription")
SOON, RUN_OUT = 18, 60  # generous; a seat stands for twenty seconds


class Looker(Listener):
    """A page that looks at a subject."""

    there: ClassVar[list[Looker]] = []  # all pages of a test: whichever waits, each answers what it is asked meanwhile

    def __init__(self, site: Site, hospital, role: str, subject: uuid.UUID, *, name: str = "", parts=PARTS) -> None:
        super().__init__(site, hospital, role, name=name)
        self.hospital, self.role, self.name = hospital, role, name
        self.subject, self.parts = subject, parts
        self.part, self.renews = "", True
        self.maker: Site | None = None  # the server that makes its tokens; none: this process

    def __enter__(self) -> Self:
        super().__enter__()
        self.there.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        self.there.remove(self)
        super().__exit__(*error)

    def token(self) -> str:
        if self.maker:
            return token_from(self.maker, self)
        with self.hospital.acting(self.role, self.name):
            return token_for(self.subject, self.parts)

    def look(self, part: str = "", token: str = "") -> Looker:
        self.part = part
        self.say({"here": token or self.token(), "part": part})
        return self

    def see(self, message: dict) -> None:
        if "presence" in message:
            self.messages.append(message)
            if self.renews and "renew" in message["presence"]:
                self.look(self.part)
        else:
            super().see(message)

    @property
    def answers(self) -> list[dict]:
        return [message["presence"] for message in self.messages if "of" in message.get("presence", ())]

    @property
    def is_asked_again(self) -> bool:
        return any("renew" in message.get("presence", ()) for message in self.messages)

    def until_asked_again(self, token: str) -> None:
        end = time.monotonic() + SOON
        self.messages.clear()
        while not self.is_asked_again:
            assert time.monotonic() < end
            self.look(token=token).listen(0.5)

    @property
    def people(self) -> list[tuple[str, str]]:
        """Who is there and what they edit, as the newest answer says."""
        return [(one["name"], one["part"]) for one in self.answers[-1]["people"]] if self.answers else []

    def sees(self, *people: tuple[str, str], seconds: float = SOON) -> None:
        end = time.monotonic() + seconds
        while not (self.answers and self.people == list(people)):
            assert time.monotonic() < end, f"{self.people} instead of {people}; heard {self.messages}"
            for page in self.there:
                with suppress(ConnectionClosed):
                    page.listen(0.1)

    def sees_while_looking(self, *people: tuple[str, str], seconds: float) -> None:
        """As a page does, which says every few seconds that it is there."""
        end = time.monotonic() + seconds
        while not (self.answers and self.people == list(people)):
            assert time.monotonic() < end, f"{self.people} instead of {people}"
            self.look().listen(2)


@contextmanager
def colleagues(hospital, site: Site, other_site: Site) -> Iterator[tuple[Looker, Looker]]:
    """Two who look at the same subject, and see each other."""
    subject = uuid.uuid4()
    with (
        Looker(site, hospital, "main_doctor", subject) as doctor,
        Looker(other_site, hospital, "checker_doctor", subject) as checker,
    ):
        doctor.look().sees()
        checker.look().sees(("Main Doctor", ""))
        doctor.sees(("Checker Doctor", ""))
        yield doctor, checker


def test_two_people_see_each_other_across_processes_and_what_the_other_edits(site, second_site, alpha):
    with colleagues(alpha, site, second_site) as (doctor, checker):
        assert doctor.answers[-1] == {
            "of": str(doctor.subject),
            "people": [{"name": "Checker Doctor", "role": "Checker doctor", "part": ""}],
        }
        checker.look("diagnosis")
        doctor.sees(("Checker Doctor", "diagnosis"))
        checker.look("")
        doctor.sees(("Checker Doctor", ""))


def test_a_closed_page_is_gone_at_once(site, second_site, alpha):
    subject = uuid.uuid4()
    with Looker(site, alpha, "main_doctor", subject) as doctor:
        with Looker(second_site, alpha, "checker_doctor", subject) as checker:
            doctor.look().sees()
            checker.look()
            doctor.sees(("Checker Doctor", ""))
        doctor.sees()  # without a word of its own, which alone would notice that the seat ran out


def test_whoever_goes_on_to_another_patient_has_left_the_first(site, alpha):
    first, second = uuid.uuid4(), uuid.uuid4()
    with (
        Looker(site, alpha, "main_doctor", first) as doctor,
        Looker(site, alpha, "checker_doctor", first) as checker,
    ):
        doctor.look().sees()
        checker.look()
        doctor.sees(("Checker Doctor", ""))
        checker.subject = second
        checker.look()
        doctor.sees()


def test_one_person_is_one_entry_that_edits_rather_than_looks_and_never_sees_itself(site, second_site, alpha):
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "checker_doctor", subject) as desk,
        Looker(second_site, alpha, "checker_doctor", subject) as tablet,
        Looker(site, alpha, "main_doctor", subject) as doctor,
    ):
        desk.look("diagnosis").sees()
        tablet.look().sees()
        doctor.look().sees(("Checker Doctor", "diagnosis"))
        time.sleep(1.1)
        tablet.look("details")
        doctor.sees(("Checker Doctor", "details"))
        desk.sees(("Main Doctor", ""))
        tablet.sees(("Main Doctor", ""))


def test_after_kill_9_of_a_process_its_people_run_out(site, alpha, tmp_path):
    subject = uuid.uuid4()
    doomed = Site(tmp_path / "site.log").start()
    try:
        with Looker(site, alpha, "main_doctor", subject) as doctor:
            with Looker(doomed, alpha, "checker_doctor", subject) as checker:
                checker.look("diagnosis").sees()
                doctor.look().sees(("Checker Doctor", "diagnosis"))
                doomed.process.kill()
                doomed.process.wait()
            doctor.sees_while_looking(seconds=RUN_OUT)
    finally:
        doomed.stop()


def test_a_page_that_fell_silent_runs_out_and_is_told_nothing_more(site, alpha):
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "main_doctor", subject) as doctor,
        Looker(site, alpha, "checker_doctor", subject) as asleep,
        Looker(site, alpha, "checker_doctor", subject, name="Cleo Third") as third,
    ):
        asleep.look().sees()
        doctor.look().sees(("Checker Doctor", ""))
        doctor.sees_while_looking(seconds=RUN_OUT)
        asleep.listen(1)
        before = len(asleep.answers)
        third.look()
        doctor.sees(("Cleo Third", ""))
        assert len(asleep.listen(2).answers) == before


def test_nothing_is_left_in_valkey_after_a_while(site, alpha):
    subject = uuid.uuid4()
    with Looker(site, alpha, "main_doctor", subject) as doctor:
        doctor.look().sees()
        with ours.synchronous() as client:
            key = ours.name("here", f"{alpha.tenant.pk.hex}:{subject.hex}")
            end = time.monotonic() + SOON
            while not client.exists(key):  # it was asked for another token, or Valkey was slow
                assert time.monotonic() < end
                doctor.look().listen(0.5)
            assert client.pttl(key) <= 20_000
            assert client.ttl(key) != -1  # it ends by itself


def test_a_part_that_a_role_may_not_know_of_is_not_shown_to_it(site, alpha):
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "main_doctor", subject) as doctor,
        Looker(site, alpha, "reception", subject, parts=("details",)) as reception,
    ):
        doctor.look("diagnosis").sees()
        reception.look().sees(("Main Doctor", ""))
        reception.look("diagnosis").listen(1)  # nor can it say that it edits that
        reception.look("<b>anything</b>").listen(1)
        doctor.look().sees(("Reception", ""))
        assert {part for answer in doctor.answers for part in [one["part"] for one in answer["people"]]} == {""}
        assert "diagnosis" not in reception.received


def test_another_subject_and_the_other_hospital_see_nobody(site, alpha, beta):
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "main_doctor", subject) as doctor,
        Looker(site, alpha, "checker_doctor", uuid.uuid4()) as elsewhere,
        Looker(site, beta, "main_doctor", subject, name="Bea Stranger") as stranger,
    ):
        doctor.look().sees()
        elsewhere.look().sees()
        stranger.look().sees()
        for page in (doctor, elsewhere, stranger):
            page.listen(1)
            assert page.people == []
        assert "Main Doctor" not in stranger.received


@pytest.mark.parametrize("whose", ["foreign", "colleague", "role", "old", "forged", "nonsense"])
def test_a_token_that_is_not_this_sockets_own_is_worth_nothing(site, alpha, beta, whose):
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "main_doctor", subject) as doctor,
        Looker(site, alpha, "checker_doctor", subject) as checker,
    ):
        doctor.look("diagnosis").sees()
        checker.look(token=wrong_token(whose, alpha, beta, checker)).listen(2)
        assert checker.answers == []
        assert doctor.people == []
        checker.look().sees(("Main Doctor", "diagnosis"))  # the socket itself is well


def test_a_token_from_before_a_change_of_rights_is_worth_nothing(site, alpha):
    """A new one comes from an address that checks whether the right is still there."""
    with colleagues(alpha, site, site) as (doctor, checker):
        doctor.renews, old = False, doctor.token()
        with alpha.acting():
            role = Role.objects.get(key="main_doctor")
            role.allow_exactly(role.permissions - {"clinical.view_patient"})
        doctor.until_asked_again(old)
        checker.look("diagnosis").listen(1)
        doctor.look(token=old).listen(2)
        assert "diagnosis" not in doctor.received
        doctor.look().sees(("Checker Doctor", "diagnosis"))


def wrong_token(whose: str, alpha, beta, page: Looker):
    if whose == "foreign":
        with beta.acting("checker_doctor"):
            return token_for(page.subject, PARTS)
    if whose == "colleague":
        with alpha.acting("checker_doctor", "Someone Else"):
            return token_for(page.subject, PARTS)
    if whose == "role":
        with alpha.acting():
            Membership.grant(alpha.checker_doctor, "pharmacy")
        with acting_as(alpha, alpha.checker_doctor, "pharmacy"):
            return token_for(page.subject, PARTS)
    if whose == "old":
        with earlier(GOOD_FOR + 5), alpha.acting("checker_doctor"):
            return token_for(page.subject, PARTS)
    return page.token()[:-2] + "xx" if whose == "forged" else {"here": [1, {"a": None}]}


@contextmanager
def earlier(seconds: float) -> Iterator[None]:
    with patch.object(database_clock, "ahead", database_clock.ahead - seconds):
        yield


def acting_as(hospital, person, role: str):
    from hospital.tenancy import acting_for

    return acting_for(hospital.tenant, person, role)


# --- servers whose clocks are wrong -------------------------------------------------------------------


@pytest.fixture(scope="module")
def ahead_and_behind(django_db_setup, tmp_path_factory) -> Iterator[tuple[Site, Site]]:
    """Two servers, ten minutes apart."""
    folder = tmp_path_factory.mktemp("clocks")
    around = {"PYTHONPATH": str(ROOT / "realtime/tests/faults/clock")}
    sites = [Site(folder / f"{offset}.log", **around, FAULTS_CLOCK=offset) for offset in ("300", "-300")]
    with ExitStack() as running:
        for site in sites:
            running.callback(site.stop)
            site.start()
        yield sites[0], sites[1]


def token_from(site: Site, page: Looker) -> str:
    """As the page renews it, from one of the servers behind the same address."""
    path = f"{page.hospital.url}/patients/{page.subject}/here/"
    return requests.get(f"{site.url}{path}", headers={"Cookie": page.cookie}, timeout=20).json()["here"]


def patient_of(hospital) -> uuid.UUID:
    with hospital.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ida", family_name="Quist", sex="female")
        return patient.pk


@pytest.mark.parametrize("token_is_from", ["ahead", "behind"])
def test_a_token_counts_on_a_server_with_another_clock(ahead_and_behind, alpha, token_is_from):
    ahead, behind = ahead_and_behind
    made, heard = (ahead, behind) if token_is_from == "ahead" else (behind, ahead)
    subject = patient_of(alpha)
    with (
        Looker(heard, alpha, "main_doctor", subject) as doctor,
        Looker(heard, alpha, "checker_doctor", subject) as checker,
    ):
        for page in (doctor.joined(), checker.joined()):
            page.maker = made
            page.look()
        doctor.sees(("Checker Doctor", ""))


def test_a_token_of_a_server_that_is_ahead_is_worth_nothing_after_a_change_of_rights(ahead_and_behind, alpha):
    ahead, behind = ahead_and_behind
    subject = patient_of(alpha)
    with (
        Looker(behind, alpha, "main_doctor", subject) as doctor,
        Looker(behind, alpha, "checker_doctor", subject) as checker,
    ):
        doctor.joined().maker = ahead
        doctor.look().sees()
        doctor.renews, old = False, doctor.token()
        with alpha.acting():
            role = Role.objects.get(key="pharmacy")
            role.allow_exactly(role.permissions - {"clinical.view_patient"})
        doctor.until_asked_again(old)
        checker.joined().look("diagnosis").listen(1)
        doctor.look(token=old).listen(2)
        assert "diagnosis" not in doctor.received
        doctor.look().sees(("Checker Doctor", "diagnosis"))


def test_a_doubt_ends_when_the_clock_of_the_database_is_put_back(alpha):
    with alpha.acting("main_doctor") as acting:
        key = alpha.client("main_doctor").cookies[settings.SESSION_COOKIE_NAME].value
        asker = Asker(alpha.tenant.slug, key)
        [identity] = identify_all([asker])
        page, subject = Connection(asker, identity, None), uuid.uuid4()
        old = token_for(subject, PARTS)
        sight.doubt(page, database_clock.time() + 0.001)
        assert not sight.read(old, page).counts_for(page)
        with earlier(3600):
            assert acting.person and sight.read(old, page) is None
            assert sight.read(token_for(subject, PARTS), page).counts_for(page)


def test_a_flood_of_changes_is_told_once_a_second(site, alpha):
    with colleagues(alpha, site, site) as (doctor, checker):
        before, began = len(doctor.answers), time.monotonic()
        for number in range(12):
            checker.look(("details", "diagnosis")[number % 2])
            time.sleep(0.25)
        doctor.listen(2)
        assert doctor.people == [("Checker Doctor", "diagnosis")]
        assert len(doctor.answers) - before <= time.monotonic() - began + 1


# --- while Valkey is away --------------------------------------------------------------------------


@pytest.fixture
def fragile() -> Iterator[tuple[Site, Valkey]]:
    with TemporaryDirectory(prefix="here") as name:
        server = Valkey(Path(name)).start()
        site = Site(Path(name) / "site.log", REDIS_URL=server.url).start()
        yield site, server
        site.stop()
        server.kill()


def test_while_valkey_stands_still_nobody_is_shown_and_nothing_else_suffers(fragile, alpha):
    site, server = fragile
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "admin", subject) as admin,
        Looker(site, alpha, "checker_doctor", subject) as checker,
    ):
        admin.joined()
        checker.look().sees()
        admin.look().sees(("Checker Doctor", ""))
        server.pause()
        try:
            admin.look().sees()
            membership = grant(alpha)
            admin.until(lambda: any(str(membership.pk) in html for html in admin.html), SOON)
        finally:
            server.go_on()
        find_each_other(admin, checker)


def test_after_valkey_was_killed_and_came_back_people_see_each_other_again(fragile, alpha):
    site, server = fragile
    subject = uuid.uuid4()
    with (
        Looker(site, alpha, "main_doctor", subject) as doctor,
        Looker(site, alpha, "checker_doctor", subject) as checker,
    ):
        checker.look().sees()
        doctor.look().sees(("Checker Doctor", ""))
        server.kill()
        doctor.look().sees()
        server.start()
        find_each_other(doctor, checker)
        checker.look("diagnosis")  # and the processes hear of each other again, not only at their own word
        doctor.sees(("Checker Doctor", "diagnosis"), seconds=RUN_OUT)


def find_each_other(*pages: Looker) -> None:
    end = time.monotonic() + RUN_OUT
    while not all(page.people for page in pages):
        assert time.monotonic() < end, [page.people for page in pages]
        for page in pages:
            page.look().listen(1.5)
