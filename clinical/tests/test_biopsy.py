"""A biopsy's way, step by step: what stands in its way, who had it, and what becomes of one that is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import psycopg.errors
import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from clinical.models import Biopsy, BiopsyPart, Document, RebiopsyTask
from clinical.models.biopsy_taking import TIME_OUT
from clinical.tests.pathology import a_biopsy
from clinical.tests.wards import AMARA, fresh
from hospital.workflow import IllegalMove, Refused
from realtime.models import Event

S = Biopsy.Status
EARLIER = timezone.now() - timedelta(hours=2, minutes=5)
FORWARD = [S.ORDERED, S.COLLECTED, S.SENT, S.RECEIVED, S.PROCESSING]


class TestTheMachine:
    def test_each_step_forward_is_taken_once_with_person_time_and_place(self, alpha):
        biopsy = a_biopsy(alpha, "processing")
        with alpha.acting():
            steps = {step.what: step for step in biopsy.custody.select_related("by")}
            assert [S(status).label for status in FORWARD if S(status).label in steps] == [one.label for one in FORWARD]
            assert all(steps[S(status).label].place == "Room 3" for status in FORWARD[1:])
            assert all(step.by == alpha.main_doctor and step.at for step in steps.values())
            assert biopsy.sent_by == alpha.main_doctor and biopsy.sent_at <= biopsy.received_at

    @pytest.mark.parametrize("upto", ["ordered", "collected", "sent", "received_by_lab", "processing"])
    def test_every_edge_that_is_not_in_the_table_is_refused_with_the_legal_ones(self, alpha, upto):
        biopsy = a_biopsy(alpha, upto)
        for status in set(S) - set(Biopsy.MOVES[upto]) - {upto}:
            with alpha.acting("main_doctor") as acting, pytest.raises(IllegalMove, match="From here it can become"):
                fresh(biopsy).go(status, by=acting.person)
        with alpha.acting():
            assert fresh(biopsy).status == upto

    def test_only_who_may_takes_a_step(self, alpha):
        biopsy = a_biopsy(alpha, "ordered")
        with alpha.acting("lab_technician") as acting, pytest.raises(PermissionDenied):
            fresh(biopsy).cancel("Not wanted", by=acting.person)
        with alpha.acting("checker_doctor") as acting, pytest.raises(PermissionDenied):
            fresh(biopsy).identify(biopsy.patient.number, AMARA["birth_date"], by=acting.person)

    def test_a_step_without_a_place_is_refused(self, alpha):
        biopsy = a_biopsy(alpha, "collected")
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="who carries it"):
            fresh(biopsy).send("  ", by=acting.person)

    def test_it_is_ordered_only_in_a_visit_that_goes_on(self, alpha):
        biopsy = a_biopsy(alpha, "ordered")
        with alpha.acting("reception") as acting:
            biopsy.visit.leave("Went home", by=acting.person)
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="visit is over"):
            same = {name: getattr(biopsy, name) for name in ("laboratory", "kind", "site", "laterality", "x", "y")}
            Biopsy.order(fresh(biopsy.visit), by=acting.person, specimens=[], question="Again?", **same)

    def test_numbers_are_without_gaps_even_after_a_refusal(self, alpha):
        first = a_biopsy(alpha, "ordered")
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused), transaction.atomic():
            same = {name: getattr(first, name) for name in ("laboratory", "kind", "site", "laterality", "x", "y")}
            Biopsy.order(first.visit, by=acting.person, specimens=["A"] * 27, question="Too many", **same)
        assert a_biopsy(alpha, "ordered").serial == first.serial + 1


class TestAtThePatient:
    def collect(self, alpha, biopsy):
        with alpha.acting("main_doctor") as acting:
            fresh(biopsy).collect("Room 1", by=acting.person)

    def test_nothing_is_taken_before_the_patient_is_identified_the_time_out_taken_and_each_jar_labelled(self, alpha):
        biopsy = bare(alpha)
        with pytest.raises(Refused, match="Identify the patient"):
            self.collect(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            fresh(biopsy).identify(biopsy.patient.number, AMARA["birth_date"], by=acting.person)
        with pytest.raises(Refused, match="time-out"):
            self.collect(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            fresh(biopsy).take_time_out(TIME_OUT, together_with="Nurse Ray", by=acting.person)
        with pytest.raises(Refused, match="Specimen A, B has no label"):
            self.collect(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            for part in biopsy.specimens:
                part.print_label(by=acting.person)
        self.collect(alpha, biopsy)
        with alpha.acting():
            assert fresh(biopsy).status == S.COLLECTED

    @pytest.mark.parametrize(("number", "birth"), [("P-999999", AMARA["birth_date"]), (None, date(1990, 3, 13))])
    def test_one_wrong_identifier_stops_it(self, alpha, number, birth):
        biopsy = bare(alpha)
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="Stop"):
            fresh(biopsy).identify(number or biopsy.patient.number, birth, by=acting.person)
        with alpha.acting():
            assert fresh(biopsy).identified_at is None

    def test_no_label_is_printed_before_the_patient_is_identified(self, alpha):
        biopsy = bare(alpha)
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="in front of the patient"):
            biopsy.specimens.first().print_label(by=acting.person)

    def test_a_time_out_with_one_point_missing_is_none(self, alpha):
        biopsy = bare(alpha)
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="Each point"):
            row = fresh(biopsy)
            row.identify(row.patient.number, AMARA["birth_date"], by=acting.person)
            row.take_time_out(list(TIME_OUT)[1:], together_with="Nurse Ray", by=acting.person)

    def test_what_was_confirmed_two_hours_ago_is_confirmed_again(self, alpha):
        biopsy = bare(alpha)
        with alpha.acting("main_doctor") as acting, time_machine.travel(EARLIER, tick=True):
            beside(fresh(biopsy), acting.person)
        with pytest.raises(Refused, match="Identify the patient"):
            self.collect(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            row = fresh(biopsy)
            row.identify(row.patient.number, row.patient.birth_date, by=acting.person)
            with pytest.raises(Refused, match="take the time-out first"):
                row.specimens.first().print_label(by=acting.person)
        with pytest.raises(Refused, match="Take the time-out"):
            self.collect(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            fresh(biopsy).take_time_out(TIME_OUT, together_with="Nurse Ray", by=acting.person)
        with pytest.raises(Refused, match="no label of today"):
            self.collect(alpha, biopsy)

    def test_the_time_out_is_taken_with_a_patient_who_is_identified(self, alpha):
        biopsy = bare(alpha)
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="Identify the patient"):
            fresh(biopsy).take_time_out(TIME_OUT, together_with="Nurse Ray", by=acting.person)

    def test_nothing_is_labelled_for_a_biopsy_that_is_cancelled(self, alpha):
        biopsy = bare(alpha)
        with alpha.acting("main_doctor") as acting:
            beside(row := fresh(biopsy), acting.person)
            row.cancel("The patient went home", by=acting.person)
            with pytest.raises(Refused, match="Nothing is labelled"):
                row.specimens.first().print_label(by=acting.person)

    def test_a_wrong_patient_leaves_a_line_that_stays(self, alpha):
        biopsy = bare(alpha)
        said = {"do": "identify", "number": "P-999999", "second": "1990-03-12"}
        assert alpha.client("main_doctor").post(f"{alpha.url}/biopsies/{biopsy.pk}/take/", said).status_code == 422
        with alpha.acting():
            step = biopsy.custody.get(what="Stopped: not the patient")
            assert (step.by, fresh(biopsy).identified_at) == (alpha.main_doctor, None)

    def test_a_photo_is_added_by_who_takes_biopsies(self, alpha):
        biopsy = bare(alpha)
        with alpha.acting("checker_doctor") as acting, pytest.raises(PermissionDenied):
            biopsy.add_photo(Document(patient=biopsy.patient), by=acting.person)


def bare(hospital) -> Biopsy:
    """Ordered with two containers, and nothing done yet."""
    former = a_biopsy(hospital, "ordered")
    with hospital.acting("main_doctor") as acting:
        same = {name: getattr(former, name) for name in ("laboratory", "kind", "site", "laterality", "x", "y")}
        return Biopsy.order(former.visit, by=acting.person, specimens=["Mole", "Edge"], question="What?", **same)


class TestPartsAndCustody:
    def test_blocks_and_slides_hang_on_what_they_are_cut_from(self, alpha):
        biopsy = a_biopsy(alpha)
        with alpha.acting("lab_technician") as acting:
            block = BiopsyPart.objects.shown().get(biopsy=biopsy).make(by=acting.person)
            slides = [fresh(block).make(by=acting.person, stain=stain) for stain in ("HE", "S100")]
            assert [(part.kind, part.name) for part in (block, *slides)] == [
                ("block", "A1"),
                ("slide", "A1.1"),
                ("slide", "A1.2"),
            ]
            assert slides[0].parent == block and block.parent.name == "A"
            with pytest.raises(Refused, match="Nothing is cut from a slide"):
                slides[0].make(by=acting.person)

    def test_blocks_are_made_only_when_it_is_processed(self, alpha):
        biopsy = a_biopsy(alpha, "sent")
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="not being processed"):
            biopsy.specimens.first().make(by=acting.person)

    @pytest.mark.parametrize(
        "sql", ["UPDATE clinical_custodystep SET place = 'Elsewhere'", "DELETE FROM clinical_custodystep"]
    )
    def test_the_database_lets_nobody_change_the_chain_of_custody(self, alpha, sql):
        a_biopsy(alpha, "collected")
        with alpha.acting(), pytest.raises(DatabaseError) as refused, transaction.atomic():
            connection.cursor().execute(sql)
        assert isinstance(refused.value.__cause__, psycopg.errors.RestrictViolation)

    def test_each_container_that_is_scanned_stands_in_the_chain_by_its_letter_also_the_last(self, alpha):
        biopsy = sent_with_two(alpha)
        with alpha.acting("lab_technician") as acting:
            for part in BiopsyPart.objects.shown().filter(biopsy=biopsy):
                part.receive("North", by=acting.person)
            steps = biopsy.custody.filter(what="Received by the laboratory").select_related("part")
            assert [step.part.name for step in steps] == ["A", "B"]

    def test_the_last_container_that_is_scanned_makes_it_received(self, alpha):
        biopsy = sent_with_two(alpha)
        with alpha.acting("lab_technician") as acting:
            first, second = BiopsyPart.objects.shown().filter(biopsy=biopsy)
            first.receive("North", by=acting.person)
            assert fresh(biopsy).status == S.SENT
            with pytest.raises(Refused, match="already received by"):
                fresh(first).receive("North", by=acting.person)
            fresh(second).receive("North", by=acting.person)
            assert fresh(biopsy).status == S.RECEIVED


def test_of_two_who_scan_the_same_container_at_once_one_is_told(alpha):
    """CO-6."""
    biopsy = a_biopsy(alpha, "sent")
    with alpha.acting("lab_technician"):
        key = biopsy.specimens.get().pk
    together = Barrier(2)

    def take(_: int) -> str:
        try:
            with alpha.acting("lab_technician") as acting:
                part = BiopsyPart.objects.shown().get(pk=key)
                together.wait(timeout=60)
                part.receive("North", by=acting.person)
                return "received"
        except Refused as refused:
            return str(refused)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(take, range(2)), key=len)
    assert answers[0] == "received" and "already received by" in answers[1]
    with alpha.acting():
        assert biopsy.custody.filter(what="Received by the laboratory").count() == 1


def taken(hospital, biopsy) -> Biopsy:
    with hospital.acting("main_doctor") as acting:
        beside(biopsy := fresh(biopsy), acting.person)
        biopsy.collect("Room 1", by=acting.person)
    return biopsy


def beside(biopsy: Biopsy, by) -> None:
    """All that is done before the needle."""
    biopsy.identify(biopsy.patient.number, biopsy.patient.birth_date, by=by)
    biopsy.take_time_out(TIME_OUT, together_with="Nurse Ray", by=by)
    for part in biopsy.specimens:
        part.print_label(by=by)


def sent_with_two(hospital) -> Biopsy:
    biopsy = taken(hospital, bare(hospital))
    with hospital.acting("main_doctor") as acting:
        fresh(biopsy).send("Porter", by=acting.person)
    return biopsy


class TestWhenItComesToNothing:
    def lost(self, alpha, upto="sent"):
        biopsy = a_biopsy(alpha, upto)
        with alpha.acting("lab_technician") as acting:
            fresh(biopsy).fail(S.LOST, "Not in the bag", by=acting.person)
            return fresh(biopsy), RebiopsyTask.objects.shown().get(biopsy=biopsy)

    def test_the_loop_stays_open_until_somebody_decides_about_a_rebiopsy(self, alpha):
        biopsy, task = self.lost(alpha)
        with alpha.acting("main_doctor") as acting:
            assert list(RebiopsyTask.objects.open()) == [task] and biopsy.is_open
            with pytest.raises(Refused, match="Decide about the re-biopsy"):
                biopsy.go(S.CLOSED, by=acting.person)
            task.decline("The patient knows, and does not want it.", by=acting.person)
            fresh(biopsy).go(S.CLOSED, by=acting.person)
            assert fresh(biopsy).status == S.CLOSED

    def test_it_is_taken_again_with_the_same_question_at_the_same_place(self, alpha):
        biopsy, task = self.lost(alpha)
        with alpha.acting("main_doctor") as acting:
            again = task.order_again(fresh(biopsy.visit), by=acting.person)
            assert (again.rebiopsy_of, again.site, again.question) == (biopsy, biopsy.site, biopsy.question)
            assert [part.what for part in again.specimens] == ["Mole"]
            assert fresh(task).answer == "ordered"
            with pytest.raises(Refused, match="decided already"):
                fresh(task).order_again(fresh(biopsy.visit), by=acting.person)

    def test_what_was_lost_is_found_and_goes_on(self, alpha):
        biopsy, task = self.lost(alpha)
        with alpha.acting("lab_technician") as acting:
            task.found("Behind the fridge", by=acting.person)
            assert fresh(biopsy).status == S.COLLECTED and not RebiopsyTask.objects.open().exists()
            assert biopsy.custody.get(note="Found again.").place == "Behind the fridge"

    def test_what_is_found_again_was_taken_when_and_by_whom_it_was_taken(self, alpha):
        biopsy, task = self.lost(alpha, "collected")
        before = (biopsy.collected_at, biopsy.collected_by)
        with alpha.acting("lab_technician") as acting:
            task.found("Behind the fridge", by=acting.person)
            assert (fresh(biopsy).collected_at, fresh(biopsy).collected_by) == before

    def test_what_was_decided_about_a_rebiopsy_stands_in_the_history(self, alpha):
        biopsy, task = self.lost(alpha)
        with alpha.acting("main_doctor") as acting:
            task.decline("The patient knows, and does not want it.", by=acting.person)
        page = alpha.client("main_doctor").get(f"{alpha.url}/biopsies/{biopsy.pk}/history/").content.decode()
        assert "Not taken again: The patient knows, and does not want it." in page.partition("What was said")[0]

    def test_a_doctor_hears_it_as_a_notice(self, alpha):
        biopsy, _ = self.lost(alpha)
        with alpha.acting():
            said = Event.objects.filter(name="biopsy:updated", object_id=biopsy.pk, loud=True)
            assert said.count() == 1
