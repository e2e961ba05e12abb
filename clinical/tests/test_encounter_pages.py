"""The pages of notes: drafts, merging, signatures with a password or a code, lists, paper."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.db import connection

from clinical.models import ChartGrant, CosignRule, Encounter, Lesion, QuickText, Unmerged
from clinical.note_pdf import COPY, DRAFT
from clinical.tests.answers import text
from clinical.tests.dispensary import COLD, FEVER
from clinical.tests.notes import PLACE, PROOF, SPOT, a_diagnosed_visit, at, begun, form_of, signed, written
from clinical.tests.wards import fresh
from hospital.models import AuditEntry, Membership
from hospital.seals import raw

DOINGS = {
    "save/": {"complaint": "x", "opened-complaint": "A secret cough"},
    "step/": {"step": "complete"},
    "plan/": {"text": "Rest"},
    "lesions/new/": {"site": "forearm_front", "laterality": "right", "kind": "naevus"},
    "diagnoses/": {"diagnosis": FEVER},
    "sign/": PROOF,
    "error/": {"reason": "Another patient"},
}
JSON = {"Accept": "application/json"}
Status = Encounter.Status


def saved(hospital, note, role="main_doctor", **changed):
    """What a page sends that was opened on the note as it is now, or as `opened-…` says."""
    with hospital.acting():
        body = form_of(fresh(note), **changed)
    return hospital.client(role).post(at(hospital, note, "save/"), body, headers=JSON)


def texts(hospital, note) -> dict[str, str]:
    with hospital.acting():
        return {key: words for key, words in note.sections.values_list("key", "text") if words}


def test_a_note_is_begun_from_the_visit_and_from_the_consultation(alpha):
    visit = a_diagnosed_visit(alpha)
    client = alpha.client("main_doctor")
    for page in ("", "consult/"):
        assert f"/visits/{visit.pk}/note/" in text(client.get(f"{alpha.url}/visits/{visit.pk}/{page}"))
    page = text(client.get(f"{alpha.url}/visits/{visit.pk}/note/"))
    template = re.search(r'name="template" value="([\w-]+)"[^>]*id="id_template_2"', page)[1]
    answer = client.post(f"{alpha.url}/visits/{visit.pk}/note/", {"template": template})
    with alpha.acting():
        note = Encounter.objects.get(visit=visit)
        assert (note.template.key, note.provider) == ("dermatology", alpha.main_doctor)
    assert answer.url == at(alpha, note)
    assert client.get(f"{alpha.url}/visits/{visit.pk}/note/").url == at(alpha, note)


def test_a_draft_is_saved_while_it_is_typed_and_tells_what_stands_there(alpha):
    note = begun(alpha)
    answer = saved(alpha, note, complaint="Cough\r\nand fever")
    assert (answer.status_code, answer.json()["sections"]["complaint"]) == (200, "Cough\nand fever")
    assert texts(alpha, note) == {"complaint": "Cough\nand fever"}
    with alpha.acting():
        assert fresh(note).status == Status.IN_PROGRESS


def test_two_who_write_in_different_sections_lose_nothing(alpha):
    note = begun(alpha)
    with alpha.acting():
        opened = form_of(note)
    saved(alpha, note, complaint="Hers")
    answer = alpha.client("checker_doctor").post(at(alpha, note, "save/"), {**opened, "advice": "His"}, headers=JSON)
    assert answer.json()["conflicts"] == []
    assert texts(alpha, note) == {"complaint": "Hers", "advice": "His"}


def test_both_in_one_section_are_asked_and_what_was_typed_is_kept_until_then(alpha):
    note = written(alpha, {"complaint": "Cough"})
    with alpha.acting():
        opened = form_of(note)
    saved(alpha, note, complaint="Cough for a week")
    client = alpha.client("checker_doctor")
    answer = client.post(at(alpha, note, "save/"), {**opened, "complaint": "Dry cough", "advice": "Rest"}, headers=JSON)
    [conflict] = answer.json()["conflicts"]
    assert (conflict["mine"], conflict["theirs"], conflict["by"]) == ("Dry cough", "Cough for a week", "Main Doctor")
    assert texts(alpha, note) == {"complaint": "Cough for a week", "advice": "Rest"}
    # The browser is closed without an answer: it is asked again.
    assert client.get(at(alpha, note, "state/")).json()["conflicts"] == [conflict]
    chosen = {"opened-complaint": conflict["theirs"], "complaint": "Cough for a week\nDry cough"}
    assert saved(alpha, note, "checker_doctor", **chosen).json()["conflicts"] == []
    assert texts(alpha, note)["complaint"] == "Cough for a week\nDry cough"
    with alpha.acting():
        assert not Unmerged.objects.exists()


def test_without_scripts_the_same_conflict_is_a_page_with_both_sides(alpha):
    note = written(alpha, {"complaint": "Cough"})
    with alpha.acting():
        opened = form_of(note)
    saved(alpha, note, complaint="Hers")
    answer = alpha.client("checker_doctor").post(at(alpha, note, "save/"), {**opened, "complaint": "His"})
    assert answer.status_code == 409
    assert "Hers" in text(answer)
    assert "His" in text(answer)


def test_a_text_that_is_too_long_is_refused_with_words_and_the_rest_is_saved(alpha):
    note = begun(alpha)
    answer = saved(alpha, note, complaint="x" * 20_001, advice="Rest")
    assert answer.status_code == 422
    assert list(answer.json()["wrong"]) == ["complaint"]
    assert "may have 20000 characters, and has 20001" in answer.json()["wrong"]["complaint"]
    assert texts(alpha, note) == {"advice": "Rest"}


def test_nothing_is_saved_into_a_signed_note(alpha):
    note = signed(alpha)
    before = texts(alpha, note)
    assert saved(alpha, note, complaint="Changed").status_code == 409
    assert texts(alpha, note) == before


# --- signatures -------------------------------------------------------------------------------------


def test_signing_takes_the_password_again(alpha):
    note = written(alpha)
    client = alpha.client("main_doctor")
    wrong = client.post(at(alpha, note, "sign/"), {"proof": "guess"})
    assert (wrong.status_code, "This is not your password" in text(wrong)) == (422, True)
    assert client.post(at(alpha, note, "sign/"), {"proof": ""}).status_code == 422
    assert client.post(at(alpha, note, "sign/"), PROOF).status_code == 302
    with alpha.acting():
        row = fresh(note)
        assert row.status == Status.SIGNED
    page = text(client.get(at(alpha, note)))
    assert row.sha256 in page
    assert "Checked now: the text is what was signed." in page


def test_who_has_a_second_factor_signs_with_it_and_not_with_the_password(alpha):
    note = written(alpha)
    secret = generate_totp_secret()
    TOTP.activate(alpha.main_doctor, secret)
    alpha.main_doctor.refresh_from_db()  # a new factor ends the sessions there were
    client = alpha.client("main_doctor")
    refused = client.post(at(alpha, note, "sign/"), PROOF)
    assert (refused.status_code, "This code is not right" in text(refused)) == (422, True)
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(secret, counter))
    assert client.post(at(alpha, note, "sign/"), {"proof": code}).status_code == 302


def test_what_changed_while_the_signature_was_asked_for_is_read_before_it_is_signed(alpha):
    note = written(alpha)
    client = alpha.client("main_doctor")
    seen = re.search(r'name="seen" value="([^"]+)"', text(client.get(at(alpha, note, "sign/"))))[1]
    saved(alpha, note, "checker_doctor", advice="Ten times the dose")
    answer = client.post(at(alpha, note, "sign/"), {**PROOF, "seen": seen})
    assert (answer.status_code, "Read it again, then sign" in text(answer)) == (409, True)
    seen = re.search(r'name="seen" value="([^"]+)"', text(client.get(at(alpha, note, "sign/"))))[1]
    with alpha.acting("main_doctor") as acting:
        note.visit.diagnose(by=acting.person, diagnoses=[{"code": FEVER}])
    assert client.post(at(alpha, note, "sign/"), {**PROOF, "seen": seen}).status_code == 409
    seen = re.search(r'name="seen" value="([^"]+)"', text(client.get(at(alpha, note, "sign/"))))[1]
    assert client.post(at(alpha, note, "sign/"), {**PROOF, "seen": seen}).status_code == 302


def test_what_a_colleague_typed_and_nobody_took_over_is_shown_after_the_signature(alpha):
    note = written(alpha)
    with alpha.acting():
        opened = form_of(note)
    saved(alpha, note, complaint="Hers")
    client = alpha.client("checker_doctor")
    client.post(at(alpha, note, "save/"), {**opened, "complaint": "His words"}, headers=JSON)
    with alpha.acting("main_doctor") as acting:
        fresh(note).sign(by=acting.person)
    assert "His words" in text(client.get(at(alpha, note)))
    assert "His words" not in text(alpha.client("main_doctor").get(at(alpha, note)))


def test_a_restricted_chart_is_neither_written_nor_signed_by_who_may_not_open_it(alpha):
    """Not even by a form that was sent without its page; and who may open it signs what is really written."""
    note = written(alpha, {"complaint": "A secret cough"})
    with alpha.acting():
        note.patient.restrict("Works here", by=None)
    client = alpha.client("main_doctor")
    for step, body in DOINGS.items():
        assert client.post(at(alpha, note, step), body).status_code == 403, step
    with alpha.acting():
        assert fresh(note).status == Status.IN_PROGRESS
        ChartGrant.give(note.patient, alpha.main_doctor, "Treats this patient", by=None)
    assert client.post(at(alpha, note, "sign/"), PROOF).status_code == 302
    with alpha.acting(), raw():
        row = fresh(note).signatures.get()
        assert "A secret cough" in row.content and note.patient.name in row.content
        assert row.is_intact


def test_guessing_a_password_is_stopped(alpha):
    note = written(alpha)
    client = alpha.client("main_doctor")
    for _ in range(10):
        client.post(at(alpha, note, "sign/"), {"proof": "guess"})
    answer = client.post(at(alpha, note, "sign/"), PROOF)
    assert "Too many wrong entries" in text(answer)


def test_a_trainee_chooses_by_whom_and_that_colleague_finds_it(alpha):
    note = written(alpha, role="checker_doctor")
    with alpha.acting():
        CosignRule.objects.create(person=alpha.checker_doctor)
    client = alpha.client("checker_doctor")
    assert "Choose by whom" in text(client.post(at(alpha, note, "sign/"), PROOF))
    client.post(at(alpha, note, "sign/"), {**PROOF, "cosigner": str(alpha.main_doctor.pk)})
    chief = alpha.client("main_doctor")
    with alpha.acting():
        name = fresh(note).patient.name
    assert name in text(chief.get(f"{alpha.url}/notes/to-cosign/"))
    assert chief.post(at(alpha, note, "cosign/"), PROOF).status_code == 302
    assert name not in text(chief.get(f"{alpha.url}/notes/to-cosign/")).split("<main")[1]
    assert client.post(at(alpha, note, "cosign/"), PROOF).status_code == 403


def test_an_addendum_and_a_mistake_stand_on_the_page(alpha):
    note = signed(alpha)
    client = alpha.client("main_doctor")
    client.post(at(alpha, note, "addendum/"), {**PROOF, "text": "The culture is back"})
    page = text(client.get(at(alpha, note)))
    assert "Addendum 1" in page
    assert page.count("Checked now") == 2
    assert client.post(at(alpha, note, "error/"), {"reason": "Another patient"}).status_code == 302
    page = text(client.get(at(alpha, note)))
    assert "is-mistaken" in page
    assert "Another patient" in page
    assert "The culture is back" in page


def test_a_broken_signature_is_told_on_the_page(alpha):
    from hospital.tests.databases import owner

    note = signed(alpha)
    with owner() as database:
        database.execute("ALTER TABLE clinical_encountersection DISABLE TRIGGER signed_note")
        database.execute(f"SET app.tenant = '{alpha.tenant.pk}'")
        database.execute(f"UPDATE clinical_encountersection SET text = 'Never ill' WHERE encounter_id = '{note.pk}'")
        database.execute("ALTER TABLE clinical_encountersection ENABLE TRIGGER signed_note")
    page = text(alpha.client("main_doctor").get(at(alpha, note)))
    assert "is not what was signed" in page
    assert "Checked now" not in page
    assert "is not what was signed" in text(alpha.client("main_doctor").get(at(alpha, note, "print/")))


# --- beside the words ----------------------------------------------------------------------------


def test_a_lesion_is_placed_by_a_click_and_by_the_list_of_regions(alpha):
    note = begun(alpha, key="dermatology")
    client = alpha.client("main_doctor")
    where = {"site": "forearm_front", "laterality": "left", "kind": "naevus"}
    point = {"x": "141.5", "y": "171.0", "pointed": "forearm_front|left"}
    assert client.post(at(alpha, note, "lesions/new/"), {**where, **point}).status_code == 302
    assert client.post(at(alpha, note, "lesions/new/"), {**where, "laterality": "right"}).status_code == 302
    assert client.post(at(alpha, note, "lesions/new/"), {**where, "laterality": "right"}).status_code == 302
    missing = client.post(at(alpha, note, "lesions/new/"), {**where, "laterality": ""})
    assert (missing.status_code, "choose right or left" in text(missing)) == (422, True)
    with alpha.acting():
        first, second, third = note.lesions.all()
        assert (float(third.x), float(third.y)) == (55, 186), "beside the second, and not on it"
        assert (first.number, first.laterality, float(first.x), float(first.y)) == (1, "left", 141.5, 171.0)
        assert (second.number, float(second.x), float(second.y)) == (2, 55, 170)
    page = text(client.get(at(alpha, note)))
    assert page.count("body-mark") == 3
    moved = {**where, "site": "palm", "pointed": "forearm_front|left", "x": "141.5", "y": "171.0", "version": "1"}
    opened = {f"opened-{name}": value for name, value in {**where, **point}.items()}
    assert client.post(f"{alpha.url}/notes/lesions/{first.pk}/", {**moved, **opened}).status_code == 302
    with alpha.acting():
        assert (fresh(first).site, float(fresh(first).x)) == ("palm", 152)
    client.post(f"{alpha.url}/notes/lesions/{first.pk}/remove/")
    with alpha.acting():
        assert [one.number for one in note.lesions.all()] == [2, 3]


def test_the_diagnoses_of_the_visit_are_written_beside_the_note(alpha):
    note = begun(alpha)
    client = alpha.client("main_doctor")
    seen = re.search(r'name="seen" value="(\w+)"', text(client.get(at(alpha, note))))[1]
    said = {"diagnosis": "a", "a-code": FEVER, "seen": seen}
    assert client.post(at(alpha, note, "diagnoses/"), said).status_code == 302
    with alpha.acting():
        assert [one.code for one in note.visit.diagnoses.standing()] == [FEVER]
    late = client.post(at(alpha, note, "diagnoses/"), {**said, "a-code": COLD}, headers={"HX-Request": "true"})
    assert late.status_code == 409
    with alpha.acting():
        assert [one.code for one in note.visit.diagnoses.standing()] == [FEVER]


def test_the_plan_has_what_until_when_and_who(alpha):
    note = begun(alpha)
    client = alpha.client("main_doctor")
    assert client.post(at(alpha, note, "plan/"), {"text": ""}).status_code == 422
    client.post(at(alpha, note, "plan/"), {"text": "Chest X-ray", "due_on": "2031-02-03", "who": "Patient"})
    page = text(client.get(at(alpha, note)))
    assert "Chest X-ray" in page
    assert "3 Feb 2031" in page
    with alpha.acting():
        item = note.plan_items.get()
    client.post(f"{alpha.url}/notes/plan/{item.pk}/remove/")
    with alpha.acting():
        assert not note.plan_items.exists()


def test_a_quick_text_of_ones_own_goes_before_the_houses_and_is_nobody_elses(alpha):
    note = begun(alpha)
    client = alpha.client("main_doctor")
    client.post(f"{alpha.url}/notes/quick-texts/new/", {"code": "normal", "text": "As always"})
    assert 'value="As always" data-code="normal"' in text(client.get(at(alpha, note)))
    with alpha.acting():
        own = QuickText.objects.get(person=alpha.main_doctor)
    other = alpha.client("checker_doctor")
    assert 'value="As always"' not in text(other.get(at(alpha, note)))
    assert other.get(f"{alpha.url}/notes/quick-texts/{own.pk}/").status_code == 404
    twice = client.post(f"{alpha.url}/notes/quick-texts/new/", {"code": "normal", "text": "Again"})
    assert twice.status_code == 422


# --- lists and paper ----------------------------------------------------------------------------------


def test_the_worklist_shows_ones_own_and_all_to_those_who_lead(alpha):
    note = written(alpha)
    other = written(alpha, role="checker_doctor")
    with alpha.acting(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE clinical_encounter SET started_at = now() - interval '50 hours' WHERE id = %s", [note.pk]
        )
    client = alpha.client("main_doctor")

    def listed(query: str = "") -> list[str]:
        return re.findall(r'<tr id="encounter-([\w-]+)"', text(client.get(f"{alpha.url}/notes/{query}")))

    assert listed() == [str(note.pk)]
    assert listed("?whose=all") == [str(note.pk)]
    assert listed("?age=48") == [str(note.pk)]
    assert listed("?age=72") == listed("?status=draft") == []
    assert "tier-48" in text(client.get(f"{alpha.url}/notes/"))
    with alpha.acting():
        Membership.objects.get(person=alpha.main_doctor).be_head()
    assert listed("?whose=all") == [str(note.pk), str(other.pk)]
    assert listed(f"?whose=all&person={alpha.checker_doctor.pk}") == [str(other.pk)]
    assert ">1<" in text(client.get(f"{alpha.url}/waiting/"))


def test_reading_a_note_is_noted_and_only_for_those_who_read_charts(alpha):
    note = signed(alpha)
    for page in ("", "print/", "pdf/"):
        assert alpha.client("reception").get(at(alpha, note, page)).status_code == 403
        assert alpha.client("checker_doctor").get(at(alpha, note, page)).status_code == 200
    with alpha.acting():
        lines = AuditEntry.objects.filter(action="view", patient_id=note.patient_id, person_id=alpha.checker_doctor.pk)
        assert {line.after["page"] for line in lines} >= {"note", "note on paper"}


def test_paper_says_whether_it_is_signed(alpha):
    note = written(alpha)
    client = alpha.client("main_doctor")
    assert DRAFT in text(client.get(at(alpha, note, "print/")))
    client.post(at(alpha, note, "sign/"), PROOF)
    assert COPY in text(client.get(at(alpha, note, "print/")))


@pytest.mark.parametrize(
    "name", ["Zoë Łukasiewicz", "Дмитрий Иванов", "Αθηνά Παπαδοπούλου", "محمد الأحمد", "王小明", "🙂 Smile"]
)
def test_the_pdf_of_a_note_takes_names_in_any_script(alpha, name):
    note = written(alpha, {"complaint": f"{name}\n" + "Long. " * 900}, key="dermatology")
    with alpha.acting("main_doctor") as acting:
        Lesion.put(note, by=acting.person, **SPOT, **PLACE)
        note.patient.change(by=acting.person, family_name=name)
        note.sign(by=acting.person)
    answer = alpha.client("main_doctor").get(at(alpha, note, "pdf/"))
    content = b"".join(answer) if answer.streaming else answer.content
    assert answer["Content-Type"] == "application/pdf"
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) >= 2
