"""Who holds a row, who waits for it, and who need not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from clinical.models import Allergy, Patient, Visit


@pytest.fixture
def patient(alpha):
    with alpha.acting("reception") as acting:
        return Patient.register(by=acting.person, given_name="Ida", family_name="Okafor", phone="+12025550143")


def test_whoever_changes_a_patient_begins_at_the_row_as_it_is_now(alpha, patient):
    with alpha.acting():
        mine, theirs = Patient.objects.get(pk=patient.pk), Patient.objects.get(pk=patient.pk)
        theirs.change(by=None, family_name="Adeyemi")
        mine.change(by=None, city="Lagos")
        mine.refresh_from_db()
        assert (mine.version, mine.name, "adeyemi" in mine.search) == (3, "Ida Adeyemi", True)


def test_two_allergies_at_once_are_two_versions_of_the_banner(alpha, patient):
    with alpha.acting():
        mine, theirs = Patient.objects.get(pk=patient.pk), Patient.objects.get(pk=patient.pk)
        Allergy.record(theirs, by=None, substance="Latex")
        Allergy.record(mine, by=None, substance="Penicillin")
        assert Patient.objects.get(pk=patient.pk).version == 3


def test_who_only_refers_to_a_row_does_not_wait_for_whoever_holds_it(alpha, patient):
    """The key is checked at COMMIT, after the numbers of the events are taken: a wait there would be a deadlock."""

    def refer() -> None:
        try:
            with alpha.acting(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                Visit.register(Patient.objects.get(pk=patient.pk), complaint="Cough", by=None)
        finally:
            connection.close()

    with alpha.acting(), transaction.atomic(), ThreadPoolExecutor(1) as pool:
        Patient.objects.get(pk=patient.pk).lock()
        pool.submit(refer).result()
        assert Visit.objects.filter(patient=patient).exists()
