"""Couriers' lists: what is in the bag, counted and signed at both ends."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg.errors
import pytest
from django.db import DatabaseError, connection, transaction

from clinical.models import Biopsy, BiopsyPart, CourierManifest, PathologyLab
from clinical.tests.pathology import a_biopsy, a_laboratory
from clinical.tests.test_biopsy import bare, sent_with_two, taken
from clinical.tests.wards import fresh
from hospital.tests.hospital import PASSWORD
from hospital.workflow import Refused
from realtime.models import Event
from realtime.tests.server import wait_until

S = Biopsy.Status


def packed(hospital, *biopsies) -> CourierManifest:
    """A list with all containers of these."""
    with hospital.acting("main_doctor") as acting:
        manifest = CourierManifest.begin(a_laboratory(hospital), by=acting.person)
        for part in BiopsyPart.objects.shown().specimens().filter(biopsy__in=biopsies):
            manifest.add(part, by=acting.person)
    return manifest


def sent(hospital, *biopsies) -> CourierManifest:
    manifest = packed(hospital, *biopsies)
    with hospital.acting("main_doctor") as acting:
        manifest.send(manifest.items.count(), "Otto", by=acting.person)
    return manifest


class TestPacking:
    def test_what_is_counted_must_be_what_is_listed(self, alpha):
        biopsy = taken(alpha, bare(alpha))
        manifest = packed(alpha, biopsy)
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="You counted 1, and the list has 2"):
            manifest.send(1, "Otto", by=acting.person)
        with alpha.acting():
            assert (fresh(manifest).status, fresh(biopsy).status) == ("packing", S.COLLECTED)

    def test_a_list_that_is_sent_sends_its_biopsies_with_the_courier_in_the_chain(self, alpha):
        biopsy = taken(alpha, bare(alpha))
        manifest = sent(alpha, biopsy)
        with alpha.acting():
            step = biopsy.custody.last()
            assert fresh(biopsy).status == S.SENT
            assert (step.place, step.note) == ("Courier Otto", f"List {manifest.number}.")

    def test_half_a_biopsy_does_not_travel(self, alpha):
        biopsy = taken(alpha, bare(alpha))
        manifest = packed(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            manifest.take_out(manifest.items.order_by("part__name").last(), by=acting.person)
            with pytest.raises(Refused, match="Specimen B of BX-"):
                manifest.send(1, "Otto", by=acting.person)

    def test_one_container_is_on_one_list_and_is_not_sent_past_it(self, alpha):
        biopsy = a_biopsy(alpha, "collected")
        manifest = packed(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            with pytest.raises(Refused, match=f"on the list {manifest.number} already"):
                packed(alpha, biopsy)
            with pytest.raises(Refused, match="on the courier's list"):
                fresh(biopsy).send("Porter", by=acting.person)

    def test_what_goes_to_another_laboratory_or_is_not_collected_is_refused(self, alpha):
        with alpha.acting("main_doctor") as acting:
            other = PathologyLab.objects.create(name="South Pathology")
            manifest = CourierManifest.begin(other, by=acting.person)
        biopsy = a_biopsy(alpha, "collected")
        with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="goes to North Pathology"):
            manifest.add(BiopsyPart.objects.shown().get(biopsy=biopsy), by=acting.person)
        with pytest.raises(Refused, match="Only what is collected"):
            packed(alpha, a_biopsy(alpha, "sent"))


def manifest_url(hospital, manifest) -> str:
    return f"{hospital.url}/biopsies/manifests/{manifest.pk}/"


class TestTheOtherEnd:
    def received(self, alpha, manifest, parts, count, role="lab_technician"):
        with alpha.acting(role) as acting:
            there = [str(item.pk) for item in manifest.items.filter(part__in=parts)]
            fresh(manifest).receive(count, there, "Ms Weber", by=acting.person)

    def test_all_that_arrived_is_received_and_nothing_is_told(self, alpha):
        biopsy = taken(alpha, bare(alpha))
        manifest = sent(alpha, biopsy)
        self.received(alpha, manifest, keys(alpha, biopsy), 2)
        with alpha.acting():
            assert fresh(biopsy).status == S.RECEIVED and fresh(manifest).differences == ""
            assert not Event.objects.filter(name="manifest:changed", loud=True).exists()

    def test_a_difference_is_a_notice_of_the_list_and_of_the_biopsy_that_is_missing(self, alpha):
        here, missing = taken(alpha, bare(alpha)), a_biopsy(alpha, "collected")
        manifest = sent(alpha, here, missing)
        self.received(alpha, manifest, keys(alpha, here), 2)
        with alpha.acting():
            assert fresh(here).status == S.RECEIVED
            assert fresh(missing).status == S.SENT and fresh(missing).missing_since
            assert "Missing: B-" in fresh(manifest).differences
            loud = Event.objects.filter(loud=True, name__in=("manifest:changed", "biopsy:updated"))
            assert set(loud.values_list("object_id", flat=True)) == {manifest.pk, missing.pk}
            label = missing.specimens.get().number
        page = alpha.client("main_doctor").get(f"{alpha.url}/biopsies/{missing.pk}/").content.decode()
        assert f'container A, {label}, of <a href="{manifest_url(alpha, manifest)}"' in page

    def test_what_was_received_by_scanner_is_ticked_on_the_list(self, alpha):
        biopsy = taken(alpha, bare(alpha))
        manifest = sent(alpha, biopsy)
        with alpha.acting("lab_technician") as acting:
            first = BiopsyPart.objects.shown().get(biopsy=biopsy, name="A")
            first.receive("Bench", by=acting.person)
        page = alpha.client("lab_technician").get(manifest_url(alpha, manifest)).content.decode()
        ticked = re.findall(r'<input type="checkbox"[^>]*checked[^>]*>.*?(B-\d+-\w)', page, re.DOTALL)
        assert ticked == [first.number]

    def test_a_count_that_is_not_the_number_of_what_is_there_is_a_difference(self, alpha):
        biopsy = a_biopsy(alpha, "collected")
        manifest = sent(alpha, biopsy)
        self.received(alpha, manifest, keys(alpha, biopsy), 3)
        with alpha.acting():
            assert fresh(manifest).differences == "Counted 3, and 1 of the list are there."

    def test_who_signed_for_the_sending_does_not_sign_for_the_receiving(self, alpha):
        manifest = sent(alpha, a_biopsy(alpha, "collected"))
        with pytest.raises(Refused, match="A colleague signs"):
            self.received(alpha, manifest, [], 0, role="main_doctor")

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE clinical_couriermanifest SET counted_out = 9",
            "DELETE FROM clinical_manifestitem",
            "UPDATE clinical_manifestitem SET part_id = (SELECT id FROM clinical_biopsypart WHERE name = 'A' LIMIT 1)",
        ],
    )
    def test_the_database_keeps_what_was_signed(self, alpha, sql):
        sent_with_two(alpha)
        sent(alpha, a_biopsy(alpha, "collected"))
        with alpha.acting(), pytest.raises(DatabaseError) as refused, transaction.atomic():
            connection.cursor().execute(sql)
        assert isinstance(refused.value.__cause__, psycopg.errors.RestrictViolation)

    def test_the_other_end_of_the_list_stands_in_each_chain_with_what_was_missing(self, alpha):
        here, missing = taken(alpha, bare(alpha)), a_biopsy(alpha, "collected")
        manifest = sent(alpha, here, missing)
        self.received(alpha, manifest, keys(alpha, here), 2)
        with alpha.acting():
            steps = missing.custody.order_by("-id").select_related("part", "by")
            lost, list_ = steps.get(what="Missing at the laboratory"), steps.get(what="Courier's list received")
            assert (lost.part.name, lost.by) == ("A", alpha.lab_technician)
            assert f"List {manifest.number}: taken by Ms Weber, 2 counted. Missing: B-" in list_.note
            assert here.custody.filter(what="Courier's list received").count() == 1

    def test_what_was_lost_and_found_since_is_not_missing_on_the_former_list(self, alpha):
        biopsy = a_biopsy(alpha, "collected")
        former = sent(alpha, biopsy)
        with alpha.acting("main_doctor") as acting:
            fresh(biopsy).fail(S.LOST, "Not in the bag", by=acting.person)
            biopsy.rebiopsy_tasks.get().found("Under the seat", by=acting.person)
        sent(alpha, biopsy)
        self.received(alpha, former, [], 0)
        with alpha.acting():
            row = fresh(biopsy)
            assert (row.status, row.missing_since, row.is_missing) == (S.SENT, None, False)
            assert not row.custody.filter(what="Missing at the laboratory").exists()

    def test_what_a_scanner_receives_while_the_list_is_signed_is_neither_missing_nor_in_the_way(self, alpha):
        ticked, unticked = a_biopsy(alpha, "collected"), a_biopsy(alpha, "collected")
        manifest = sent(alpha, ticked, unticked)
        parts = {biopsy.pk: keys(alpha, biopsy) for biopsy in (ticked, unticked)}
        with ThreadPoolExecutor(1) as pool:
            with alpha.acting("lab_technician") as acting:
                for biopsy in (ticked, unticked):
                    BiopsyPart.objects.shown().get(biopsy=biopsy).receive("North", by=acting.person)
                signing = pool.submit(self.signed_beside, alpha, manifest, parts[ticked.pk])
                wait_until(lambda: waits_for_a_row(), 60, "the signature does not wait for the scanner")
            signing.result(timeout=60)
        with alpha.acting():
            for biopsy in (ticked, unticked):
                assert (fresh(biopsy).status, fresh(biopsy).missing_since) == (S.RECEIVED, None)
            assert fresh(manifest).status == "received"

    def signed_beside(self, alpha, manifest, parts) -> None:
        try:
            self.received(alpha, manifest, parts, 1)
        finally:
            connection.close()

    def test_a_courier_with_a_very_long_name_is_no_mistake(self, alpha):
        manifest = packed(alpha, a_biopsy(alpha, "collected"))
        with alpha.acting("main_doctor") as acting:
            manifest.send(1, "O" * 120, by=acting.person)
            assert fresh(manifest).courier == "O" * 120


def waits_for_a_row() -> bool:
    """Somebody in this database waits for a lock that another transaction holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity a USING (pid) "
            "WHERE NOT granted AND a.datname = current_database())"
        )
        return cursor.fetchone()[0]


def keys(hospital, biopsy) -> list:
    with hospital.acting():
        return list(biopsy.specimens.values_list("pk", flat=True))


class TestThePages:
    def test_a_list_is_packed_by_scanner_signed_with_the_password_and_received_by_a_colleague(self, alpha):
        biopsy = taken(alpha, bare(alpha))
        doctor, technician = alpha.client("main_doctor"), alpha.client("lab_technician")
        made = doctor.post(f"{alpha.url}/biopsies/manifests/", {"laboratory": a_laboratory(alpha).pk})
        page = made.headers["Location"]
        with alpha.acting():
            bars = [part.bars for part in biopsy.specimens]
        for text in bars:
            assert doctor.post(f"{page}scan/", {"scan": text}).status_code == 302
        assert "already" in doctor.post(f"{page}scan/", {"scan": bars[0]}).content.decode()
        wrong = doctor.post(f"{page}send/", {"count": 2, "courier": "Otto", "proof": "not it"})
        assert wrong.status_code == 422 and "not your password" in wrong.content.decode()
        assert doctor.post(f"{page}send/", {"count": 2, "courier": "Otto", "proof": PASSWORD}).status_code == 302
        with alpha.acting():
            items = [str(item.pk) for item in CourierManifest.objects.get().items.all()]
        said = {"arrived": items, "count": 2, "taken_by": "Ms Weber", "proof": PASSWORD}
        assert technician.post(f"{page}receive/", said).status_code == 302
        with alpha.acting():
            assert fresh(biopsy).status == S.RECEIVED
