"""The pages of a biopsy's way: ordered on the body map, taken at the patient, received by scanner, shown in the chart."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from clinical.models import Biopsy, BiopsyPart, Document, RebiopsyTask, Visit
from clinical.models.biopsy_taking import TIME_OUT
from clinical.tests.answers import text
from clinical.tests.dispensary import COLD, load_codes
from clinical.tests.notes import begun
from clinical.tests.papers import png, upload
from clinical.tests.pathology import a_biopsy, a_laboratory
from clinical.tests.test_biopsy import bare, sent_with_two
from clinical.tests.wards import a_patient, a_visit, fresh
from hospital.tests.test_queries import count

S = Biopsy.Status


@pytest.fixture
def visit(alpha) -> Visit:
    with alpha.acting("reception"):
        load_codes()
        return a_visit(a_patient())


def order(alpha, visit, note="", **said):
    body = {
        "kind": "punch",
        "site": "forearm_front",
        "laterality": "left",
        "x": "150.5",
        "y": "170",
        "pointed": "forearm_front|left",
        "question": "Melanoma?",
        "specimens": "Mole\nEdge at 12",
        "laboratory": a_laboratory(alpha).pk,
        "clinical_code": COLD.lower(),
        **said,
    }
    return alpha.client("main_doctor").post(f"{alpha.url}/visits/{visit.pk}/biopsies/new/?note={note}", body)


class TestOrdering:
    def test_a_click_on_the_map_and_a_code_are_kept_with_side_place_and_words(self, alpha, visit):
        answer = order(alpha, visit)
        assert answer.status_code == 302
        with alpha.acting():
            row = Biopsy.objects.get()
            assert (row.where, float(row.x), row.clinical_code) == ("Forearm, palm side, left", 150.5, COLD)
            assert row.clinical_diagnosis.startswith("Acute upper respiratory infection")
            assert [part.what for part in row.specimens] == ["Mole", "Edge at 12"]

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"laterality": ""}, "choose right or left"),
            ({"clinical_code": "Q00.99"}, "has no such code"),
            ({"question": ""}, "required"),
            ({"specimens": "\n".join("x" * 27)}, "26 specimens at most"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_ordered(self, alpha, visit, said, words):
        answer = order(alpha, visit, **said)
        assert answer.status_code == 422 and words in text(answer)
        with alpha.acting():
            assert not Biopsy.objects.exists()

    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ({"site": "upper_back", "laterality": "left", "pointed": "upper_back|"}, 80.5),
            ({"site": "upper_back", "laterality": "left", "pointed": "lower_back|left"}, 100),
            ({"laterality": "right"}, 55),
        ],
    )
    def test_a_side_that_is_chosen_afterwards_moves_the_mark_only_to_the_other_of_a_pair(
        self, alpha, visit, said, kept
    ):
        assert order(alpha, visit, **{"x": "80.5", "y": "110", **said}).status_code == 302
        with alpha.acting():
            assert float(Biopsy.objects.get().x) == kept

    @pytest.mark.parametrize("site", ["thumb", "great_toe"])
    def test_hands_and_feet_are_drawn_as_one_sees_ones_own(self, alpha, visit, site):
        """Thumbs and great toes are inside: what is at the left is the left one."""
        said = {"site": site, "laterality": "left", "pointed": ""}
        assert order(alpha, visit, **said).status_code == 302
        with alpha.acting():
            assert float(Biopsy.objects.get().x) < 100

    def test_it_is_ordered_from_a_note_of_the_visit_and_from_no_other(self, alpha, visit):
        note, elsewhere = begun(alpha, visit), begun(alpha)
        assert "from the note" in text(order(alpha, visit, note=note.pk, question=""))
        for key in (note.pk, elsewhere.pk, f"{note.pk}'"):
            assert order(alpha, visit, note=key).status_code == 302
        with alpha.acting():
            assert list(Biopsy.objects.order_by("serial").values_list("encounter", flat=True)) == [note.pk, None, None]


class TestTaking:
    def test_the_page_takes_it_step_by_step_and_says_what_is_in_the_way(self, alpha):
        biopsy = bare(alpha)
        page, client = f"{alpha.url}/biopsies/{biopsy.pk}/take/", alpha.client("lab_technician")
        with alpha.acting():
            number = biopsy.patient.number
        early = client.post(page, {"do": "collect", "place": "Room 1"})
        assert early.status_code == 422 and "Identify the patient first" in text(early)
        wrong = client.post(page, {"do": "identify", "number": number, "second": "1990-03-13"})
        assert wrong.status_code == 422 and "Stop." in text(wrong)
        band = number.replace("-", "").lower()
        assert client.post(page, {"do": "identify", "number": band, "second": "1990-03-12"}).status_code == 302
        some = {"do": "time_out", "items": list(TIME_OUT)[:5], "together_with": "Ray"}
        assert "Confirm each point" in text(client.post(page, some))
        assert client.post(page, some | {"items": list(TIME_OUT)}).status_code == 302
        assert client.post(f"{alpha.url}/biopsies/{biopsy.pk}/labels/", {}).status_code == 200
        assert client.post(page, {"do": "collect", "place": "Room 1"}).status_code == 302
        with alpha.acting():
            assert fresh(biopsy).status == S.COLLECTED

    @pytest.mark.parametrize("is_known", [True, False])
    def test_what_the_patient_is_asked_for_stands_nowhere_until_it_fits(self, alpha, is_known):
        biopsy = bare(alpha)
        with alpha.acting():
            patient = biopsy.patient
            patient.birth_date_estimated = not is_known
            patient.save()
        page, client = f"{alpha.url}/biopsies/{biopsy.pk}/take/", alpha.client("lab_technician")
        asked = (patient.number, "1990") if is_known else (patient.number, patient.family_name)
        shown = text(client.get(page)).partition("<main")
        assert [word for word in asked if word in "".join(shown)] == []
        client.post(
            page, {"do": "identify", "number": patient.number, "second": "1990-03-12" if is_known else patient.name}
        )
        assert [word for word in asked if word not in text(client.get(page))] == []

    def test_an_estimated_date_of_birth_identifies_nobody_and_the_name_is_asked(self, alpha):
        biopsy = bare(alpha)
        with alpha.acting():
            patient = biopsy.patient
            patient.birth_date_estimated = True
            patient.save()
        page, client = f"{alpha.url}/biopsies/{biopsy.pk}/take/", alpha.client("lab_technician")
        said = {"do": "identify", "number": patient.number}
        assert "Full name" in text(client.get(page))
        assert client.post(page, said | {"second": "1990-03-12"}).status_code == 422
        assert client.post(page, said | {"second": patient.name}).status_code == 302

    def test_receiving_scans_one_container_after_the_other(self, alpha):
        biopsy = sent_with_two(alpha)
        client, page = alpha.client("lab_technician"), f"{alpha.url}/biopsies/receiving/"
        with alpha.acting():
            first, second = [part.bars for part in BiopsyPart.objects.filter(biopsy=biopsy)]

        def scan(said):
            return text(client.post(page, {"scan": said}, headers={"X-Scan": "1"}))

        assert "Still missing of" in scan(first)
        assert "already received" in scan(first)
        assert "check at its end" in scan(second[:-1] + ("A" if second[-1] != "A" else "B"))
        assert "Received" in scan(second)
        with alpha.acting():
            assert fresh(biopsy).status == S.RECEIVED


class TestThePageOfOne:
    def test_each_step_of_the_page_is_taken_and_leads_back(self, alpha):
        biopsy = a_biopsy(alpha, "collected")
        client = alpha.client("lab_technician")
        for step, status in (("send", S.SENT), ("receive", S.RECEIVED), ("process", S.PROCESSING)):
            answer = client.post(f"{alpha.url}/biopsies/{biopsy.pk}/{step}/", {"place": "By hand"})
            assert answer.status_code == 302
            with alpha.acting():
                assert fresh(biopsy).status == status
        again = client.post(f"{alpha.url}/biopsies/{biopsy.pk}/send/", {"place": "By hand"})
        assert again.status_code == 409 and "From here it can become" in text(again)

    def test_what_is_lost_asks_the_doctor_and_is_ordered_again_in_the_open_visit(self, alpha):
        biopsy = a_biopsy(alpha, "sent")
        client, doctor = alpha.client("lab_technician"), alpha.client("main_doctor")
        client.post(f"{alpha.url}/biopsies/{biopsy.pk}/fail/", {"status": "lost", "reason": "Not in the bag"})
        page = text(doctor.get(f"{alpha.url}/biopsies/{biopsy.pk}/"))
        assert "Lost: is it taken again?" in page and "Order it again" in page
        assert "Order it again" not in text(client.get(f"{alpha.url}/biopsies/{biopsy.pk}/"))
        with alpha.acting():
            task = RebiopsyTask.objects.get()
        assert doctor.post(f"{alpha.url}/biopsies/again/{task.pk}/order/").status_code == 302
        with alpha.acting():
            assert Biopsy.objects.get(rebiopsy_of=biopsy).status == S.ORDERED

    def test_it_is_ordered_again_only_while_the_patient_has_an_open_visit(self, alpha):
        biopsy = a_biopsy(alpha, "sent")
        with alpha.acting("main_doctor") as acting:
            biopsy.fail("lost", "Not in the bag", by=acting.person)
        page, doctor = f"{alpha.url}/biopsies/{biopsy.pk}/", alpha.client("main_doctor")
        assert "Order it again" in text(doctor.get(page))
        with alpha.acting():
            Visit.objects.filter(pk=biopsy.visit_id).update(ended_at=timezone.now())
        shown = text(doctor.get(page))
        assert ("Order it again" in shown, "has none now" in shown) == (False, True)

    def test_it_asks_no_more_than_twelve_questions(self, alpha):
        biopsy = sent_with_two(alpha)
        assert count(alpha.client("main_doctor"), f"{alpha.url}/biopsies/{biopsy.pk}/") <= 12

    def test_a_closed_chart_shows_the_work_and_not_the_patient(self, alpha):
        biopsy = a_biopsy(alpha, "collected")
        with alpha.acting("admin") as acting:
            biopsy.patient.restrict("A colleague", by=acting.person)
        page = text(alpha.client("lab_technician").get(f"{alpha.url}/biopsies/{biopsy.pk}/"))
        assert "Okafor" not in page and "Melanoma?" not in page
        assert biopsy.number in page and "Send without a list" in page


def picture(patient, person) -> Document:
    return Document.upload(upload(png(), "mole.png"), patient=patient, by=person, title="Mole", category="photo")


def test_a_photo_is_one_of_the_patients_own_pictures(alpha):
    biopsy = a_biopsy(alpha, "ordered")
    with alpha.acting("main_doctor") as acting:
        other = a_patient(given_name="Berta", family_name="Zweig", birth_date=date(1971, 1, 2))
        mine, hers = (picture(patient, acting.person) for patient in (biopsy.patient, other))
    client, page = alpha.client("main_doctor"), f"{alpha.url}/biopsies/{biopsy.pk}/photos/"
    assert client.post(page, {"photos": hers.pk}).status_code == 422
    assert client.post(page, {"photos": mine.pk}).status_code == 302
    assert "Mole" in text(client.get(f"{alpha.url}/biopsies/{biopsy.pk}/"))


def test_a_photo_is_taken_with_the_order_and_filed_with_the_visit(alpha, visit):
    assert order(alpha, visit, new_photos=upload(b"plain words", "words.txt")).status_code == 422
    assert order(alpha, visit, new_photos=[upload(png(), "mole.png"), upload(png(), "near.png")]).status_code == 302
    with alpha.acting():
        row = Biopsy.objects.get()
        photos = [photo.document for photo in row.photos.select_related("document")]
        assert [(one.title, one.visit_id, one.category) for one in photos] == [
            ("Photo: Forearm, palm side, left", visit.pk, "photo")
        ] * 2


def test_a_photo_is_added_where_none_is_on_file(alpha):
    biopsy = a_biopsy(alpha, "sent")
    client, page = alpha.client("lab_technician"), f"{alpha.url}/biopsies/{biopsy.pk}/photos/"
    assert "New photos" in text(client.get(page))
    assert "Choose a photo, or take one." in text(client.post(page, {}))
    assert client.post(page, {"new_photos": upload(png(), "mole.png")}).status_code == 302
    assert f"Photo of {biopsy.number}" in text(client.get(f"{alpha.url}/biopsies/{biopsy.pk}/"))


@pytest.mark.parametrize("code", ["number", "label"])
def test_its_number_and_each_of_its_labels_lead_to_it(alpha, code):
    biopsy = a_biopsy(alpha, "sent")
    with alpha.acting():
        said = biopsy.number if code == "number" else biopsy.specimens.get().bars
    answer = alpha.client("main_doctor").get(f"{alpha.url}/search/?q={said}")
    assert answer.headers["Location"] == f"{alpha.url}/biopsies/{biopsy.pk}/"


def test_the_chart_and_the_visit_list_it(alpha):
    biopsy = a_biopsy(alpha, "sent")
    client = alpha.client("main_doctor")
    for path in (f"patients/{biopsy.patient_id}/chart/biopsies/", f"visits/{biopsy.visit_id}/"):
        page = text(client.get(f"{alpha.url}/{path}"))
        assert biopsy.number in page and "Upper back, left" in page
    assert "Biopsy: Melanoma?" in text(client.get(f"{alpha.url}/patients/{biopsy.patient_id}/chart/timeline/"))
