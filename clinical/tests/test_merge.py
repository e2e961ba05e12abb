"""Two records of one person: merged while others write, and taken apart again."""

from __future__ import annotations

from datetime import date
from threading import Event as Signal
from threading import Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinical import merging
from clinical.models import (
    Allergy,
    ChartGrant,
    LabOrder,
    Merge,
    MergedRow,
    Patient,
    PatientContact,
    PatientIdentifier,
    PatientRelation,
    Policy,
    PossibleDuplicate,
    Visit,
)
from clinical.models.restriction import openable, reason_of
from clinical.privacy import unlock
from clinical.tests.wards import a_patient, a_test, a_visit
from hospital.models import AuditEntry
from hospital.tests.world import World
from hospital.workflow import Refused
from realtime.models import Event


def two(**fields) -> tuple[Patient, Patient]:
    """The source and the survivor."""
    return a_patient(given_name="Amarra", phone="(212) 555-0142", **fields), a_patient()


def merged(hospital, **choices: str) -> tuple[Patient, Patient, Merge]:
    source, survivor = two()
    return source, survivor, Merge.make(source, survivor, by=hospital.person("reception"), choices=choices)


def belonging(patient: Patient) -> dict[tuple[str, str], set]:
    """The rows of this patient, by table and column."""
    return {
        (column.table, column.name): set(
            column.model._base_manager.filter(**{column.name: patient.pk}).values_list("pk", flat=True)
        )
        for column in merging.columns()
    }


def test_every_row_of_every_app_follows_and_comes_back(alpha):
    """A table that is added later is in it by itself; one whose rows may not change must let them follow."""
    world = World(alpha)
    with alpha.acting("reception") as acting:
        source = Patient.objects.get(visits=world.visits["done"])
        survivor = a_patient()
        PatientContact.record(source, by=acting.person, name="Grace Okafor", relationship="mother")
        before = belonging(source)
        assert {"clinical_visit", "clinical_prescription", "billing_charge", "billing_payment"} <= {
            table for (table, _), rows in before.items() if rows
        }
        merge = Merge.make(source, survivor, by=acting.person)
        assert not any(belonging(source).values())
        assert belonging(survivor) == before
        assert merge.undo(by=acting.person) == []
        assert belonging(source) == before
        assert not any(belonging(survivor).values())


def test_every_table_with_a_key_to_a_patient_is_watched():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE tgname LIKE 'a_follow_merge_%'"
        )
        watched = {table for (table,) in cursor.fetchall()}
    assert {column.table for column in merging.columns() if column.is_key} == watched


def test_the_source_stays_and_points_to_the_survivor(alpha):
    with alpha.acting("reception"):
        source, survivor, merge = merged(alpha)
        source.refresh_from_db()
        assert source.merged_into == survivor
        assert source.current == survivor
        assert AuditEntry.objects.filter(table="clinical_merge", row_id=merge.pk, action="insert").exists()
        with pytest.raises(Refused, match=survivor.number):
            source.change(by=None, city="Lagos")


def test_the_survivor_is_found_by_the_name_and_the_number_of_the_source(alpha):
    with alpha.acting("reception"):
        source, survivor, merge = merged(alpha)
        assert list(Patient.objects.search("amarra")) == [survivor]
        assert list(Patient.objects.search(source.number)) == [survivor]
        merge.undo(by=None)
        assert list(Patient.objects.search(source.number)) == [source]
        assert survivor.pk not in {patient.pk for patient in Patient.objects.search("amarra")[:1]}


def test_each_field_is_chosen_and_an_empty_one_is_filled(alpha):
    with alpha.acting("reception"):
        source, survivor = two(tags=["wheelchair"], city="Lagos")
        survivor.change(by=None, tags=["interpreter"], sex="female")
        preview = {choice.key: choice.chosen for choice in Merge.preview(source, survivor).choices}
        assert (preview["name"], preview["phone"]) == ("survivor", "source")
        merge = Merge.make(source, survivor, by=None, choices={"name": "source", "phone": "survivor"})
        survivor.refresh_from_db()
        assert (survivor.given_name, survivor.phone, survivor.city) == ("Amarra", "", "Lagos")
        assert survivor.tags == ["interpreter", "wheelchair"]
        merge.undo(by=None)
        survivor.refresh_from_db()
        assert (survivor.given_name, survivor.city, survivor.tags) == ("Amara", "", ["interpreter"])


def test_what_was_changed_since_the_merge_stays_and_is_named(alpha):
    with alpha.acting("reception"):
        _, survivor, merge = merged(alpha, name="source")
        survivor.refresh_from_db()
        survivor.change(by=None, given_name="Amarah")
        left = merge.undo(by=None)
        survivor.refresh_from_db()
        assert survivor.given_name == "Amarah"
        assert left == ["Given names: changed since"]


def test_what_would_stand_twice_is_put_aside_and_comes_back(alpha):
    with alpha.acting("reception") as acting:
        source, survivor = two()
        for patient in (source, survivor):
            PatientIdentifier.objects.create(patient=patient, system="urn:x", value="7")
            Policy.record(patient, by=acting.person, insurer="Mutual", member_number="NM1")
        PatientRelation.record(source, survivor, "twin", by=acting.person)
        before = belonging(source)
        merge = Merge.make(source, survivor, by=acting.person)
        assert survivor.identifiers.count() == 1
        assert sorted(survivor.policies.values_list("is_active", flat=True)) == [False, True]
        assert not PatientRelation.objects.exists()
        assert set(merge.rows.values_list("how", flat=True)) == {"set_aside", "changed"}
        assert merge.undo(by=acting.person) == []
        assert belonging(source) == before
        assert source.policies.get().is_active


def test_warnings_name_what_a_person_should_look_at(alpha):
    with alpha.acting("reception"):
        source = a_patient(sex="male", birth_date=date(1950, 1, 1), deceased_at=timezone.now())
        survivor = a_patient(sex="female")
        assert Merge.preview(source, survivor).warnings == [
            "The sex is not the same.",
            "The dates of birth are far apart.",
            "One of them has died and the other has not.",
        ]
        source.change(by=None, deceased_at=None)
        for patient in (source, survivor):
            Visit.register(patient, complaint="Cough", by=None)
        assert any("open visit" in warning for warning in Merge.preview(source, survivor).warnings)
        assert ("visits", 1) in Merge.preview(source, survivor).moves


def test_a_merged_record_is_not_merged_again(alpha):
    with alpha.acting("reception"):
        source, survivor, _ = merged(alpha)
        for one, other in ((source, survivor), (survivor, source), (survivor, survivor)):
            with pytest.raises(Refused):
                Merge.make(one, other, by=None)


def test_merges_of_a_chain_are_undone_the_last_first(alpha):
    with alpha.acting("reception"):
        source, survivor, first = merged(alpha)
        last = a_patient(given_name="Third")
        second = Merge.make(survivor, last, by=None)
        late = Allergy(patient=source, substance="Latex")
        late.save()
        assert Allergy.objects.get(pk=late.pk).patient == last
        with pytest.raises(Refused, match="Undo that first"):
            first.undo(by=None)
        second.undo(by=None)
        assert Allergy.objects.get(pk=late.pk).patient == survivor
        first.undo(by=None)
        assert Allergy.objects.get(pk=late.pk).patient == source


def test_what_is_written_for_the_source_afterwards_goes_to_the_survivor(alpha):
    with alpha.acting("reception"):
        source, survivor = two()
        visit = Visit.register(source, complaint="Cough", by=None)
        stale = Visit.objects.get(pk=visit.pk)
        merge = Merge.make(source, survivor, by=None)
        stale.complaint = "Cough, worse"
        stale.save()
        late = Visit.register(source, complaint="Later", by=None)
        assert set(Visit.objects.filter(patient=survivor)) == {visit, late}
        assert merge.rows.get(row_id=late.pk).how == MergedRow.How.REDIRECTED
        merge.undo(by=None)
        assert set(Visit.objects.filter(patient=source)) == {visit, late}


def test_what_was_written_since_for_a_visit_goes_back_with_it(alpha):
    with alpha.acting("reception"):
        source, survivor = two()
        visit, own, test = a_visit(source), a_visit(survivor), a_test()
        merge = Merge.make(source, survivor, by=None)
        for one in (visit, own):
            one.refresh_from_db()
            LabOrder.request(one, test, by=None)
        assert merge.undo(by=None) == []
        for one, patient in ((visit, source), (own, survivor)):
            [order] = LabOrder.objects.filter(visit=one)
            rows = [order, order.specimen, *one.charges.all(), Visit.objects.get(pk=one.pk)]
            assert {row.patient for row in rows} == {patient}


def test_restricted_are_both_or_neither_also_after_an_undo(alpha):
    with alpha.acting("admin") as acting:
        source, survivor = two()
        source.restrict("A colleague", by=acting.person)
        with pytest.raises(Refused, match="Restrict both first, or neither"):
            Merge.make(source, survivor, by=acting.person)
        source.unrestrict("A mistake", by=acting.person)
        merge = Merge.make(source, survivor, by=acting.person)
        survivor.refresh_from_db()
        survivor.restrict("A colleague", by=acting.person)
        merge.undo(by=acting.person)
        source.refresh_from_db()
        assert source.is_restricted
        assert reason_of(source) == "A colleague"


def test_who_may_open_a_restricted_record_may_open_the_one_that_it_became(alpha):
    doctor = alpha.person("main_doctor")
    with alpha.acting("admin") as acting:
        source, survivor = two()
        for one in (source, survivor):
            one.restrict("A colleague", by=acting.person)
        ChartGrant.give(source, doctor, "Treats her", by=acting.person)
        merge = Merge.make(source, survivor, by=acting.person)
    with alpha.acting("main_doctor"):
        assert (unlock(Patient.objects.get(pk=survivor.pk)), openable(doctor)) == (True, {survivor.pk})
    with alpha.acting("admin") as acting:
        merge.undo(by=acting.person)
    with alpha.acting("main_doctor"):
        assert [unlock(Patient.objects.get(pk=one.pk)) for one in (survivor, source)] == [False, True]


def test_what_cannot_be_given_back_is_named(alpha):
    with alpha.acting("reception") as acting:
        source, survivor = two()
        contact = PatientContact.record(source, by=acting.person, name="Grace", relationship="mother")
        merge = Merge.make(source, survivor, by=None)
        key = contact.pk
        contact.delete()
        assert merge.undo(by=None) == [f"Patient contact {key}"]
        assert merge.left
        with pytest.raises(Refused, match="undone already"):
            merge.undo(by=None)


def test_only_who_may_merge_merges(alpha, beta):
    with alpha.acting("reception"):
        source, survivor = two()
    with alpha.acting("pharmacy") as acting, pytest.raises(PermissionDenied):
        Merge.make(source, survivor, by=acting.person)
    with beta.acting("reception"), pytest.raises(Patient.DoesNotExist):
        Merge.make(source, survivor, by=None)


def test_both_charts_and_the_lists_of_visits_are_told(alpha):
    with alpha.acting("reception"):
        source, survivor = two()
        visit = Visit.register(source, complaint="Cough", by=None)
        last = Event.objects.order_by("pk").last().pk
        Merge.make(source, survivor, by=None)
        said = {(event.name, event.patient_id) for event in Event.objects.filter(pk__gt=last)}
        assert {
            ("patient:updated", source.pk),
            ("patient:updated", survivor.pk),
            ("visit:updated", survivor.pk),
        } <= said
        assert Visit.objects.get(pk=visit.pk).patient == survivor


def test_the_question_whether_they_are_one_is_answered_and_asked_again(alpha):
    with alpha.acting("reception"):
        source, survivor = two()
        pair = PossibleDuplicate.objects.get()
        merge = Merge.make(source, survivor, by=None)
        pair.refresh_from_db()
        assert pair.status == "merged"
        merge.undo(by=None)
        pair.refresh_from_db()
        assert pair.status == "open"


# --- CO-9: while others write to both charts ------------------------------------------------


def write_until(hospital, patients, stop: Signal, written: list, failed: list) -> None:
    """As colleagues do: a visit and an allergy each, in transactions that hold the visit while they write."""
    try:
        while not stop.is_set():
            for patient in patients:
                with hospital.acting("reception"):
                    visit = Visit.register(Patient.objects.get(pk=patient.pk), complaint="Cough", by=None)
                    visit.touch()
                    allergy = Allergy.record(Patient.objects.get(pk=patient.pk), by=None, substance="Latex")
                    written += [visit.pk, allergy.pk]
    except Exception as error:
        failed.append(error)
    finally:
        connection.close()


def test_all_rows_end_under_the_survivor_while_others_write_to_both(alpha):
    with alpha.acting("reception"):
        source, survivor = two()
    stop, written, failed = Signal(), [], []
    writers = [Thread(target=write_until, args=(alpha, (source, survivor), stop, written, failed)) for _ in range(6)]
    for writer in writers:
        writer.start()
    try:
        while len(written) < 40 and not failed:
            stop.wait(0.05)
        with alpha.acting("reception"):
            Merge.make(source, survivor, by=None)
        reached = len(written)
        while len(written) < reached + 40 and not failed:
            stop.wait(0.05)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert failed == []
    with alpha.acting("reception"):
        assert not any(belonging(source).values())
        found = {*Visit.objects.filter(patient=survivor), *Allergy.objects.filter(patient=survivor)}
        assert {row.pk for row in found} == set(written)


# --- a property: undo gives back every row --------------------------------------------------

KINDS = st.lists(st.sampled_from(["visit", "allergy", "contact", "identifier", "policy", "relation"]), max_size=6)


def furnish(patient: Patient, kinds: list[str], others: list[Patient]) -> None:
    for number, kind in enumerate(kinds):
        if kind == "visit":
            Visit.register(patient, complaint="Cough", by=None)
        elif kind == "allergy":
            Allergy.record(patient, by=None, substance=f"Latex {number % 2}")
        elif kind == "contact":
            PatientContact.objects.get_or_create(patient=patient, name="Grace", relationship=f"aunt {number % 2}")
        elif kind == "identifier":
            PatientIdentifier.objects.get_or_create(patient=patient, system="urn:x", value=str(number % 3))
        elif kind == "policy" and not patient.policies.in_use().exists():
            Policy.record(patient, by=None, insurer="Mutual", member_number="NM1")
        elif kind == "relation":
            PatientRelation.objects.get_or_create(patient=patient, other=others[number % 2], kind="sibling")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(of_source=KINDS, of_survivor=KINDS, later=KINDS)
def test_an_undo_gives_back_every_row(alpha, of_source, of_survivor, later):
    with alpha.acting("reception"), transaction.atomic():
        (source, survivor), third = two(), a_patient()
        furnish(source, of_source, [survivor, third])
        furnish(survivor, of_survivor, [source, third])
        before = belonging(source), belonging(survivor)
        merge = Merge.make(source, survivor, by=None)
        assert not any(belonging(source).values())
        assert merge.undo(by=None) == []
        assert (belonging(source), belonging(survivor)) == before
        again = Merge.make(source, survivor, by=None)
        furnish(Patient.objects.get(pk=survivor.pk), later, [third, third])
        assert again.undo(by=None) == []
        assert belonging(source) == before[0]
