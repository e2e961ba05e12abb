"""What people see of alerts and notices, and what they may do with them."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from hospital.models import Membership, Role
from realtime.alerts import frame
from realtime.alerts.models import NEW, Alert, Ladder, Preference
from realtime.alerts.notices import KEPT
from realtime.catalogue import catalogue
from realtime.tests.alarms import again, answer, critical_value, make_head, released, send_away, sweep

OLD_AND_LOUD = """
    INSERT INTO realtime_event (id, tenant_id, name, object_id, loudness, roles, people, loud, created_at)
    SELECT gen_random_uuid(), %s, 'visit:created', gen_random_uuid(), '{"pharmacy": "notice"}', '{pharmacy}', '{}', true,
        now() - interval '30 days' + n * interval '1 minute' FROM generate_series(1, 3000) AS n
"""
GIVEN = {"done": "acted", "text": "Calcium given.", "read_back": "6.6"}


def banners(page) -> str:
    content = page.content.decode()
    return content.partition('id="alert-banners"')[2].partition('id="alerts"')[0]


def bell(page) -> tuple[int, str]:
    content = page.content.decode()
    found = re.search(r'aria-label="Alerts: (\d+) wait', content)
    unread = re.search(r'aria-label="Notices: (\S+) unread"', content)
    return int(found[1]), unread[1]


# --- on every page ------------------------------------------------------------------------


def test_every_page_shows_the_alerts_that_wait_for_its_person_until_they_are_answered(alpha):
    other = alpha.client("checker_doctor", "Second Checker")
    alert = critical_value(alpha)
    client = alpha.client("checker_doctor")
    page = client.get(f"{alpha.url}/patients/")
    assert "Potassium 6.6 mmol/L, Amara Okafor" in banners(page) and bell(page)[0] == 1
    assert "Potassium" not in banners(other.get(f"{alpha.url}/patients/"))
    answer(alpha, alert)
    page = client.get(f"{alpha.url}/patients/")
    assert "Potassium" not in banners(page) and bell(page)[0] == 0


def test_the_banner_stays_for_everybody_whom_the_alert_has_reached(alpha):
    clients = {name: alpha.client("checker_doctor", name) for name in ("", "Second Checker")}
    alert = critical_value(alpha)
    sweep(alpha, alert, 15)
    assert all("Potassium" in banners(client.get(f"{alpha.url}/patients/")) for client in clients.values())


def test_who_acts_in_another_role_learns_that_an_alert_waits_but_nothing_of_the_patient(alpha):
    with alpha.acting():
        Membership.grant(alpha.checker_doctor, "reception")
    critical_value(alpha)
    client = alpha.client("checker_doctor")
    client.post(f"{alpha.url}/role/", {"role": "reception"})
    shown = banners(client.get(f"{alpha.url}/patients/"))
    assert "A critical alert waits for you as Checker doctor" in shown
    assert "Potassium" not in shown and "Okafor" not in shown


def test_only_the_own_hospital_is_shown(alpha, beta):
    with beta.acting():
        Membership.grant(alpha.checker_doctor, "checker_doctor")
    critical_value(alpha)
    page = alpha.client("checker_doctor").get(f"{beta.url}/patients/")
    assert "Potassium" not in banners(page) and bell(page)[0] == 0


def test_more_than_three_alerts_are_counted_and_not_piled_up(alpha):
    for _ in range(5):
        critical_value(alpha)
    shown = banners(alpha.client("checker_doctor").get(f"{alpha.url}/patients/"))
    assert shown.count("Potassium 6.6") == 3 and "2 more alerts wait" in shown


def test_the_wall_board_shows_none_of_it(alpha):
    critical_value(alpha)
    page = alpha.client("board").get(f"{alpha.url}/board/").content.decode()
    assert "alert-banners" not in page and "alert-counts" not in page


# --- list, page, answer -----------------------------------------------------------------------


def test_the_list_shows_the_alerts_of_the_role_and_filters_them(alpha, beta):
    first, second = critical_value(alpha), critical_value(alpha)
    answer(alpha, first)
    client, url = alpha.client("checker_doctor"), f"{alpha.url}/alerts/"
    shown = {show: client.get(f"{url}?show={show}").content.decode() for show in ("", "mine", "settled", "all")}
    ids = {show: (f"alert-{first.pk}" in page, f"alert-{second.pk}" in page) for show, page in shown.items()}
    assert ids == {"": (False, True), "mine": (False, True), "settled": (True, False), "all": (True, True)}
    for stranger in (alpha.client("pharmacy").get(url), beta.client("checker_doctor").get(f"{beta.url}/alerts/")):
        assert stranger.status_code == 200 and "Potassium" not in stranger.content.decode()


def test_the_page_of_an_alert_tells_its_course(alpha):
    alert = critical_value(alpha)
    second = alpha.person("checker_doctor", "Second Checker")
    send_away(alpha, alpha.checker_doctor, second)
    sweep(alpha, alert, 3)
    answer(alpha, alert)
    page = alpha.client("main_doctor").get(f"{alpha.url}/alerts/{alert.pk}/").content.decode()
    for words in (
        "Second Checker, cover, on screen",
        "the person is not there any more",
        "Calcium given",
        "by Checker Doctor (Checker doctor)",
        "Read back as “6.6”",
    ):
        assert words in page


@pytest.mark.parametrize("role", ["pharmacy", "reception", "billing", "lab_technician"])
def test_a_role_that_an_alert_is_not_for_finds_nothing_at_its_address(alpha, role):
    alert = critical_value(alpha)
    client = alpha.client(role)
    assert client.get(f"{alpha.url}/alerts/{alert.pk}/").status_code == 404
    assert client.post(f"{alpha.url}/alerts/{alert.pk}/acknowledge/", GIVEN).status_code == 404
    assert again(alpha, alert).is_open


def test_another_hospital_finds_nothing_at_its_address(alpha, beta):
    alert = critical_value(alpha)
    client = beta.client("admin")
    assert client.get(f"{beta.url}/alerts/{alert.pk}/").status_code == 404
    assert client.post(f"{beta.url}/alerts/{alert.pk}/acknowledge/", GIVEN).status_code == 404


def test_an_alert_is_acknowledged_with_a_form_in_a_dialog_or_on_a_page(alpha):
    first, second = critical_value(alpha), critical_value(alpha)
    client = alpha.client("checker_doctor")
    page = client.post(f"{alpha.url}/alerts/{first.pk}/acknowledge/", GIVEN)
    assert (page.status_code, page.headers["Location"]) == (302, f"{alpha.url}/alerts/{first.pk}/")
    over = {"HX-Request": "true", "HX-Target": "dialog"}
    assert b"Read back" in client.get(f"{alpha.url}/alerts/{second.pk}/acknowledge/", headers=over).content
    answered = client.post(f"{alpha.url}/alerts/{second.pk}/acknowledge/", GIVEN, headers=over)
    assert (answered.status_code, answered.headers["HX-Trigger"]) == (204, "close-dialog")
    assert not again(alpha, first).is_open and not again(alpha, second).is_open


def test_a_wrong_read_back_is_said_at_the_field_and_what_was_written_stays(alpha):
    alert = critical_value(alpha)
    answered = alpha.client("checker_doctor").post(
        f"{alpha.url}/alerts/{alert.pk}/acknowledge/", GIVEN | {"read_back": "5.6"}
    )
    assert answered.status_code == 422
    assert "This is not the value" in answered.content.decode() and "Calcium given." in answered.content.decode()
    assert again(alpha, alert).is_open


@pytest.mark.parametrize("typed", ["1,200", "1,200 mmol/L", "1200", "1.2"])
@pytest.mark.parametrize("expected", ["1.2 mmol/L", "1200 mmol/L"])
def test_a_comma_that_can_be_read_in_two_ways_is_asked_back_in_words(alpha, typed, expected):
    alert = critical_value(alpha)
    with alpha.acting():
        Alert.objects.filter(pk=alert.pk).update(expected=expected)
    url = f"{alpha.url}/alerts/{alert.pk}/acknowledge/"
    answered = alpha.client("checker_doctor").post(url, GIVEN | {"read_back": typed})
    asked = "The comma can be read in two ways" in answered.content.decode()
    assert asked == ("," in typed)
    is_right = not asked and float(typed) == float(expected.split()[0])
    assert (answered.status_code, again(alpha, alert).is_open) == ((302, False) if is_right else (422, True))


def test_an_alert_that_is_settled_answers_409_and_says_by_whom(alpha):
    alert = critical_value(alpha)
    answer(alpha, alert)
    answered = alpha.client("main_doctor").post(f"{alpha.url}/alerts/{alert.pk}/acknowledge/", GIVEN)
    assert answered.status_code == 409 and "Checker Doctor acknowledged it" in answered.content.decode()


# --- the ladder ---------------------------------------------------------------------------------


def test_an_administrator_sets_a_ladder_and_open_alerts_follow_it(alpha):
    alert = critical_value(alpha)
    client, url = alpha.client("admin"), f"{alpha.url}/alerts/ladder/edit/?kind=lab:result_ready"
    values = {"cover_minutes": 5, "head_minutes": 10, "admin_minutes": 20, "mail_from": 1}
    assert client.post(url, values).status_code == 302
    assert again(alpha, alert).next_at == alert.raised_at + timedelta(minutes=5)
    assert b"5" in client.get(f"{alpha.url}/alerts/ladder/").content
    with alpha.acting():
        assert Ladder.of("lab:result_ready").cover_minutes == 5 and Ladder.of("other:kind").cover_minutes == 15


def test_a_ladder_is_changed_on_its_page_only_where_open_alerts_follow_it(alpha):
    with alpha.acting():
        ladder = Ladder.objects.create()
    client, url = alpha.client("admin"), f"{alpha.url}/admin/realtime/ladder/"
    assert client.get(url).status_code == 200
    values = {"kind": "no:such", "cover_minutes": 1, "head_minutes": 2, "admin_minutes": 3, "mail_from": 0}
    answers = [client.post(f"{url}{path}", values).status_code for path in ("add/", f"{ladder.pk}/change/")]
    assert answers == [403, 403]
    with alpha.acting():
        assert Ladder.of("no:such").cover_minutes == 15


@pytest.mark.parametrize(
    "wrong", [{"cover_minutes": 0}, {"head_minutes": 4}, {"admin_minutes": 1441}, {"mail_from": 7}]
)
def test_a_ladder_that_does_not_climb_is_refused(alpha, wrong):
    values = {"cover_minutes": 5, "head_minutes": 10, "admin_minutes": 20, "mail_from": 1} | wrong
    answered = alpha.client("admin").post(f"{alpha.url}/alerts/ladder/edit/", values)
    assert answered.status_code == 422
    with alpha.acting():
        assert not Ladder.objects.exists()


def test_two_administrators_who_change_a_ladder_are_merged_or_asked(alpha):
    with alpha.acting():
        Ladder.objects.create()
    client, url = alpha.client("admin"), f"{alpha.url}/alerts/ladder/edit/"
    opened = {
        "version": 1,
        "opened-cover_minutes": 15,
        "opened-head_minutes": 30,
        "opened-admin_minutes": 60,
        "opened-mail_from": 0,
    }
    values = {"cover_minutes": 15, "head_minutes": 30, "admin_minutes": 60, "mail_from": 0}
    assert client.post(url, opened | values | {"cover_minutes": 10}).status_code == 302
    assert client.post(url, opened | values | {"admin_minutes": 90}).status_code == 302
    assert client.post(url, opened | values | {"cover_minutes": 20}).status_code == 409
    with alpha.acting():
        assert (Ladder.of("").cover_minutes, Ladder.of("").admin_minutes) == (10, 90)


# --- the report -------------------------------------------------------------------------------------


def test_the_report_says_how_long_alerts_waited(alpha):
    for minutes in (4, 6, 20):
        alert = critical_value(alpha)
        answer(alpha, alert)
        with alpha.acting():
            acknowledged = Alert.objects.get(pk=alert.pk).acknowledged_at
            Alert.objects.filter(pk=alert.pk).update(raised_at=acknowledged - timedelta(minutes=minutes))
    critical_value(alpha)
    answered = alpha.client("admin").get(f"{alpha.url}/alerts/report/csv/?days=30")
    rows = list(csv.reader(io.StringIO(answered.content.decode().removeprefix("\ufeff"))))
    by = {(row[0], row[1]): row[2:] for row in rows[1:]}
    assert by["all", "All"] == ["4", "1", "6.0", "17.2", "20.0", "Whose it is"]
    assert by["kind", "Lab: result ready"] == by["all", "All"]
    assert by["role", "Checker doctor"][:3] == ["3", "0", "6.0"]
    assert [row for row in rows if row[0] == "month"]
    assert b"17.2" in alpha.client("admin").get(f"{alpha.url}/alerts/report/").content


def test_a_head_sees_the_figures_of_the_role_and_others_their_own(alpha):
    second = alpha.person("checker_doctor", "Second Checker")
    critical_value(alpha)
    client = alpha.client("checker_doctor", "Second Checker")

    def counted() -> str:
        answered = client.get(f"{alpha.url}/alerts/report/csv/").content.decode()
        return next(row[2] for row in csv.reader(io.StringIO(answered)) if row[1] == "All")

    assert counted() == "0"
    make_head(alpha, second, "checker_doctor")
    assert counted() == "1"


# --- notices ------------------------------------------------------------------------------------------


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
    client.post(url, {})
    critical_value(alpha)
    page = client.get(f"{alpha.url}/patients/")
    assert (
        "Potassium" in banners(page) and "lab:result_ready" in page.content.decode().partition("data-quiet=")[2][:200]
    )


def test_an_alert_older_than_the_log_of_notices_is_still_on_every_page(alpha):
    alert = critical_value(alpha)
    with alpha.acting():
        Alert.objects.filter(pk=alert.pk).update(raised_at=timezone.now() - timedelta(days=40))
    assert "Potassium" in banners(alpha.client("checker_doctor").get(f"{alpha.url}/patients/"))
