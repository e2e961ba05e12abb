"""One person may open both restricted records: they are merged all the same, and nobody gets back what was taken since."""

from __future__ import annotations

from guardian.core import ObjectPermissionChecker

from clinical.models import ChartGrant, Merge
from clinical.models.restriction import OPEN, openable
from clinical.tests.test_merge import two
from clinical.tests.wards import fresh


def held(hospital, patient) -> bool:
    """The permission that opens the chart."""
    return OPEN in ObjectPermissionChecker(hospital.main_doctor).get_perms(patient)


def both_granted(hospital, acting):
    source, survivor = two()
    for one in (source, survivor):
        one.restrict("A colleague", by=acting.person)
        ChartGrant.give(one, hospital.main_doctor, f"Treats {one.number}", by=acting.person)
    return source, survivor


def test_two_records_that_one_person_may_open_are_merged_and_taken_apart(alpha):
    with alpha.acting("admin") as acting:
        source, survivor = both_granted(alpha, acting)
        merge = Merge.make(source, survivor, by=acting.person)
        assert openable(alpha.main_doctor) == {survivor.pk}
        assert (held(alpha, survivor), held(alpha, source)) == (True, False)
        assert ChartGrant.objects.filter(patient=survivor).count() == 2
        assert merge.undo(by=acting.person) == []
        assert openable(alpha.main_doctor) == {source.pk, survivor.pk}
        assert [one.reason for one in ChartGrant.objects.filter(patient=source)] == [f"Treats {source.number}"]


def test_a_grant_that_was_ended_meanwhile_does_not_come_back_with_the_undo(alpha):
    with alpha.acting("admin") as acting:
        source, survivor = both_granted(alpha, acting)
        merge = Merge.make(source, survivor, by=acting.person)
        ChartGrant.objects.standing().get(patient=survivor).end("Treats her no more", by=acting.person)
        fresh(merge).undo(by=acting.person)
        assert openable(alpha.main_doctor) == set()
        assert not held(alpha, source)
