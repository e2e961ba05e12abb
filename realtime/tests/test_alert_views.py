"""What people see of alerts, and what they may do with them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from hospital.models import AuditEntry, Membership
from realtime.alerts.models import Alert, Ladder
from realtime.tests.alarms import again, answer, banners, bell, critical_value, make_head, send_away, sweep

GIVEN = {"done": "acted", "text": "Calcium given.", "read_back": "6.6"}


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
    alert = critical_value(alpha)
    client = alpha.client("checker_doctor")
    client.post(f"{alpha.url}/role/", {"role": "reception"})
    shown = banners(client.get(f"{alpha.url}/patients/"))
    assert "A critical alert waits for you as Checker doctor" in shown
    assert f'name="next" value="{alpha.url}/alerts/{alert.pk}/"' in shown
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


def test_an_alert_older_than_the_log_of_notices_is_still_on_every_page(alpha):
    alert = critical_value(alpha)
    with alpha.acting():
        Alert.objects.filter(pk=alert.pk).update(raised_at=timezone.now() - timedelta(days=40))
    assert "Potassium" in banners(alpha.client("checker_doctor").get(f"{alpha.url}/patients/"))


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


def test_an_administrator_gives_up_a_ladder_of_its_own_and_open_alerts_climb_as_all_others(alpha):
    with alpha.acting():
        Ladder.objects.create(cover_minutes=20)
        Ladder.objects.create(kind="lab:result_ready", cover_minutes=5)
    alert = critical_value(alpha)
    client, url = alpha.client("admin"), f"{alpha.url}/alerts/ladder/"
    assert b'value="lab:result_ready"' in client.get(url).content
    assert client.post(f"{url}give-up/", {"kind": "lab:result_ready"}).status_code == 302
    assert again(alpha, alert).next_at == alert.raised_at + timedelta(minutes=20)
    assert b'value="lab:result_ready"' not in client.get(url).content
    with alpha.acting():
        assert AuditEntry.objects.filter(action="delete", table="realtime_ladder").exists()


@pytest.mark.parametrize("kind", ["", "lab:result_ready", "no:such"])
def test_only_a_ladder_of_its_own_can_be_given_up(alpha, kind):
    with alpha.acting():
        Ladder.objects.create()
    assert alpha.client("admin").post(f"{alpha.url}/alerts/ladder/give-up/", {"kind": kind}).status_code == 404
    with alpha.acting():
        assert Ladder.objects.count() == 1


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
    assert by["all", "All"] == ["4", "1", "6.0", "17.2", "20.0", "Responsible person"]
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
