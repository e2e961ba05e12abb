"""The pages of specimens: the round, receiving, labels that are read back, rejecting, keeping."""

from __future__ import annotations

import csv
import re
import zlib
from datetime import timedelta

import pytest
import zxingcpp
from django.utils import timezone
from PIL import Image, ImageDraw

from clinical import lab_catalogue, labels
from clinical.labels import Bars, Label
from clinical.models import LabTest, Specimen, Visit
from clinical.tests.laboratories import ordered, worked
from clinical.tests.test_specimens import at, tube
from hospital.models import AuditEntry
from scheduling.models import Room
from scheduling.tests.desks import Desk


@pytest.fixture
def visit(alpha) -> Visit:
    with alpha.acting("admin"):
        lab_catalogue.install()
        tests = [LabTest.objects.get(code=code) for code in ("NA", "K", "HB")]
    return ordered(alpha, *tests)[0]


@pytest.fixture
def specimen(alpha, visit) -> Specimen:
    with alpha.acting():
        return Specimen.objects.shown().get(pk=tube(visit).pk)


def scan(alpha, text: str):
    return alpha.client("lab_technician").post(
        f"{alpha.url}/specimens/receiving/", {"scan": text}, headers={"X-Scan": "1"}
    )


class TestReceiving:
    def test_a_scan_is_received_at_once_and_a_second_time_refused_with_who(self, alpha, specimen):
        at(alpha, specimen, "collect")
        first = scan(alpha, specimen.bars).content.decode()
        assert 'data-outcome="good"' in first and specimen.number in first
        second = scan(alpha, specimen.number).content.decode()
        assert 'data-outcome="bad"' in second and "already received by Lab Technician" in second
        with alpha.acting():
            assert set(specimen.orders.values_list("status", flat=True)) == {"received"}

    @pytest.mark.parametrize(
        ("text", "says"),
        [("hello", "is no number of a specimen"), ("S-000001-0", "wrong character"), ("S-999999-9", "")],
    )
    def test_what_cannot_be_received_says_what_to_do(self, alpha, specimen, text, says):
        page = scan(alpha, text).content.decode()
        assert 'data-outcome="bad"' in page and says in page

    def test_a_number_of_another_laboratory_is_kept_apart(self, alpha, specimen):
        from clinical import accession

        assert "Ask where it comes from" in scan(alpha, accession.in_bars(777)).content.decode()

    def test_what_was_never_collected_is_not_received(self, alpha, specimen):
        assert "never marked as collected" in scan(alpha, specimen.bars).content.decode()

    def test_one_that_is_too_old_is_received_and_its_rejection_proposed(self, alpha, specimen):
        at(alpha, specimen, "collect")
        with alpha.acting():
            Specimen.objects.filter(pk=specimen.pk).update(collected_at=timezone.now() - timedelta(hours=49))
        page = scan(alpha, specimen.bars).content.decode()
        assert 'data-outcome="old"' in page and "reason=too_old" in page

    def test_without_a_script_the_page_itself_shows_the_line_and_the_count(self, alpha, specimen):
        at(alpha, specimen, "collect")
        client, address = alpha.client("lab_technician"), f"{alpha.url}/specimens/receiving/"
        page = client.post(address, {"scan": specimen.bars}).content.decode()
        assert 'data-outcome="good"' in page and 'data-slot="count">1<' in page
        assert client.post(f"{alpha.url}/specimens/{specimen.pk}/take-back/").status_code == 302
        assert 'data-slot="count">0<' in client.get(address).content.decode()


class TestTheRound:
    def confirm(self, alpha, patient: str, label: str):
        return alpha.client("lab_technician").post(f"{alpha.url}/specimens/round/", {"patient": patient, "scan": label})

    def test_wristband_and_label_that_belong_together_are_collected(self, alpha, specimen):
        answer = self.confirm(alpha, specimen.patient.number, specimen.bars)
        assert answer.status_code == 302 and specimen.patient.number in answer["Location"]
        with alpha.acting():
            specimen.refresh_from_db()
            assert (specimen.status, specimen.collected_by) == ("collected", alpha.lab_technician)

    def test_the_label_of_another_patient_is_refused_loudly_and_nothing_is_collected(self, alpha, specimen):
        with alpha.acting():
            test = LabTest.objects.get(code="TSH")
        other = ordered(alpha, test)[0]
        with alpha.acting():
            stranger = other.patient.number
        answer = self.confirm(alpha, stranger, specimen.bars)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "scan-refused" in page and "label of another patient" in page
        with alpha.acting():
            specimen.refresh_from_db()
            assert specimen.status == "expected"
            lines = AuditEntry.objects.filter(action="wrong patient", row_id=specimen.pk)
            assert {line.patient_id for line in lines} == {specimen.patient_id, other.patient_id}
            assert {line.person_id for line in lines} == {alpha.lab_technician.pk}
            assert lines[0].after == {"label": specimen.number, "wristband": stranger}

    def test_an_unknown_wristband_is_refused(self, alpha, specimen):
        assert self.confirm(alpha, "P-999999", specimen.bars).status_code == 422

    def test_the_list_names_each_tube_with_its_tests_and_filters_by_queue(self, alpha, visit, specimen):
        client = alpha.client("lab_technician")
        page = client.get(f"{alpha.url}/specimens/round/").content.decode()
        assert specimen.number in page and "Gold cap" in page
        assert specimen.number in client.get(f"{alpha.url}/specimens/round/?queue=laboratory").content.decode()
        assert specimen.number not in client.get(f"{alpha.url}/specimens/round/?queue=pharmacy").content.decode()

    def test_the_list_is_narrowed_to_the_house_and_the_room_where_the_patient_is(self, alpha, visit, specimen):
        desk = Desk(alpha)
        due = desk.due()
        with alpha.acting("reception") as acting:
            due.check_in(by=acting.person)
            due.visit.override_gate("Fever", by=acting.person)
        with alpha.acting("checker_doctor") as acting:
            due.visit.order_tests([LabTest.objects.get(code="K")], by=acting.person)
            visit.place.call(to="Bay 4", by=acting.person)
        with alpha.acting():
            other = due.visit.specimens.get()

        def listed(query: str) -> list[str]:
            page = alpha.client("lab_technician").get(f"{alpha.url}/specimens/round/?{query}").content.decode()
            return [tube.number for tube in (specimen, other) if tube.number in page]

        assert listed("") == [specimen.number, other.number]
        assert listed("location=Main+house") == [other.number]
        assert listed("room=Bay+4") == [specimen.number]
        assert listed("room=Main+house+1") == []
        with alpha.acting("reception") as acting:
            due.enter_room(Room.objects.get(name="Main house 1"), by=acting.person)
        assert listed("room=Main+house+1") == [other.number]
        assert listed("room=Main+house+1&location=Nowhere") == []
        page = alpha.client("lab_technician").get(f"{alpha.url}/specimens/round/").content.decode()
        assert all(f'<option value="{place}">' in page for place in ("Main house", "Main house 1", "Bay 4"))
        assert (
            "Nobody here"
            in alpha.client("lab_technician").get(f"{alpha.url}/specimens/round/?room=Attic").content.decode()
        )


def read_back(rows: list[tuple[float, float, float, float]], width: int, height: int) -> str:
    """What a scanner reads from dark rectangles on white."""
    picture = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(picture)
    for left, top, right, bottom in rows:
        pen.rectangle((left, top, right - 1, bottom - 1), fill=0)
    found = zxingcpp.read_barcodes(picture)
    assert [code.format for code in found] == [zxingcpp.BarcodeFormat.Code128]
    return found[0].text


class TestLabels:
    @pytest.mark.parametrize("text", ["S000001B", "S123456Z", "S12345678K"])
    def test_the_bars_of_the_screen_are_read_back(self, text):
        bars = Bars(text)
        assert read_back([(at * 3, 0, (at + width) * 3, 60) for at, width in bars.dark], len(bars.row) * 3, 60) == text
        drawn = re.findall(r"M(\d+) 0h(\d+)v1", bars.svg)
        assert [(int(at), int(width)) for at, width in drawn] == list(bars.dark)

    def test_the_bars_of_the_printed_pdf_are_read_back_and_its_page_has_the_size_of_a_label(self, alpha, specimen):
        with alpha.acting():
            paper = labels.pdf([specimen, specimen])
        boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
        assert {(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in boxes} == {(50, 25)}
        drawn = next(part for part in unpacked(paper) if b" re" in part)
        rows = [
            tuple(map(float, numbers)) for numbers in re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re", drawn)
        ]
        scale = 8
        dark = [(x * scale, min(y, y + h) * scale, (x + w) * scale, max(y, y + h) * scale) for x, y, w, h in rows]
        assert read_back(dark, int(50 / 25.4 * 72 * scale), int(25 / 25.4 * 72 * scale)) == specimen.bars

    def test_a_name_in_other_scripts_is_drawn(self, alpha, specimen, caplog):
        with alpha.acting():
            for name in ("Łucja Đorđević", "Анна Ελένη", "محمد علي"):
                specimen.patient.given_name = name
                assert labels.pdf([specimen]).startswith(b"%PDF-")
        assert "missing the following glyphs" not in caplog.text

    def test_it_says_who_when_which_tests_and_by_whom(self, alpha, specimen):
        at(alpha, specimen, "collect")
        with alpha.acting():
            label = Label(Specimen.objects.shown().get(pk=specimen.pk))
            words = " ".join([*label.lines, label.foot])
            for part in (specimen.patient.name, specimen.patient.number, "NA K", "Serum", specimen.number, "LT"):
                assert part in words, part

    def test_printing_counts_and_the_second_one_says_that_it_is_a_reprint(self, alpha, specimen):
        client, body = alpha.client("lab_technician"), {"specimen": str(specimen.pk)}
        first = client.post(f"{alpha.url}/specimens/labels/", body).content.decode()
        assert specimen.patient.name in first and "REPRINT" not in first
        assert "REPRINT 1" in client.post(f"{alpha.url}/specimens/labels/", body).content.decode()
        third = client.post(f"{alpha.url}/specimens/labels/", body | {"pdf": "yes"})
        assert third["Content-Type"] == "application/pdf" and third.content.startswith(b"%PDF-")
        with alpha.acting():
            specimen.refresh_from_db()
            assert specimen.labels == 3

    def test_nothing_chosen_is_told(self, alpha, specimen):
        client = alpha.client("lab_technician")
        for body in ({}, {"specimen": "x"}):
            assert client.post(f"{alpha.url}/specimens/labels/", body).status_code == 422

    def test_the_picture_of_the_bars_is_an_image(self, alpha, specimen):
        answer = alpha.client("lab_technician").get(f"{alpha.url}/specimens/{specimen.pk}/bars.svg")
        assert answer["Content-Type"] == "image/svg+xml"


def unpacked(paper: bytes) -> list[bytes]:
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", paper, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return found


class TestRejectingAndKeeping:
    def test_it_is_rejected_with_all_tests_and_the_chain_is_shown(self, alpha, specimen):
        at(alpha, specimen, "collect")
        client, address = alpha.client("lab_technician"), f"{alpha.url}/specimens/{specimen.pk}/"
        assert "Sodium, Potassium" in client.get(f"{address}reject/").content.decode()
        assert client.post(f"{address}reject/", {"reason": ""}).status_code == 422
        assert client.post(f"{address}reject/", {"reason": "haemolysed"}).status_code == 302
        with alpha.acting():
            again = Specimen.objects.get(recollect_of=specimen)
        assert again.number in client.get(address).content.decode()
        assert "haemolysed" in client.get(f"{alpha.url}/specimens/{again.pk}/").content.decode()

    def test_it_is_stored_found_and_discarded(self, alpha, visit):
        with alpha.acting():
            order = tube(visit, "HB").orders.select_related("specimen").get()
            bars = order.specimen.bars
        worked(alpha, order, "released", "14")
        client, pk = alpha.client("lab_technician"), order.specimen_id
        assert client.post(f"{alpha.url}/specimens/{pk}/store/", {"rack": ""}).status_code == 422
        assert client.post(f"{alpha.url}/specimens/{pk}/store/", {"rack": "R1", "position": "A5"}).status_code == 302
        page = client.get(f"{alpha.url}/specimens/?status=stored").content.decode()
        assert "R1 A5" in page
        assert "R1 A5" in client.get(f"{alpha.url}/specimens/?q={bars}").content.decode()
        assert client.post(f"{alpha.url}/specimens/discard/", {"specimen": str(pk)}).status_code == 302
        assert "Discarded" in client.get(f"{alpha.url}/specimens/{pk}/").content.decode()

    def test_it_is_found_by_its_patient(self, alpha, specimen):
        client = alpha.client("lab_technician")
        assert (
            specimen.number in client.get(f"{alpha.url}/specimens/?q={specimen.patient.family_name}").content.decode()
        )
        assert specimen.number not in client.get(f"{alpha.url}/specimens/?q=Nobody").content.decode()

    def test_another_hospital_and_other_roles_find_nothing(self, alpha, beta, specimen):
        for tail in ("", "bars.svg", "reject/", "store/"):
            assert beta.client("lab_technician").get(f"{beta.url}/specimens/{specimen.pk}/{tail}").status_code == 404
        for tail in ("", "round/", "receiving/", f"{specimen.pk}/"):
            assert alpha.client("main_doctor").get(f"{alpha.url}/specimens/{tail}").status_code == 403


class TestFiles:
    """Lists for a spreadsheet, as they are filtered; who took one is written down."""

    def rows(self, alpha, path: str) -> list[list[str]]:
        answer = alpha.client("lab_technician").get(f"{alpha.url}/{path}")
        assert answer["Content-Type"].startswith("text/csv") and "attachment" in answer["Content-Disposition"]
        with alpha.acting():
            line = AuditEntry.objects.filter(action="export").latest("id")
            assert line.person_id == alpha.lab_technician.pk
        return list(csv.reader(answer.content.decode("utf-8-sig").splitlines()))

    def test_specimens(self, alpha, visit, specimen):
        who = [specimen.number, specimen.patient.number, specimen.patient.name]
        at(alpha, specimen, "collect")
        heading, row = self.rows(alpha, "specimens/export/?status=collected")
        assert row[:3] == who
        assert row[heading.index("Tests")] == "NA K" and row[heading.index("Collected")]
        assert len(self.rows(alpha, "specimens/export/?status=expected")) == 2
        assert len(self.rows(alpha, "specimens/export/?status=stored")) == 1

    def test_the_worklist_without_values(self, alpha, visit):
        with alpha.acting():
            orders = list(visit.lab_orders.select_related("test").order_by("accession"))
            name = str(orders[1].test)
        worked(alpha, orders[1], "resulted", value="4.8")
        heading, *found = self.rows(alpha, "laboratory/export/")
        assert {row[0] for row in found} == {order.number for order in orders}
        assert "4.8" not in str(found)
        [row] = self.rows(alpha, "laboratory/export/?status=resulted")[1:]
        assert row[heading.index("Test")] == name and row[heading.index("Status")] == "Resulted"
