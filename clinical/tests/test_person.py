"""What is known about a patient as a person: contacts, relations, tags, photo, death, and who nobody knows yet."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from clinical import days
from clinical.ages import NoAge, born
from clinical.models import LabOrder, Merge, Patient, PatientContact, PatientRelation, Tag, Visit
from clinical.tests.wards import a_patient, a_test, a_visit
from hospital.models import AuditEntry
from hospital.workflow import Refused
from scheduling.models import Appointment
from scheduling.tests.furniture import Furniture

YEAR = timedelta(days=365)


def picture(size=(900, 600), kind="JPEG", **more) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **more)
    return SimpleUploadedFile("me.jpg", out.getvalue())


def test_a_contact_is_added_changed_and_ended_and_stays_on_the_page(alpha):
    with alpha.acting("reception"):
        patient = a_patient()
    client, base = alpha.client("reception"), f"{alpha.url}/patients/{patient.pk}/"
    details = {"kind": "guardian", "relationship": "mother", "name": "Grace Okafor", "phone": "212 555 0100"}
    client.post(f"{base}contacts/new/", details)
    with alpha.acting():
        contact = PatientContact.objects.get()
        assert (contact.phone, contact.may_be_told) == ("+12125550100", False)
    again = client.post(f"{base}contacts/new/", details)
    assert again.status_code == 422 and "recorded already" in again.content.decode()
    with alpha.acting("reception") as acting:
        contact.change(by=acting.person, may_be_told=True)
        assert not PatientContact.objects.standing().filter(may_be_told=False).exists()
    assert client.post(f"{alpha.url}/contacts/{contact.pk}/end/", {"reason": ""}).status_code == 422
    client.post(f"{alpha.url}/contacts/{contact.pk}/end/", {"reason": "Moved away"})
    page = client.get(base).content.decode()
    assert "Grace Okafor" in page and "Moved away" in page
    assert client.get(f"{alpha.url}/contacts/{contact.pk}/edit/").status_code == 404


def test_a_relation_is_said_on_both_pages_each_in_its_own_words(alpha):
    with alpha.acting("reception"):
        child, mother = a_patient(), a_patient(given_name="Grace", family_name="Bello")
    client = alpha.client("reception")
    url = f"{alpha.url}/patients/{child.pk}/relations/new/"
    assert client.post(url, {"kind": "mother", "other": child.number}).status_code == 422
    client.post(url, {"kind": "mother", "other": mother.number})
    with alpha.acting():
        relation = PatientRelation.objects.get()
        assert relation.seen_from(child) == (mother, "Mother")
        assert relation.seen_from(mother) == (child, "Child")
    assert "Grace Bello" in client.get(f"{alpha.url}/patients/{child.pk}/").content.decode()
    assert "Amara Okafor" in client.get(f"{alpha.url}/patients/{mother.pk}/").content.decode()
    client.post(f"{alpha.url}/relations/{relation.pk}/end/", {"reason": "A mistake"})
    assert "Grace Bello" not in client.get(f"{alpha.url}/patients/{child.pk}/").content.decode()


def test_whom_a_misspelt_name_may_mean_is_asked_and_a_relation_stands_once(alpha):
    with alpha.acting("reception"):
        child, mother = a_patient(), a_patient(given_name="Grace", family_name="Bello")
    client, url = alpha.client("reception"), f"{alpha.url}/patients/{child.pk}/relations/new/"
    asked = client.post(url, {"kind": "mother", "other": "Grace Bellow"})
    assert asked.status_code == 422 and f"Write {mother.number} if that is the one" in asked.content.decode()
    assert client.post(url, {"kind": "", "other": "grace bello"}).status_code == 422
    client.post(url, {"kind": "mother", "other": "grace bello"})
    again = client.post(url, {"kind": "mother", "other": mother.number})
    assert again.status_code == 422 and again.context["form"].errors["other"] == ["This is recorded already."]
    with alpha.acting():
        assert PatientRelation.objects.get().patient == mother


def test_whoever_ends_or_changes_a_relation_stays_with_the_patient_they_look_at(alpha):
    with alpha.acting("reception") as acting:
        child, mother = a_patient(), a_patient(given_name="Grace", family_name="Bello")
        relation = PatientRelation.record(mother, child, "mother", by=acting.person)
    client = alpha.client("reception")
    for whose in (child, mother):
        page = client.get(f"{alpha.url}/patients/{whose.pk}/").content.decode()
        urls = [f"{alpha.url}/relations/{relation.pk}/{verb}/?of={whose.pk}" for verb in ("edit", "end")]
        assert all(url in page for url in urls)
        for url in urls:
            form = client.get(url).content.decode()
            assert f'action="{url}"' in form and f'href="{alpha.url}/patients/{whose.pk}/"' in form
    answer = client.post(f"{alpha.url}/relations/{relation.pk}/end/?of={mother.pk}", {"reason": "A mistake"})
    assert answer["Location"] == f"{alpha.url}/patients/{mother.pk}/"


def test_what_a_relation_is_and_its_note_can_be_changed(alpha, beta):
    with alpha.acting("reception") as acting:
        child, aunt = a_patient(), a_patient(given_name="Grace", family_name="Bello")
        relation = PatientRelation.record(aunt, child, "mother", by=acting.person)
        PatientRelation.record(aunt, child, "guardian", by=acting.person)
    client, url = alpha.client("reception"), f"{alpha.url}/relations/{relation.pk}/edit/"
    assert "Grace Bello is the" in client.get(url).content.decode()
    assert client.post(url, {"kind": "guardian", "version": 1, "opened-kind": "mother"}).status_code == 422
    client.post(url, {"kind": "other", "note": "Aunt", "version": 1, "opened-kind": "mother", "opened-note": ""})
    page = client.get(f"{alpha.url}/patients/{child.pk}/").content.decode()
    assert "Aunt" in page and "Related" in page
    assert beta.client("reception").get(url).status_code == 404
    with alpha.acting("reception") as acting:
        relation.refresh_from_db()
        relation.end("A mistake", by=acting.person)
        with pytest.raises(Refused, match="ended already"):
            relation.change(by=acting.person, note="Back")
    assert client.get(url).status_code == 404


def test_tags_are_chosen_from_the_list_and_what_is_no_longer_offered_stays(alpha):
    with alpha.acting("admin") as acting:
        for name in ("wheelchair", "interpreter"):
            Tag.add(by=acting.person, name=name)
        Tag.add(by=acting.person, name="old").change(by=acting.person, is_active=False)
        patient = a_patient(tags=["old", "Died, day unknown"])
    client, url = alpha.client("reception"), f"{alpha.url}/patients/{patient.pk}/edit/"
    page = client.get(url)
    offered = [label for _, label in page.context["form"].fields["tags"].choices]
    assert offered == ["Died, day unknown", "interpreter", "old", "wheelchair"]
    assert page.content.decode().count("checked") >= 2
    new = client.get(f"{alpha.url}/patients/new/").context["form"]
    assert [label for _, label in new.fields["tags"].choices] == ["interpreter", "wheelchair"]
    details = {"given_name": patient.given_name, "family_name": patient.family_name, "sex": patient.sex, "version": 1}
    opened = {"opened-tags": '["Died, day unknown", "old"]'}
    kept = ["Died, day unknown", "wheelchair"]
    assert client.post(url, {**details, **opened, "tags": ["of my own"]}).status_code == 422
    assert client.post(url, {**details, **opened, "tags": kept}).status_code == 302
    with alpha.acting():
        patient.refresh_from_db()
        assert patient.tags == kept
    stale = client.post(url, {**details, **opened, "tags": ["interpreter"]})
    assert stale.status_code == 409
    assert "Died, day unknown, wheelchair" in stale.content.decode()


def test_a_tag_has_a_colour_and_another_name_follows_to_the_patients(alpha):
    with alpha.acting("admin") as acting:
        tag = Tag.add(by=acting.person, name="wheelchair", tone="warn")
        a_patient(tags=["wheelchair"]), a_patient(given_name="Bob")
        tag.change(by=acting.person, name="Walking aid")
    client = alpha.client("reception")
    listed = client.get(f"{alpha.url}/patients/", {"tag": "Walking aid"})
    assert [patient.tags for patient in listed.context["page"]] == [["Walking aid"]]
    assert "tone-warn" in listed.content.decode()
    assert client.get(f"{alpha.url}/patients/tags/").status_code == 403


def test_a_photo_is_small_without_what_the_camera_wrote_and_private(alpha, beta):
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    with alpha.acting("reception"):
        patient = a_patient()
    client, url = alpha.client("reception"), f"{alpha.url}/patients/{patient.pk}/photo/"
    assert client.get(url).status_code == 404
    client.post(f"{url}edit/", {"photo": picture(exif=exif)})
    answer = client.get(url)
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert (shown.size, shown.format, dict(shown.getexif())) == ((320, 320), "JPEG", {})
    assert b"Secret Camera" not in answer.content
    assert answer["Cache-Control"].startswith("private")
    assert beta.client("reception").get(url).status_code == 404
    with alpha.acting():
        key = Patient.objects.get().photo
    client.post(f"{url}edit/", {"remove": "1"})
    assert client.get(url).status_code == 404
    assert not default_storage.exists(key)


@pytest.mark.parametrize("content", [b"GIF89a no", b"", b"\xff\xd8\xff\xe0 broken", b"<svg/>"])
def test_what_is_no_photo_is_refused_in_words(alpha, content):
    with alpha.acting("reception"):
        patient = a_patient()
    url = f"{alpha.url}/patients/{patient.pk}/photo/edit/"
    answer = alpha.client("reception").post(url, {"photo": SimpleUploadedFile("x.jpg", content)})
    assert answer.status_code == 422


def test_a_death_calls_off_what_is_planned_and_lets_the_rest_go_on(alpha):
    people = iter(f"Somebody {number}" for number in range(100))
    with alpha.acting("reception"):
        desk = Furniture(alpha, "Death", lambda station: a_patient(family_name=next(people)))
        planned = desk.appointments["booked"]
        patient, visit = planned.patient, a_visit(planned.patient)
    with alpha.acting("reception") as acting:
        patient.record_death(timezone.now() - timedelta(hours=1), by=acting.person, said_by="Dr. Ng")
        assert Appointment.objects.get(pk=planned.pk).status == "cancelled"
        with pytest.raises(Refused, match="has died"):
            Visit.register(patient, complaint="Cough", by=acting.person)
        with pytest.raises(Refused, match="recorded already"):
            patient.record_death(timezone.now(), by=acting.person, said_by="Dr. Ng")
        visit.override_gate("The last bill", by=acting.person)
    page = alpha.client("reception").get(f"{alpha.url}/patients/{patient.pk}/").content.decode()
    assert "Dr. Ng" in page and "patient-deceased" in page
    assert desk


def test_a_death_is_said_as_exactly_as_it_is_known(alpha):
    with alpha.acting("reception"):
        patient, yesterday = a_patient(), days.today() - timedelta(days=1)
    client, base = alpha.client("reception"), f"{alpha.url}/patients/{patient.pk}/"
    day = f"{yesterday:%-d %b %Y}"

    def died(**said: str) -> str:
        client.post(f"{base}death/", {"day": str(yesterday), "said_by": "the register", **said})
        return client.get(base).content.decode()

    page = died()
    assert f"Died {day}" in page and f"<dd>{day}<" in page
    client.post(f"{base}death/undo/", {"reason": "Another time"})
    assert f"<dd>about {day}, 04:30<" in died(time="04:30", estimated="on")


def test_a_death_is_taken_back_with_a_reason(alpha):
    with alpha.acting("reception") as acting:
        patient = a_patient()
        patient.record_death(timezone.now(), by=acting.person, said_by="the register", estimated=True)
        with pytest.raises(Refused, match="Say why"):
            patient.undo_death("", by=acting.person)
        patient.undo_death("Another Amara", by=acting.person)
        assert Visit.register(patient, complaint="Cough", by=acting.person)
        line = AuditEntry.objects.get(action="death taken back")
        assert line.after == {"reason": "Another Amara"}


def test_somebody_unknown_gets_a_name_of_the_day_and_is_identified_later(alpha):
    client = alpha.client("reception")
    client.post(f"{alpha.url}/patients/unknown/", {})
    client.post(f"{alpha.url}/patients/unknown/", {"sex": "male", "age": "about 40"})
    with alpha.acting("reception") as acting:
        first, second = Patient.objects.order_by("mrn")
        assert first.family_name.split()[0] == second.family_name.split()[0]
        assert (first.name[-2:], second.name[-2:]) == (" 1", " 2")
        assert second.birth_date.year == days.today().year - 40 and second.birth_date_estimated
        known = a_patient(given_name="Obi", family_name="Eze")
        first.change(by=acting.person, given_name="Ada", family_name="Obi")
        assert not first.is_unidentified
    found = client.get(f"{alpha.url}/patients/{second.pk}/identify/", {"q": "obi eze"}).content.decode()
    assert f"/patients/{known.pk}/merge/?with={second.pk}" in found


def test_of_a_closed_chart_nothing_is_said_about_the_birth(alpha):
    with alpha.acting("reception"):
        patient = a_patient(birth_date=days.today() - 40 * YEAR, birth_date_estimated=True)
    with alpha.acting("admin") as acting:
        patient.restrict("Works here", by=acting.person)
    page = alpha.client("reception").get(f"{alpha.url}/patients/", {"q": patient.number}).content.decode()
    row = page.partition('data-label="Born"')[2].partition("</td>")[0]
    assert "unknown" in row and "about" not in row


@pytest.mark.parametrize(
    ("text", "ago"),
    [("3 weeks", timedelta(weeks=3)), ("2 days", timedelta(days=2)), ("about 8 months", timedelta(days=244))],
)
def test_an_age_in_words_is_a_day_of_birth(alpha, text, ago):
    with alpha.acting():
        assert born(text) == days.today() - ago
        assert born("~40").year == born("40 years old").year == days.today().year - 40


@pytest.mark.parametrize("text", ["old", "200", "3 fortnights", "-4", "40 41"])
def test_what_is_no_age_is_refused(alpha, text):
    with alpha.acting(), pytest.raises(NoAge):
        born(text)


def test_the_list_is_filtered_ordered_and_exported_harmlessly(alpha):
    with alpha.acting("reception"):
        young = a_patient(given_name="=1+1", family_name="Young", birth_date=days.today() - 5 * YEAR)
        old = a_patient(given_name="Old", sex="male", birth_date=days.today() - 80 * YEAR)
        a_visit(old)
        Patient.register_unknown(by=None)
    client, url = alpha.client("reception"), f"{alpha.url}/patients/"

    def shown(**asked) -> list:
        return list(client.get(url, asked).context["page"])

    assert shown(age_to="10") == [young]
    assert shown(sex="male") == shown(state="open") == shown(age_from="70") == [old]
    assert shown(state="unidentified")[0].is_unidentified
    assert shown(order="old")[0] == old
    assert shown(age_from="old", sex="banana", state="banana")
    export = client.get(f"{url}export/", {"age_to": "10"})
    assert "'=1+1" in export.content.decode() and "Old" not in export.content.decode()
    assert alpha.client("billing").get(f"{url}export/").status_code == 403
    with alpha.acting():
        assert AuditEntry.objects.get(action="export").after["rows"] == 1


def test_what_is_scanned_leads_straight_there(alpha):
    with alpha.acting("reception"):
        visit = a_visit()
    client, url = alpha.client("reception"), f"{alpha.url}/search/"
    assert client.get(url, {"q": visit.number})["Location"] == f"{alpha.url}/visits/{visit.pk}/"
    assert client.get(url, {"q": "p1"})["Location"] == f"{alpha.url}/patients/{visit.patient_id}/"
    assert client.get(url, {"q": "okafor"}).status_code == 200
    assert client.get(url, {"q": "V-999999"}).status_code == 200


def test_the_codes_of_the_laboratory_lead_to_the_visit_there(alpha, beta):
    with alpha.acting("reception"):
        visit = a_visit()
        order = LabOrder.request(visit, a_test(), by=None)
    codes = (order.number, order.specimen.number, order.specimen.bars, order.specimen.bars.lower())
    for code in codes:
        asked = {"q": code}
        found = alpha.client("lab_technician").get(f"{alpha.url}/search/", asked)
        assert found["Location"] == f"{alpha.url}/laboratory/visits/{visit.pk}/"
        assert alpha.client("pharmacy").get(f"{alpha.url}/search/", asked).status_code == 200
        assert beta.client("lab_technician").get(f"{beta.url}/search/", asked).status_code == 200


def test_the_wristband_of_a_merged_record_leads_to_the_one_that_stands(alpha):
    with alpha.acting("reception"):
        source, survivor = a_patient(given_name="Amarra"), a_patient()
        Merge.make(source, survivor, by=None)
    client, standing = alpha.client("reception"), f"{alpha.url}/patients/{survivor.pk}/"
    assert client.get(f"{alpha.url}/search/", {"q": source.number})["Location"] == standing
    assert client.get(f"{alpha.url}/patients/{source.pk}/")["Location"] == standing
