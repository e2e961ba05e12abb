"""Who hears of patients, visits and calls. The sockets themselves are tested in realtime."""

import pytest

from clinical.models import Patient, Visit
from clinical.tests.wards import a_patient, a_test, a_visit
from realtime.models import Event
from realtime.render import render
from realtime.tests.heard import events_named

EVERYBODY = {"reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "billing", "admin"}


def test_a_new_patient_is_heard_at_the_desk_and_by_the_admin(alpha):
    with alpha.acting("reception") as acting:
        patient = a_patient()
        patient.change(by=acting.person, city="Lagos")
    with alpha.acting():
        [registered], [updated] = events_named("patient:registered"), events_named("patient:updated")
        assert (set(registered.roles), registered.patient_id) == ({"reception", "admin"}, patient.pk)
        assert set(updated.roles) == EVERYBODY - {"admin"}


def test_a_new_visit_is_a_notice_for_the_checker_doctor_and_silent_for_others(alpha):
    with alpha.acting("reception"):
        visit = a_visit()
    with alpha.acting():
        [created] = events_named("visit:created")
        assert created.loudness == {"checker_doctor": "notice", "reception": "info", "admin": "info"}
        assert (created.object_id, created.patient_id) == (visit.pk, visit.patient_id)


def test_each_step_and_payment_of_a_visit_is_heard_by_all_on_its_way(alpha):
    with alpha.acting():
        visit = a_visit(paid=False)
        steps = [
            lambda: visit.set_payment("paid"),
            lambda: visit.examine(by=None, symptoms="", findings="", vitals={}, tests=[a_test()]),
            lambda: visit.lab_orders.get().cancel("No", by=None),
            lambda: Visit.objects.get(pk=visit.pk).cancel("No", by=None),
        ]
        for step in steps:
            before = len(events_named("visit:updated"))
            step()
            events = events_named("visit:updated")
            assert len(events) > before
            assert set(events[-1].roles) == EVERYBODY


def test_a_call_is_a_notice_for_reception_and_the_board_and_its_end_is_silent(alpha):
    with alpha.acting("checker_doctor") as acting:
        visit = a_visit()
        visit.place.call(to="Room 2", by=acting.person)
        visit.place.uncall(by=acting.person)
        visit.place.call(to="Room 2", by=acting.person)
        visit.cancel("Went home", by=None)
    with alpha.acting():
        levels = [event.loudness for event in events_named("queue:called")]
        assert levels == [
            dict.fromkeys(("board", "reception"), level) for level in ("notice", "info", "notice", "info")
        ]


def test_a_place_that_ends_without_a_call_says_nothing(alpha):
    with alpha.acting():
        a_visit().cancel("Went home", by=None)
        assert events_named("queue:called") == []


def test_what_is_rolled_back_is_not_heard(alpha):
    with pytest.raises(ZeroDivisionError), alpha.acting("reception"):
        a_visit()
        raise ZeroDivisionError
    with alpha.acting():
        assert events_named("visit:created") == events_named("patient:registered") == []


def test_the_other_hospital_hears_nothing(alpha, beta):
    with alpha.acting("reception"):
        a_visit()
    with beta.acting():
        assert not Event.objects.exists()


@pytest.mark.parametrize("role", ["checker_doctor", "reception", "admin"])
def test_the_row_that_is_pushed_names_its_lists_its_version_and_its_place(alpha, role):
    with alpha.acting():
        visit = a_visit(paid=False)
    with alpha.acting(role):
        html = render("clinical/visit/_row.html", Visit.objects.get(pk=visit.pk))
    assert f'id="visit-{visit.pk}" data-v="{visit.version}"' in html
    assert 'data-lists="visits visits-open visits-owing examination visits-examination" data-sort="02 ' in html


def test_a_visit_that_is_over_leaves_the_queues_and_stays_for_the_day(alpha):
    with alpha.acting():
        visit = a_visit()
        visit.cancel("Went home", by=None)
        assert 'data-lists="visits visits-over" data-sort="15 ' in render("clinical/visit/_row.html", visit)


def test_rows_are_pushed_in_the_order_of_the_page(alpha):
    from clinical.templatetags.visits import sort_of

    with alpha.acting("reception") as acting:
        visits = [a_visit(priority=priority) for priority in ("routine", "urgent", "emergency", "routine")]
        visits[0].place.move_to_queue("pharmacy", by=acting.person)
        visits[1].cancel("Went home", by=None)
        shown = list(Visit.objects.in_order().shown())
        assert shown == sorted(shown, key=sort_of)
        assert shown[0] == visits[2]


def test_the_token_on_the_board_knows_no_patient(alpha):
    with alpha.acting("checker_doctor") as acting:
        place = a_visit().place
        place.call(to="Room 2", by=acting.person)
        html = render("clinical/board/_token.html", place)
    with alpha.acting():
        patient = Patient.objects.get()
    assert 'data-lists="board"' in html
    assert "E-001" in html
    assert not any(str(word) in html for word in (patient.given_name, patient.family_name, patient.pk))
