"""Who else looks at the same patient: across processes, only with the right, gone by itself, and never in anybody's way."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from realtime import valkey as ours
from realtime.tests.looking import RUN_OUT, SOON, Looker, colleagues
from realtime.tests.server import Site
from realtime.tests.servers import Valkey
from realtime.tests.test_socket import grant


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
    with colleagues(alpha, site, site) as (doctor, checker):
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
