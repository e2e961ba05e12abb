"""The notices that somebody has missed: counted, listed, and read."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from hospital.models import Role
from realtime.alerts import frame
from realtime.alerts.models import NEW, Preference
from realtime.alerts.notices import KEPT
from realtime.catalogue import catalogue
from realtime.tests.alarms import banners, bell, critical_value, released
from scheduling.tests.desks import Desk

OLD_AND_LOUD = """
    INSERT INTO realtime_event (id, tenant_id, name, object_id, loudness, roles, people, loud, created_at)
    SELECT gen_random_uuid(), %s, 'visit:created', gen_random_uuid(), '{"pharmacy": "notice"}', '{pharmacy}', '{}', true,
        now() - interval '30 days' + n * interval '1 minute' FROM generate_series(1, 3000) AS n
"""


def test_what_one_has_missed_is_listed_until_it_is_read(alpha, beta):
    client, url = alpha.client("main_doctor"), f"{alpha.url}/notices/"
    released(alpha, "4.1")
    assert bell(client.get(url))[1] == "1"
    page = client.get(url).content.decode()
    assert "Result ready: Potassium, Amara Okafor" in page
    [pk] = re.findall(r"notice-([0-9a-f-]{36})", page)
    assert client.post(f"{url}{pk}/", {"open": "1"}).headers["Location"].startswith(f"{alpha.url}/visits/")
    assert "Nothing unread" in client.get(url).content.decode() and bell(client.get(url))[1] == "0"
    assert "Amara" in client.get(f"{url}?show=all").content.decode()
    stranger = beta.client("main_doctor")
    assert "Amara" not in stranger.get(f"{beta.url}/notices/").content.decode()
    assert stranger.post(f"{beta.url}/notices/{pk}/").status_code == 404


def test_what_is_a_notice_for_one_person_is_listed_and_counted_for_that_person_only(alpha):
    """An appointment is cancelled: its provider is told, and the colleague in the same role is not."""
    desk = Desk(alpha)
    row = desk.book()
    with alpha.acting("reception") as acting:
        row.cancel("Ill", by=acting.person)
    url, words = f"{alpha.url}/notices/", "Cancelled: Amara"
    told = {
        who: (bell(page := client.get(url))[1], words in page.content.decode())
        for who, client in {
            "provider": alpha.client("main_doctor"),
            "colleague": alpha.client("main_doctor", "Second Doctor"),
            "reception": alpha.client("reception"),
        }.items()
    }
    assert told == {"provider": ("1", True), "colleague": ("0", False), "reception": ("0", False)}
    alpha.client("main_doctor").post(f"{url}read/")
    assert bell(alpha.client("main_doctor").get(url))[1] == "0"


def test_the_list_is_narrowed_to_one_kind(alpha):
    desk = Desk(alpha)
    row = desk.book()
    with alpha.acting("reception") as acting:
        row.cancel("Ill", by=acting.person)
    released(alpha, "4.1")
    client = alpha.client("main_doctor")
    words = ("Potassium", "Cancelled: Amara")
    shown = {"": (True, True), "lab:result_ready": (True, False), "appointment:cancelled": (False, True)}
    shown |= {"biopsy:result_received": (False, False), "no:such": (True, True)}
    for kind, expected in shown.items():
        page = client.get(f"{alpha.url}/notices/", {"kind": kind}).content.decode()
        assert (tuple(word in page for word in words), kind) == (expected, kind)


def test_reading_is_each_persons_own(alpha):
    released(alpha, "4.1")
    first, second = alpha.client("main_doctor"), alpha.client("main_doctor", "Second Doctor")
    first.post(f"{alpha.url}/notices/read/")
    assert bell(first.get(f"{alpha.url}/notices/"))[1] == "0"
    assert bell(second.get(f"{alpha.url}/notices/"))[1] == "1"


def test_all_are_read_up_to_now_and_what_comes_later_is_unread(alpha):
    client = alpha.client("main_doctor")
    released(alpha, "4.1")
    client.post(f"{alpha.url}/notices/read/")
    released(alpha, "4.2")
    assert bell(client.get(f"{alpha.url}/notices/"))[1] == "1"


def test_who_comes_for_the_first_time_has_missed_a_day_and_not_two_weeks(alpha):
    with time_machine.travel(timezone.now() - timedelta(days=3)):
        released(alpha, "4.2")
    released(alpha, "4.1")
    client = alpha.client("main_doctor")
    before = bell(client.get(f"{alpha.url}/notices/"))[1]
    lines = client.get(f"{alpha.url}/notices/").content.decode().count('id="notice-')
    client.post(f"{alpha.url}/notices/settings/", {"mails": "on"})
    assert (before, lines, bell(client.get(f"{alpha.url}/notices/"))[1]) == ("1", 1, "1")


def test_a_page_looks_at_no_more_of_the_log_than_the_days_that_it_counts(alpha):
    with alpha.acting(), connection.cursor() as cursor:
        cursor.execute(OLD_AND_LOUD, [alpha.tenant.pk])
    released(alpha, "4.1")
    client, url = alpha.client("main_doctor"), f"{alpha.url}/notices/"
    for is_known in (False, True):
        assert bell(client.get(url))[1] == "1"
        asked = {"tenant": alpha.tenant.pk, "person": alpha.main_doctor.pk, "role": "main_doctor"}
        asked |= {"new": NEW, "kept": KEPT, "many": 100, "names": ["visit:created", "lab:result_ready"]}
        assert rows_touched(alpha, frame.ASK, asked) < 50
        if not is_known:
            with alpha.acting():
                Preference.objects.update_or_create(
                    person=alpha.main_doctor, role="main_doctor", defaults={"read_through": 0}
                )


def rows_touched(hospital, question: str, values: dict) -> int:
    """How many rows of the log a question reads, those included that it does not want."""
    with hospital.acting(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {question}", values)
        return sum(touched(node["Plan"]) for node in cursor.fetchone()[0])


def touched(node: dict) -> int:
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    mine = own * node["Actual Loops"] if node.get("Relation Name") == "realtime_event" else 0
    return int(mine) + sum(touched(child) for child in node.get("Plans", []))


def test_a_role_lists_only_what_it_is_told(alpha):
    released(alpha, "4.1")
    for role in ("reception", "pharmacy", "billing"):
        assert "Potassium" not in alpha.client(role).get(f"{alpha.url}/notices/").content.decode()


def test_what_a_role_may_not_be_told_any_more_is_neither_counted_nor_listed(alpha):
    released(alpha, "4.1")
    client, url = alpha.client("main_doctor"), f"{alpha.url}/notices/"
    assert bell(client.get(url))[1] == "1"
    with alpha.acting():
        role = Role.objects.get(key="main_doctor")
        role.allow_exactly(role.permissions - set(catalogue.by_name["lab:result_ready"].needs))
    page = client.get(url)
    assert bell(page)[1] == "0" and 'id="notice-' not in page.content.decode()


@pytest.mark.parametrize("days", [0.5, 3, 13, 15])
@pytest.mark.parametrize("is_known", [False, True])
def test_the_bell_counts_what_the_list_shows_as_unread(alpha, days, is_known):
    if is_known:
        with time_machine.travel(timezone.now() - timedelta(days=20)), alpha.acting():
            Preference.of(alpha.main_doctor, "main_doctor")
    with time_machine.travel(timezone.now() - timedelta(days=days)):
        released(alpha, "4.2")
    page = alpha.client("main_doctor").get(f"{alpha.url}/notices/")
    unread = days < (14 if is_known else 1)
    assert (bell(page)[1], page.content.decode().count('id="notice-')) == (str(int(unread)), int(unread))


def test_a_person_chooses_toasts_and_e_mails_and_nobody_can_silence_an_alert(alpha):
    client, url = alpha.client("checker_doctor"), f"{alpha.url}/notices/settings/"
    assert client.post(url, {"toasts": ["lab:result_ready"]}).status_code == 302
    with alpha.acting():
        mine = Preference.objects.get(person=alpha.checker_doctor)
    assert not mine.mails and "visit:created" in mine.quiet and "lab:result_ready" not in mine.quiet
    client.post(url, {"mails": "on"})
    critical_value(alpha)
    page = client.get(f"{alpha.url}/patients/")
    assert "lab:result_ready" in re.search(r'data-quiet="([^"]*)"', page.content.decode())[1].split()
    assert "Potassium" in banners(page)
