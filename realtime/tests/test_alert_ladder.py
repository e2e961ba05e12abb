"""An alert climbs by the clock, and nothing that stops the clock makes it forget a step or take one twice."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from clinical.tests.laboratories import ordered, potassium, worked
from hospital.models import Letter, Membership
from realtime.alerts.models import NEVER, Alert, Climb, Ladder, Preference, Step
from realtime.alerts.raising import follow
from realtime.catalogue import LiveEvent, Loudness, catalogue
from realtime.models import Event
from realtime.tests.alarms import (
    again,
    alert_of,
    answer,
    critical_value,
    make_head,
    released,
    send_away,
    sweep,
    told,
)
from realtime.tests.server import ROOT, environment_of_run


@pytest.fixture
def house(alpha):
    """Two checker doctors, a head, a main doctor, an administrator."""
    people = [alpha.person("checker_doctor"), alpha.person("checker_doctor", "Second Checker"), alpha.admin]
    head = alpha.person("main_doctor", "Head Doctor")
    make_head(alpha, head, "main_doctor")
    assert all(people)
    return alpha


# --- raised -----------------------------------------------------------------------------


def test_a_critical_value_raises_an_alert_for_the_person_who_ordered_it(house):
    alert = critical_value(house)
    assert (alert.kind, alert.status, alert.step) == ("lab:result_ready", "raised", Step.PERSON)
    assert alert.addressed == [house.checker_doctor.pk] and alert.answers_id == house.checker_doctor.pk
    assert alert.titles["checker_doctor"] == "Critical high: Potassium 6.6 mmol/L, Amara Okafor"
    assert set(alert.titles) == {"checker_doctor", "main_doctor", "admin"}
    assert alert.link.startswith(f"{house.url}/visits/") and alert.expected == "6.6 mmol/L"
    assert told(house, alert) == [(Step.PERSON, {"Checker Doctor"})]


def test_a_value_that_is_not_critical_raises_none(house):
    order = released(house, "5.6")
    with house.acting():
        assert not Alert.objects.filter(object_id=order.pk).exists()


def test_what_is_rolled_back_raises_no_alert(house):
    with house.acting("admin"):
        test = potassium()
    _, [order] = ordered(house, test)
    worked(house, order, "resulted", "6.6")
    with pytest.raises(ZeroDivisionError), house.acting("lab_technician") as acting:
        order.release(by=acting.person)
        assert Alert.objects.filter(object_id=order.pk).exists()
        _ = 1 / 0
    with house.acting():
        assert not Alert.objects.filter(object_id=order.pk).exists() and not Letter.objects.exists()


def test_an_event_needs_nothing_but_its_declaration_to_raise_alerts(house, monkeypatch):
    """As a denied claim will: nobody's in particular, critical for one role."""
    denied = LiveEvent(
        "claim:denied",
        Membership,
        when=lambda *_: True,
        hears=("pharmacy",),
        needs=("clinical.dispense",),
        loudness=Loudness.CRITICAL,
        title="Claim of {0.person.name} denied",
        link="end_membership",
    )
    monkeypatch.setitem(catalogue.by_name, denied.name, denied)
    with house.acting():
        membership = Membership.grant(house.pharmacy, "pharmacy")
        follow(denied, membership, denied.levels_for(membership))
        alert = Alert.objects.get(kind="claim:denied")
    assert denied.may_alert and alert.addressed == [house.pharmacy.pk] and alert.expected == ""
    assert alert.titles["pharmacy"] == "Claim of Pharmacy denied"
    assert alert.link == f"{house.url}/people/memberships/{membership.pk}/end/"


def test_a_newer_word_about_the_same_thing_takes_the_place_of_the_alert(house):
    order = released(house)
    event = catalogue.by_name["lab:result_ready"]
    with house.acting():
        follow(event, order, {"main_doctor": Loudness.CRITICAL})
        first, second = Alert.objects.filter(object_id=order.pk).order_by("raised_at")
        follow(event, order, {"main_doctor": Loudness.NOTICE})
    assert (first.status, second.status) == ("superseded", "raised")
    assert again(house, second).status == "superseded"
    with house.acting():
        assert not Alert.objects.open().exists()


def test_a_role_that_may_not_read_results_any_more_is_not_told(house):
    with house.acting():
        role = Membership.objects.get(person=house.checker_doctor).role
        role.allow_exactly(role.permissions - {"clinical.view_results"})
    with house.acting("admin"):
        test = potassium()
    _, [order] = ordered(house, test)
    alert = alert_of(house, worked(house, order, "released", "6.6"))
    assert "checker_doctor" not in alert.titles and house.checker_doctor.pk not in alert.addressed
    assert alert.step == Step.COVER and alert.addressed == [house.person("main_doctor", "Head Doctor").pk]


def test_those_addressed_hear_of_it_and_the_roles_get_the_row(house):
    alert = critical_value(house)
    with house.acting():
        raised = Event.objects.get(name="alert:raised", object_id=alert.pk)
        listed = Event.objects.get(name="alert:listed", object_id=alert.pk)
    assert raised.people == [house.checker_doctor.pk]
    assert (set(listed.roles), listed.people) == ({"checker_doctor", "main_doctor", "admin"}, [])


# --- the steps --------------------------------------------------------------------------


def test_it_climbs_after_15_30_and_60_minutes_and_not_before(house):
    alert = critical_value(house)
    assert [sweep(house, alert, minutes) for minutes in (0, 5, 14.9)] == [0, 0, 0]
    assert [sweep(house, alert, minutes) for minutes in (15, 15.5, 29.9, 30, 59.9, 60, 60.5)] == [1, 0, 0, 1, 0, 1, 0]
    assert told(house, alert) == [
        (Step.PERSON, {"Checker Doctor"}),
        (Step.COVER, {"Second Checker", "Head Doctor"}),
        (Step.HEAD, {"Head Doctor"}),
        (Step.ADMIN, {"Admin"}),
    ]
    assert len(again(house, alert).addressed) == 4


def test_administrators_are_told_again_until_somebody_answers(house):
    alert = critical_value(house)
    for minutes in (15, 30, 60):
        sweep(house, alert, minutes)
    assert [sweep(house, alert, minutes) for minutes in (89, 90, 119, 120)] == [0, 1, 0, 1]
    answer(house, alert)
    assert sweep(house, alert, 500) == 0 and len(told(house, alert)) == 6


def test_an_hour_without_a_sweep_is_one_step_to_where_the_clock_is_and_nobody_is_left_out(house):
    alert = critical_value(house)
    assert sweep(house, alert, 75) == 1
    assert told(house, alert)[1:] == [(Step.ADMIN, {"Second Checker", "Head Doctor", "Admin"})]
    with house.acting():
        last = Climb.objects.filter(alert=alert).last()
    assert last.was_late and last.due_at == alert.raised_at + timedelta(minutes=60)
    assert last.why == "together with: cover, head"
    assert [sweep(house, alert, minutes) for minutes in (76, 89, 90)] == [0, 0, 1]


def test_a_night_without_a_sweep_repeats_once_and_not_for_each_time_that_was_missed(house):
    alert = critical_value(house)
    sweep(house, alert, 61)
    assert [sweep(house, alert, minutes) for minutes in (600, 601, 629, 630)] == [1, 0, 0, 1]


def test_an_acknowledged_alert_climbs_no_more(house):
    alert = critical_value(house)
    answer(house, alert)
    assert sweep(house, alert, 1000) == 0 and again(house, alert).next_at is None


def test_the_command_does_the_same_for_every_hospital(house, beta, capsys):
    ours, theirs = critical_value(house), critical_value(beta)
    for hospital, alert in ((house, ours), (beta, theirs)):
        with hospital.acting():
            Alert.objects.filter(pk=alert.pk).update(
                raised_at=timezone.now() - timedelta(minutes=16), next_at=timezone.now() - timedelta(minutes=1)
            )
    call_command("escalate")
    assert again(house, ours).step == again(beta, theirs).step - 2 == Step.COVER  # beta has no colleague and no head


def test_of_many_sweeps_at_once_in_processes_of_their_own_each_step_is_taken_once(house):
    alerts = [critical_value(house) for _ in range(6)]
    with house.acting():
        Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(
            raised_at=timezone.now() - timedelta(minutes=16), next_at=timezone.now() - timedelta(minutes=1)
        )
    command = [sys.executable, "manage.py", "escalate"]
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment_of_run(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=240)[0].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outputs
    assert [[step for step, _ in told(house, alert)] for alert in alerts] == [[Step.PERSON, Step.COVER]] * 6


def test_one_alert_that_cannot_climb_stops_no_other(house, caplog):
    broken, sound = critical_value(house), critical_value(house)
    with house.acting():
        Climb.objects.create(
            alert=broken, number=2, step=0, why="in the way", due_at=broken.raised_at, at=broken.raised_at
        )
    assert sweep(house, broken, 20) == 1 and "did not climb" in caplog.text
    assert (again(house, broken).step, again(house, sound).step) == (Step.PERSON, Step.COVER)


# --- who is there -------------------------------------------------------------------------


def test_who_is_away_is_not_waited_for_the_cover_is_told_at_once(house):
    send_away(house, house.checker_doctor, house.person("checker_doctor", "Second Checker"))
    alert = critical_value(house)
    assert told(house, alert) == [(Step.COVER, {"Second Checker"})]
    assert [sweep(house, alert, minutes) for minutes in (15, 29, 30)] == [0, 0, 1]
    assert again(house, alert).step == Step.HEAD


def test_the_cover_of_an_absent_cover_stands_in_and_a_circle_ends(house):
    first, second = house.checker_doctor, house.person("checker_doctor", "Second Checker")
    third = house.person("checker_doctor", "Third Checker")
    send_away(house, first, second)
    absence = send_away(house, second, third)
    assert told(house, critical_value(house)) == [(Step.COVER, {"Third Checker"})]
    with house.acting():
        absence.end()
    send_away(house, second, first)
    assert told(house, critical_value(house)) == [(Step.COVER, {"Third Checker", "Head Doctor"})]


def test_without_a_declared_cover_all_colleagues_in_the_roles_stand_in(house):
    send_away(house, house.checker_doctor)
    assert told(house, critical_value(house)) == [(Step.COVER, {"Second Checker", "Head Doctor"})]


@pytest.mark.parametrize("gone", ["deactivated", "no member", "away"])
def test_who_leaves_after_an_alert_was_raised_is_not_waited_for(house, gone):
    alert = critical_value(house)
    assert sweep(house, alert, 1) == 0
    if gone == "deactivated":
        house.checker_doctor.is_active = False
        house.checker_doctor.save()
    elif gone == "no member":
        with house.acting():
            Membership.objects.get(person=house.checker_doctor).end()
    else:
        send_away(house, house.checker_doctor)
    assert [sweep(house, alert, minutes) for minutes in (2, 3)] == [1, 0]
    assert told(house, alert)[1] == (Step.COVER, {"Second Checker", "Head Doctor"})


def test_where_nobody_is_on_a_step_it_goes_on_to_the_next_at_once(alpha):
    assert alpha.checker_doctor and alpha.admin
    alert = critical_value(alpha)
    assert sweep(alpha, alert, 15) == 1
    assert told(alpha, alert)[1:] == [(Step.ADMIN, {"Admin"})]
    with alpha.acting():
        assert Climb.objects.filter(alert=alert).last().why == "nobody there: cover, head"
    assert [sweep(alpha, alert, minutes) for minutes in (30, 44, 45)] == [0, 0, 1]


def test_administrators_are_told_even_if_all_of_them_are_away(alpha):
    assert alpha.admin
    send_away(alpha, alpha.admin)
    alert = critical_value(alpha)
    sweep(alpha, alert, 15)
    assert told(alpha, alert)[1:] == [(Step.ADMIN, {"Admin"})]


def test_without_any_active_administrator_the_alert_stays_open_and_is_tried_again(alpha, caplog):
    assert alpha.checker_doctor
    alert = critical_value(alpha)
    alpha.admin.is_active = False
    alpha.admin.save()
    sweep(alpha, alert, 15)
    assert "nobody can be told" in caplog.text
    assert again(alpha, alert).next_at > alert.raised_at and again(alpha, alert).is_open


# --- the ladder of the tenant -----------------------------------------------------------------


def test_a_kind_may_have_a_ladder_of_its_own_and_others_follow_the_common_one(house):
    with house.acting():
        Ladder.objects.create(kind="", cover_minutes=10, head_minutes=20, admin_minutes=40)
    assert [sweep(house, critical_value(house), 10)] == [1]
    with house.acting():
        Ladder.objects.create(kind="lab:result_ready", cover_minutes=2, head_minutes=4, admin_minutes=8)
    alert = critical_value(house)
    for minutes in (2, 4, 8):
        sweep(house, alert, minutes)
    assert [step for step, _ in told(house, alert)] == [0, 1, 2, 3]


def letters(house, alert):
    with house.acting():
        return sorted(Letter.objects.filter(kind="alert", about=alert.pk).values_list("to", flat=True))


def test_each_person_who_is_told_gets_an_e_mail_too_unless_they_want_none(house):
    with house.acting():
        silent = Preference.of(house.person("checker_doctor", "Second Checker"), "checker_doctor")
        silent.mails = False
        silent.save()
    alert = critical_value(house)
    assert letters(house, alert) == [house.checker_doctor.email]
    sweep(house, alert, 15)
    assert letters(house, alert) == sorted(
        [house.checker_doctor.email, house.person("main_doctor", "Head Doctor").email]
    )
    assert house.person("checker_doctor", "Second Checker").pk in again(house, alert).addressed


def test_the_hospital_decides_from_which_step_on_e_mails_go(house):
    with house.acting():
        ladder = Ladder.objects.create(mail_from=Step.HEAD)
    alert = critical_value(house)
    sweep(house, alert, 15)
    assert letters(house, alert) == []
    sweep(house, alert, 30)
    assert letters(house, alert) == [house.person("main_doctor", "Head Doctor").email]
    with house.acting():
        ladder.mail_from = NEVER
        ladder.save()
    sweep(house, alert, 60)
    assert len(letters(house, alert)) == 1
