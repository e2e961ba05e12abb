"""The chart as it was: what the audit log gives back is what stood there at that time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from clinical import described
from clinical.as_of import as_it_was, rows_at
from clinical.chart import open_chart
from clinical.described import CURRENT, PAST
from clinical.models import (
    Allergy,
    Immunization,
    MedicationStatement,
    Merge,
    Observation,
    Patient,
    Prescription,
    PrescriptionLine,
    Problem,
    Procedure,
)
from clinical.parts import MEDICATION, items_of
from clinical.tests.dispensary import a_medicine, a_prescription
from clinical.tests.wards import a_patient
from hospital.models import AuditEntry
from hospital.tests.databases import owner
from hospital.workflow import Refused

TABLES: dict[type[Any], str] = dict.fromkeys(
    (Allergy, Immunization, MedicationStatement, Observation, Problem, Procedure), "patient"
)
SEEDS = (1, 7, 42)
STEPS = 60
LINES = 1000


def the_clock_of_the_database() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def plain(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def snapshot(patient: Patient) -> dict[Any, dict[str, Any]]:
    rows = [row for model in TABLES for row in model.objects.filter(patient=patient)]
    return {row.pk: plain(row) for row in rows}


def reconstructed(patient: Patient, at: datetime) -> dict[Any, dict[str, Any]]:
    return {row.pk: plain(row) for rows in rows_at(patient, at, TABLES).values() for row in rows}


class Somebody:
    """Records, changes, ends, takes back and measures at random."""

    def __init__(self, patient: Patient, by: Any, chance: random.Random) -> None:
        self.patient, self.by, self.chance = patient, by, chance

    def acts(self) -> None:
        self.chance.choice(
            (self.records, self.records, self.changes, self.ends, self.takes_back, self.measures, self.removes)
        )()

    def records(self) -> None:
        model = self.chance.choice((Allergy, Problem, MedicationStatement, Immunization, Procedure))
        name = "substance" if model is Allergy else "text"
        model.record(self.patient, by=self.by, **{name: self.word()}, note=self.word())

    def changes(self) -> None:
        if row := self.some_row():
            row.change(by=self.by, note=self.word())

    def ends(self) -> None:
        row = self.some_row()
        if row and row.ENDED and row.is_current:
            row.end(by=self.by, because=self.word())

    def takes_back(self) -> None:
        if row := self.some_row():
            row.take_back(by=self.by, because=self.word())

    def measures(self) -> None:
        Observation.take_vitals(
            self.patient, {"8867-4": Decimal(self.chance.randrange(50, 150))}, by=self.by, at=timezone.now()
        )

    def removes(self) -> None:
        """No page does it; an amended examination does."""
        if row := Observation.objects.filter(patient=self.patient).order_by("?").first():
            row.delete()

    def some_row(self) -> Any:
        rows = [row for model in TABLES for row in model.objects.filter(patient=self.patient) if not row.is_mistake]
        return self.chance.choice(rows) if rows else None

    def word(self) -> str:
        return f"word {self.chance.randrange(10**6)}"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_chart_at_each_step_is_as_a_snapshot_taken_then(alpha, seed):
    chance, seen = random.Random(seed), []
    with alpha.acting("main_doctor") as acting:
        patient, neighbour = a_patient(), a_patient()
        mine, other = (Somebody(one, acting.person, chance) for one in (patient, neighbour))
    for _ in range(STEPS):
        with alpha.acting("main_doctor"):
            mine.acts()
            other.acts()
            seen.append((the_clock_of_the_database(), snapshot(patient)))
    with alpha.acting():
        for at, was in seen:
            assert reconstructed(patient, at) == was


def test_the_patient_and_the_banner_are_as_they_were(alpha):
    with alpha.acting("main_doctor") as acting:
        patient = a_patient(given_name="Nadia", family_name="Rahman")
        Allergy.record(patient, by=acting.person, substance="Latex").end(by=acting.person, because="Tested")
    with alpha.acting("main_doctor") as acting:
        Allergy.record(patient, by=acting.person, substance="Penicillin", criticality="high")
        before = the_clock_of_the_database()
    with alpha.acting() as acting:
        patient.refresh_from_db()
        patient.change(by=acting.person, family_name="Okafor")
        Allergy.objects.get(substance="Penicillin").take_back(by=None, because="Wrong patient")
        Allergy.none_is_known(patient, by=None)
    with alpha.acting():
        now = open_chart(patient.pk)
        assert (now.name, list(now.allergies.all()), bool(vars(now)["none_known"])) == ("Nadia Okafor", [], True)
        assert as_it_was(now, before)
        assert (now.name, [str(one) for one in now.allergies.all()], vars(now)["none_known"]) == (
            "Nadia Rahman",
            ["Penicillin"],
            None,
        )
        assert not as_it_was(open_chart(patient.pk), before - timedelta(days=1))


def test_the_allergies_of_an_opened_chart_are_never_those_of_others(alpha):
    with alpha.acting("main_doctor") as acting:
        mine, theirs = a_patient(), a_patient()
        Allergy.record(mine, by=acting.person, substance="Latex")
        Allergy.record(theirs, by=acting.person, substance="Penicillin")
        chart = open_chart(mine.pk)
        assert [str(one) for one in chart.allergies.true()] == ["Latex"]
        assert [str(one) for one in chart.allergies.active()] == ["Latex"]


def test_many_lines_of_the_log_are_read_by_the_index_of_the_patient(alpha):
    """Looking back a little costs what has happened since, however long the log is."""
    with alpha.acting("main_doctor") as acting:
        patient = a_patient()
        problem = Problem.record(patient, by=acting.person, text="Asthma")
        for turn in range(LINES):
            AuditEntry.note(
                "view", table="clinical_patient", row_id=patient.pk, patient_id=patient.pk, detail={"turn": turn}
            )
    with owner() as database:
        database.execute("ANALYZE hospital_auditentry")
    with alpha.acting("main_doctor") as acting:
        at = the_clock_of_the_database()
        problem.change(by=acting.person, text="Severe asthma")
        lines = AuditEntry.objects.filter(patient_id=patient.pk, id__gte=problem.pk, at__gt=at).order_by("-id")
        plan = lines.explain()
        assert "Seq Scan" not in plan
        assert "id >=" in plan.split("Index Cond", 1)[1].split("\n", 1)[0]
        assert [row.text for row in rows_at(patient, at, {Problem: "patient"})[Problem]] == ["Asthma"]


def test_an_allergy_ends_the_word_that_there_is_none_and_the_word_is_refused_while_there_is_one(alpha):
    with alpha.acting("main_doctor") as acting:
        patient = a_patient()
        Allergy.none_is_known(patient, by=acting.person)
        assert vars(open_chart(patient.pk))["none_known"]
        Allergy.record(patient, by=acting.person, substance="Latex")
        assert not vars(open_chart(patient.pk))["none_known"]
        with pytest.raises(Refused, match="Allergies are recorded"):
            Allergy.none_is_known(patient, by=acting.person)


def test_what_was_a_mistake_cannot_be_changed_or_ended(alpha):
    with alpha.acting("main_doctor") as acting:
        problem = Problem.record(a_patient(), by=acting.person, text="Asthma")
        problem.take_back(by=acting.person, because="Another patient's")
        for verb in (
            lambda: problem.change(by=acting.person, text="Bronchitis"),
            lambda: problem.end(by=acting.person),
            lambda: problem.take_back(by=acting.person, because="Again"),
        ):
            with pytest.raises(Refused, match="marked as a mistake"):
                verb()
        problem.refresh_from_db()
        assert (problem.text, problem.closed_because) == ("Asthma", "Another patient's")


def test_what_came_with_a_merge_is_not_in_the_past_of_the_one_that_stands(alpha):
    """Lines of a prescription too, which name no patient themselves."""
    with alpha.acting("main_doctor"):
        survivor, prescription = a_patient(), a_prescription((a_medicine(), 10))
        before = the_clock_of_the_database()
    with alpha.acting("reception") as acting:
        Merge.make(prescription.visit.patient, survivor, by=acting.person, choices={})
    with alpha.acting("main_doctor") as acting:
        assert [item.title for item in items_of(survivor, (MEDICATION,), acting)["medication"]]
        assert items_of(survivor, (MEDICATION,), acting, before) == {"medication": []}


def test_what_was_taken_then_is_current_in_the_chart_of_then(alpha):
    with alpha.acting("main_doctor") as acting:
        prescription = a_prescription((a_medicine(), 10), duration_days=5)
        patient = prescription.visit.patient
        Prescription.objects.filter(pk=prescription.pk).update(prescribed_at=timezone.now() - timedelta(days=6))
        at = the_clock_of_the_database()
        [line] = rows_at(patient, at, {PrescriptionLine: "prescription__patient"})[PrescriptionLine]
        line.prescription = Prescription.objects.get()
        for days, state in ((0, PAST), (3, CURRENT)):
            line.seen_at = at - timedelta(days=days)
            assert described.line(line).state == state
        assert items_of(patient, (MEDICATION,), acting)["medication"][0].state == PAST


def test_a_chart_that_was_restricted_then_and_is_open_now_is_read(alpha):
    with alpha.acting("admin") as acting:
        patient = a_patient(given_name="Nadia", family_name="Rahman")
        patient.restrict("Works here", by=acting.person)
        at = the_clock_of_the_database()
    with alpha.acting("admin") as acting:
        Patient.objects.get(pk=patient.pk).unrestrict("Left", by=acting.person)
    with alpha.acting("main_doctor"):
        then = open_chart(patient.pk)
        assert as_it_was(then, at)
        assert then.name == "Nadia Rahman"


def test_whoever_waited_for_a_colleague_counts_the_versions_on(alpha):
    """Else a third form that was opened in between would not be known to be stale."""
    with alpha.acting("main_doctor") as acting:
        problem = Problem.record(a_patient(), by=acting.person, text="Asthma")
        waited = Problem.objects.get(pk=problem.pk)
        problem.change(by=acting.person, note="Seen")
        waited.change(by=acting.person, text="Severe asthma")
        row = Problem.objects.get(pk=problem.pk)
        assert (row.version, row.text, row.note) == (3, "Severe asthma", "Seen")
