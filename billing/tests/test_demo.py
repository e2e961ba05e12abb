"""The demo: something waits everywhere, nothing lies in the future, and a second run changes nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.demo import diary
from billing.demo.clock import played_time, real_now
from billing.demo.houses import HOUSES, LOG_IN_WITH
from billing.demo.plans import make
from billing.models import Account, Book, Charge, Claim, Denial, JournalLine, Kind, Payment
from clinical.models import (
    Allergy,
    Biopsy,
    LabOrder,
    LabResult,
    Medicine,
    Patient,
    Prescription,
    PrescriptionLine,
    Visit,
)
from hospital.models import AuditEntry, Membership, Person, Role, Tenant
from hospital.roles import ROLE_KEYS
from hospital.tenancy import acting_for
from realtime.alerts.models import Alert, Preference
from realtime.models import Event
from scheduling.models import Appointment, Location, Wish
from scheduling.stranded import stranded


def demo(**options: object) -> str:
    out = io.StringIO()
    call_command("demo", stdout=out, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def houses(django_db_setup, django_db_blocker, tmp_path_factory) -> dict[str, Tenant]:
    """Made once, without the public records."""
    with django_db_blocker.unblock():
        demo(records=tmp_path_factory.mktemp("nothing"))
        return {house.slug: Tenant.objects.get(slug=house.slug) for house in HOUSES}


def found(model: type, field: str) -> set[str]:
    return set(model.objects.values_list(field, flat=True))


def test_every_state_of_a_visit_and_its_money_is_there(houses):
    with acting_for(houses["riverside"]):
        assert found(Visit, "status") == set(Visit.Status.values)
        assert found(Visit, "payment") == set(Visit.Payment.values)


def test_tests_wait_at_every_stage_and_some_are_alarming(houses):
    with acting_for(houses["riverside"]):
        assert found(LabOrder, "status") >= set(LabOrder.Status.values) - {"cancelled"}
        assert found(LabResult, "flag") >= {"", "high", "abnormal", "critical_low"}
        assert Visit.objects.filter(status="lab_done", lab_orders__result__flag="critical_low").exists()


def test_an_alert_waits_and_another_was_answered(houses):
    with acting_for(houses["riverside"]):
        assert found(Alert, "status") == {"raised", "acknowledged"}
        assert (
            all(alert.addressed for alert in Alert.objects.open()) and Membership.objects.filter(is_head=True).exists()
        )


@pytest.mark.parametrize("slug", ["riverside", "lakeside"])
def test_each_biopsy_that_was_taken_is_charged_at_its_price(houses, slug):
    with acting_for(houses[slug]):
        taken = Biopsy.objects.exclude(collected_at=None)
        charged = Charge.objects.open().filter(kind=Kind.PROCEDURE, amount__gt=0, needs_price=False)
        assert taken and set(taken.values_list("pk")) == set(charged.values_list("source_id"))


def test_prescriptions_wait_at_the_pharmacy(houses):
    with acting_for(houses["riverside"]):
        assert found(Prescription, "status") >= {"active", "dispensing", "dispensed"}
        assert found(PrescriptionLine, "status") >= {"pending", "partial", "dispensed", "declined"}


def test_the_shelves_have_something_of_every_kind(houses):
    with acting_for(houses["riverside"]):
        states = {state for medicine in Medicine.objects.all() for state, _ in medicine.stock.states}
        assert states >= {"ok", "low", "expiring", "quarantined"}
        assert any(batch.is_expired for medicine in Medicine.objects.all() for batch in medicine.batches.all())


def test_nothing_lies_in_the_future_and_everything_has_a_price(houses):
    for tenant in houses.values():
        with acting_for(tenant):
            now = timezone.now()
            assert not Visit.objects.filter(registered_at__gt=now).exists()
            assert not Payment.objects.filter(received_at__gt=now).exists()
            assert not Charge.objects.filter(needs_price=True).exists()
            assert Visit.objects.filter(ended_at=None).count() > 5


def test_the_money_of_each_visit_is_what_its_status_says(houses):
    with acting_for(houses["riverside"]):
        for visit in Visit.objects.all():
            assert Account(visit).payment == visit.payment


def test_payers_owe_something_and_refuse_something(houses):
    with acting_for(houses["riverside"]):
        assert JournalLine.objects.on(Book.PAYERS).net() > 0
        assert Denial.objects.open().at_risk() > 0
        assert Claim.objects.filter(status=Claim.Status.PAID).exists()


def test_each_step_was_taken_by_the_person_whose_work_it_is(houses):
    with acting_for(houses["riverside"]):
        dispenser = Person.objects.get(email="pharmacy@riverside.example")
        assert set(AuditEntry.objects.filter(table="clinical_stockmove").values_list("person_id", flat=True)) == {
            dispenser.pk
        }
        assert AuditEntry.objects.filter(table="clinical_stockmove").first().role == "pharmacy"


def test_one_person_works_in_both_houses_and_one_has_several_roles(houses):
    with acting_for(houses["riverside"]):
        several = Person.objects.get(email="several@riverside.example")
        assert Role.objects.held_by(several).count() == 3
    for tenant in houses.values():
        with acting_for(tenant):
            assert Role.objects.held_by(Person.objects.get(email="everywhere@hospitals.example")).exists()


def test_nobody_begins_with_a_bell_full_of_what_happened_before(houses):
    for tenant in houses.values():
        with acting_for(tenant):
            latest = Event.objects.filter(loud=True).order_by("-seq").values_list("seq", flat=True)[6]
            held = {(one.person_id, one.role.key) for one in Membership.objects.select_related("role")}
            read = {(one.person_id, one.role): one.read_through for one in Preference.objects.all()}
        assert set(read) == held and min(read.values()) >= latest


def test_the_houses_know_nothing_of_each_other(houses):
    with acting_for(houses["lakeside"]):
        lakeside = {str(key) for key in Patient.objects.values_list("pk", flat=True)}
    with acting_for(houses["riverside"]):
        assert not Patient.objects.filter(pk__in=lakeside).exists()


def test_a_second_run_changes_nothing(houses, tmp_path):
    before = {}
    for tenant in houses.values():
        with acting_for(tenant):
            before[tenant.slug] = AuditEntry.objects.count()
    assert "is there already" in demo(records=tmp_path)
    for tenant in houses.values():
        with acting_for(tenant):
            assert AuditEntry.objects.count() == before[tenant.slug]


def test_everybody_on_the_list_can_log_in(houses, rf):
    listed = demo(logins=True)
    for house in HOUSES:
        assert {role for account in house.people for role in account.roles} == set(ROLE_KEYS)
        for account in house.people:
            assert account.email in listed
    assert LOG_IN_WITH in listed
    person = Person.objects.get(email="reception@lakeside.example")
    assert person.check_password(LOG_IN_WITH)
    assert authenticate(rf.post("/"), email=person.email, password=LOG_IN_WITH) == person


def test_production_refuses_it(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production system"):
        demo()


def test_while_a_day_is_played_everybody_is_told_its_time_and_then_the_true_one_again():
    with played_time() as clock:
        clock.at = then = real_now().replace(year=2001)
        assert timezone.now() == then
        assert Visit().registered_at == then
        assert Allergy().recorded_at == then
    assert timezone.now is real_now
    assert Visit().registered_at.year > 2001


def test_appointments_are_there_in_each_state_and_those_to_come(houses):
    for tenant in houses.values():
        with acting_for(tenant):
            assert found(Appointment, "status") == set(Appointment.Status.values)
            assert found(Wish, "status") >= {"waiting", "offered", "withdrawn"}
            assert Appointment.objects.filter(begins_at__gt=timezone.now(), status="booked").count() > 10
            assert Appointment.objects.exclude(series=None).count() > 1
            assert len(found(Location, "time_zone")) == 2
            assert [row.kind for row in stranded()].count("away") == 1


def test_who_came_by_appointment_is_the_patient_of_the_visit(houses):
    with acting_for(houses["riverside"]):
        rows = Appointment.objects.exclude(visit=None).select_related("visit")
        assert rows.count() > 5
        assert {row.visit.patient_id == row.patient_id for row in rows} == {True}


@pytest.mark.parametrize(
    "clock",
    [
        "2027-01-01 05:04:00",
        pytest.param("2027-03-14 06:58:00", marks=pytest.mark.slow),
        pytest.param("2026-11-26 17:00:00", marks=pytest.mark.slow),
        "2027-06-20 03:58:00",
    ],
)
def test_the_demo_is_made_at_any_hour(clock, tmp_path_factory):
    """A minute after a holiday began, in the night in which the clock is put forward, at noon of a feast, before midnight."""
    house = replace(HOUSES[0], slug=f"hour-{uuid4().hex[:8]}", imports=False, former_days=1)
    diary.SITES[house.slug] = diary.SITES["riverside"]
    with time_machine.travel(datetime.fromisoformat(f"{clock}+00:00"), tick=False):
        tenant = house.open()
        assert make(house, tenant, tmp_path_factory.mktemp("nothing"))
        with acting_for(tenant):
            assert found(Appointment, "status") >= {"booked", "arrived", "completed", "no_show", "rescheduled"}
