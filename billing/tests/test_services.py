"""The service of an appointment is charged once, beside what the chart says, and what was waived is not asked for again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from billing.models import Account, Charge, Kind
from billing.procedures import WAIVED_ALREADY
from billing.tests.procedures import record, standing
from billing.tests.till import price
from billing.verify import faults
from clinical.models import Procedure, Visit
from clinical.tests.wards import a_visit
from hospital.tests.databases import somebody_waits_for
from realtime.tests.server import wait_until
from scheduling.models import Appointment
from scheduling.tests.desks import Desk, a_type


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def completed(alpha, desk: Desk, service: str):
    with alpha.acting():
        kind = a_type("Laser", service=service, needs_room=False)
        desk.doctor.offer_exactly([kind])
    appointment = desk.due(type=kind, provider=desk.doctor)
    with alpha.acting():
        appointment.check_in(by=None)
        for status in ("in_room", "with_provider", "completed"):
            appointment.move_to(status, by=None)
    return appointment


def test_check_out_says_what_it_will_charge(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    page = f"{alpha.url}/appointments/{appointment.pk}/check-out/"
    words = "With the check-out, Laser is charged"
    assert words not in alpha.client("reception").get(page).content.decode(), "it is charged already"
    with alpha.acting() as acting:
        appointment.undo_complete(by=acting.person)
    assert "nobody has set its price yet" in alpha.client("reception").get(page).content.decode()
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    shown = alpha.client("reception").get(page).content.decode()
    assert words in shown and "$75.00" in shown
    record(alpha, appointment.visit, "96920")
    assert words not in alpha.client("reception").get(page).content.decode(), "the chart has it"


def waive(hospital, source: Procedure | Appointment) -> None:
    with hospital.acting("admin") as acting:
        Charge.objects.get(source_id=source.pk).waive("Hardship", by=acting.person)


def test_what_was_waived_is_not_asked_for_again_by_the_appointment(alpha, desk):
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    with alpha.acting() as acting:
        appointment.undo_complete(by=acting.person)
    row = record(alpha, seen, "96920")
    waive(alpha, row)
    page = f"{alpha.url}/appointments/{appointment.pk}/check-out/"
    assert "With the check-out" not in alpha.client("reception").get(page).content.decode()
    with alpha.acting() as acting:
        appointment.complete(by=acting.person)
        row.change(by=acting.person, note="Left hand")
        assert (standing(seen), Account(seen).due) == ([], 0)


def test_what_was_waived_is_not_asked_for_again_by_the_chart(alpha, desk):
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    waive(alpha, appointment)
    record(alpha, seen, "96920")
    with alpha.acting():
        assert (standing(seen), Account(seen).due) == ([], 0)
        assert seen.charges.get(source_id=appointment.pk).cancelled_at is None


@pytest.fixture
def waived(alpha, desk) -> Appointment:
    """Completed, its service charged and waived."""
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    appointment = completed(alpha, desk, "96920")
    waive(alpha, appointment)
    return appointment


def test_a_waived_service_stands_for_one_row_of_the_chart_and_the_others_are_charged(alpha, waived):
    seen = waived.visit
    for _ in range(2):
        record(alpha, seen, "96920")
    with alpha.acting():
        assert (standing(seen), Account(seen).due) == ([("96920", 75)], 75)
        assert list(faults()) == []
    assert WAIVED_ALREADY in alpha.client("billing").get(f"{alpha.url}{seen.get_absolute_url()}").content.decode()


def test_what_was_waived_stays_so_when_the_check_out_is_taken_back_as_long_as_the_chart_has_it(alpha, waived):
    seen = waived.visit
    rows = [record(alpha, seen, "96920") for _ in range(2)]
    page = f"{alpha.url}/appointments/{waived.pk}/check-out/"
    with alpha.acting() as acting:
        waived.undo_complete(by=acting.person)
        assert (standing(seen), Account(seen).due) == ([("96920", 75)], 75)
        rows[1].take_back(by=acting.person, because="Written twice")
        assert (standing(seen), Account(seen).due) == ([], 0)
    assert "With the check-out" not in alpha.client("reception").get(page).content.decode()
    with alpha.acting() as acting:
        waived.complete(by=acting.person)
        assert (standing(seen), Account(seen).due) == ([], 0)
        waived.undo_complete(by=acting.person)
        rows[0].take_back(by=acting.person, because="Nothing was done")
        assert not seen.charges.live().filter(kind=Kind.PROCEDURE).exists()
        assert list(faults()) == []


@pytest.mark.parametrize("wrong", [0, 1])
def test_of_two_rows_one_is_taken_back_and_the_waived_service_stands_for_the_other(alpha, waived, wrong):
    seen = waived.visit
    rows = [record(alpha, seen, "96920") for _ in range(2)]
    with alpha.acting("main_doctor") as acting:
        rows[wrong].take_back(by=acting.person, because="Written twice")
        assert (standing(seen), Account(seen).due) == ([], 0)
        rows[1 - wrong].change(by=acting.person, code="17110")
        assert [code for code, _ in standing(seen)] == ["17110"]
        assert list(faults()) == []


def test_a_row_that_changes_its_code_frees_the_waived_service_for_the_next(alpha, waived):
    seen = waived.visit
    rows = [record(alpha, seen, "96920") for _ in range(2)]
    with alpha.acting("main_doctor") as acting:
        rows[0].change(by=acting.person, code="17110")
        assert [code for code, _ in standing(seen)] == ["17110"]
        rows[0].change(by=acting.person, code="96920")
        assert [code for code, _ in standing(seen)] == ["96920"]
        assert list(faults()) == []


def test_a_row_that_a_waived_service_stands_for_is_not_charged_in_a_later_visit(alpha, waived):
    seen = waived.visit
    row = record(alpha, seen, "96920")
    with alpha.acting("reception"):
        Visit.objects.get(pk=seen.pk).leave("Went home", by=None)
        later = a_visit(seen.patient)
    with alpha.acting("main_doctor") as acting:
        row.change(by=acting.person, note="Left hand")
        assert (standing(seen), standing(later)) == ([], [])


def test_a_service_stays_what_it_was_when_the_appointment_was_completed(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    row = record(alpha, seen, "17110")
    with alpha.acting() as acting:
        appointment.type.service = "96921"
        appointment.type.save(update_fields=["service"])
        row.change(by=acting.person, note="Left hand")
        assert [code for code, _ in standing(seen)] == ["17110", "96920"]
        appointment.type.service = "99213"
        appointment.type.save(update_fields=["service"])
        row.change(by=acting.person, note="Right hand")
        assert [code for code, _ in standing(seen)] == ["17110", "96920"]


def test_a_service_that_had_no_code_is_not_charged_long_afterwards(alpha, desk):
    appointment = completed(alpha, desk, "")
    seen = appointment.visit
    row = record(alpha, seen, "17110")
    with alpha.acting() as acting:
        Visit.objects.get(pk=seen.pk).leave("Went home", by=None)
        appointment.type.service = "96920"
        appointment.type.save(update_fields=["service"])
        row.change(by=acting.person, note="Left hand")
        assert [code for code, _ in standing(seen)] == ["17110"]


def test_the_service_of_an_appointment_is_charged_when_it_is_completed(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    with alpha.acting():
        assert [code for code, _ in standing(appointment.visit)] == ["96920"]
        appointment.move_to("with_provider", by=None)
        assert standing(appointment.visit) == []
        appointment.move_to("completed", by=None)
        assert [code for code, _ in standing(appointment.visit)] == ["96920"]


@pytest.mark.parametrize("service", ["", "99213", "11104", "consultation"])
def test_what_is_charged_otherwise_is_not_charged_with_the_appointment(alpha, desk, service):
    appointment = completed(alpha, desk, service)
    with alpha.acting():
        assert standing(appointment.visit) == []


def test_what_the_chart_says_takes_the_place_of_the_service_in_either_order(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    first = record(alpha, seen, "96920")
    with alpha.acting() as acting:
        assert [str(row) for row in seen.charges.open().filter(kind=Kind.PROCEDURE)] == ["As written"]
        appointment.undo_complete(by=acting.person)
        appointment.complete(by=acting.person)
        assert [code for code, _ in standing(seen)] == ["96920"]
    second = record(alpha, seen, "96920")  # done twice
    with alpha.acting() as acting:
        assert [code for code, _ in standing(seen)] == ["96920", "96920"]
        second.take_back(by=acting.person, because="Written twice")
        assert [code for code, _ in standing(seen)] == ["96920"]
        first.take_back(by=acting.person, because="It was the appointment's")
        assert [str(row) for row in seen.charges.open().filter(kind=Kind.PROCEDURE)] == ["Laser"]
        assert list(faults()) == []


def test_check_out_waits_for_the_visit_before_it_holds_the_appointment(alpha, desk):
    """A visit that ends holds them in this order. The other order would be a deadlock of two clicks at one moment."""
    appointment = completed(alpha, desk, "96920")
    with alpha.acting() as acting:
        appointment.undo_complete(by=acting.person)

    client = alpha.client("reception")

    def check_out() -> int:
        try:
            return client.post(
                f"{alpha.url}/appointments/{appointment.pk}/check-out/", {"at": "with_provider"}
            ).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with alpha.acting(), transaction.atomic():
            appointment.visit.lock()
            waiting = pool.submit(check_out)
            wait_until(lambda: somebody_waits_for(connection), 30, "check-out does not wait for the visit")
            list(Appointment.objects.select_for_update(of=("self",), nowait=True).filter(pk=appointment.pk))
        assert waiting.result(30) == 302
