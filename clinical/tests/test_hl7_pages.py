"""The inbox: whose messages one sees, and what one click does."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clinical.models import Hl7Message, Patient
from clinical.tests.messages import PERSON, adt, message, oru, registered, row_of, send
from hospital.models import AuditEntry, Role
from hospital.seals import raw

UNKNOWN = oru("OBR|1||F1|X^X^L", "OBX|1|NM|GLU^Glucose^L||5.4|mmol/L|||||F", control="RESULT-1")


@pytest.fixture
def waiting(alpha):
    """A registration that looks like somebody, and a result of nobody."""
    with alpha.acting("reception") as acting:
        known = {"given_name": "Ada Mei", "family_name": "Ng", "birth_date": date(1990, 3, 4), "sex": "female"}
        patient = Patient.register(by=acting.person, **known)
    registration = row_of(alpha, send(alpha, adt("A04", PERSON, control="PERSON-1")))
    result = row_of(alpha, send(alpha, UNKNOWN))
    return patient, registration, result


def page(hospital, key: str, path: str = "") -> str:
    return hospital.client(key).get(f"{hospital.url}/messages/{path}").content.decode()


def test_each_role_sees_the_messages_of_its_own_work(alpha, beta, waiting):
    _, registration, result = waiting
    assert (registration.control_id in (desk := page(alpha, "reception")), "RESULT-1" in desk) == (True, False)
    assert ("PERSON-1" in (lab := page(alpha, "lab_technician")), "RESULT-1" in lab) == (False, True)
    assert all(word in page(alpha, "admin") for word in ("PERSON-1", "RESULT-1"))
    assert alpha.client("main_doctor").get(f"{alpha.url}/messages/").status_code == 403
    assert alpha.client("reception").get(f"{alpha.url}/messages/{result.pk}/").status_code == 404
    for role in ("admin", "reception"):
        assert "PERSON-1" not in page(beta, role)
        assert beta.client(role).get(f"{beta.url}/messages/{registration.pk}/").status_code == 404
        said = {"do": "aside", "reason": "x"}
        assert beta.client(role).post(f"{beta.url}/messages/{registration.pk}/do/", said).status_code == 404


def test_the_sidebar_counts_what_waits_for_the_role(alpha, waiting):
    assert '1<span class="visually-hidden"> waiting' in page(alpha, "reception")
    assert '2<span class="visually-hidden"> waiting' in page(alpha, "admin")


def test_the_filters_narrow_the_list(alpha, waiting):
    shown = {
        "?family=results": ("RESULT-1", "PERSON-1"),
        "?reason=patient&q=PERSON-1": ("PERSON-1", "RESULT-1"),
        "?q=no+such+words": ("No message is here", "PERSON-1"),
        "?state=applied": ("No message is here", "RESULT-1"),
    }
    for query, (there, away) in shown.items():
        found = page(alpha, "admin", query).split('id="messages"')[1]
        assert there in found, query
        assert away not in found, query
    assert alpha.client("admin").get(f"{alpha.url}/messages/?sender=x&page=99&family=x").status_code == 200


def test_the_page_shows_the_segments_by_name_and_who_opened_it_is_written_down(alpha, waiting):
    patient, registration, _ = waiting
    shown = page(alpha, "reception", f"{registration.pk}/")
    assert "date of birth" in shown or "born" in shown
    assert "same name" in shown
    assert patient.number in shown
    with alpha.acting("admin"):
        opened = AuditEntry.objects.filter(action="view", person_id=alpha.reception.pk)
        assert opened.filter(row_id=registration.pk).exists()
        assert opened.filter(patient_id=patient.pk).exists()


def test_one_click_says_whom_it_is_about_and_the_others_follow(alpha, waiting):
    patient, registration, result = waiting
    client = alpha.client("reception")
    answer = client.post(f"{alpha.url}/messages/{registration.pk}/do/", {"do": "choose", "patient": str(patient.pk)})
    assert answer.status_code == 302
    assert row_of_(alpha, registration).status == "applied"
    assert row_of_(alpha, result).waits_for == "code"


def test_a_new_patient_is_registered_from_it(alpha, waiting):
    _, registration, _ = waiting
    alpha.client("reception").post(f"{alpha.url}/messages/{registration.pk}/do/", {"do": "register"})
    assert row_of_(alpha, registration).status == "applied"
    with alpha.acting():
        assert Patient.objects.count() == 2


def test_the_laboratory_cannot_register_and_says_so(alpha, waiting):
    _, _, result = waiting
    answer = alpha.client("lab_technician").post(f"{alpha.url}/messages/{result.pk}/do/", {"do": "register"})
    assert answer.status_code == 403
    assert row_of_(alpha, result).status == "waiting"


def test_it_is_put_aside_with_a_reason_and_taken_back(alpha, waiting):
    _, registration, _ = waiting
    client, url = alpha.client("reception"), f"{alpha.url}/messages/{registration.pk}/do/"
    assert client.post(url, {"do": "aside", "reason": " "}).status_code == 422
    assert client.post(url, {"do": "aside", "reason": "Sent by mistake"}).status_code == 302
    assert row_of_(alpha, registration).status == "aside"
    assert client.post(url, {"do": "again"}).status_code == 409
    client.post(url, {"do": "back"})
    assert row_of_(alpha, registration).status == "waiting"


@pytest.mark.parametrize(
    "said", [{}, {"do": "x"}, {"do": "choose"}, {"do": "choose", "patient": "x"}, {"do": "explain", "target": "y"}]
)
def test_odd_answers_are_refused_in_words(alpha, waiting, said):
    _, registration, _ = waiting
    assert alpha.client("admin").post(f"{alpha.url}/messages/{registration.pk}/do/", said).status_code == 422


def test_a_role_without_the_permission_has_no_entry_and_no_page(alpha, waiting):
    with alpha.acting("admin"):
        role = Role.objects.get(key="reception")
        role.allow_exactly({one for one in role.permissions if one != "clinical.manage_messages"})
    assert alpha.client("reception").get(f"{alpha.url}/messages/").status_code == 403


def test_of_a_restricted_chart_nothing_is_shown_and_all_is_applied(alpha):
    patient = registered(alpha)
    with alpha.acting("admin") as acting:
        patient.restrict("A colleague", by=acting.person)
    moved = row_of(alpha, send(alpha, adt("A08", PERSON.replace("Leeds", "Bath"), control="HIDDEN")))
    assert moved.status == "applied"
    with alpha.acting(), raw():
        patient.refresh_from_db()
        assert (patient.city, patient.family_name) == ("Bath", "Ng")
    waits = row_of(alpha, send(alpha, adt("A08", PERSON.replace("Leeds", "York"), processing="T")))
    assert "Bath" not in page(alpha, "reception", "?state=all")
    for row in (moved, waits):
        answer = alpha.client("reception").get(f"{alpha.url}/messages/{row.pk}/")
        assert "Low Road" not in answer.content.decode()


def test_bytes_that_are_no_message_have_a_page_too(alpha):
    row = row_of(alpha, send(alpha, b"<script>alert(1)</script>\x00\xff"))
    shown = page(alpha, "admin", f"{row.pk}/")
    assert "cannot be read" in shown
    assert "<script>alert" not in shown


# --- commands -------------------------------------------------------------------------------------------


def run(*words: str, **said: object) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out, **said)
    return out.getvalue()


def test_a_folder_is_read_with_its_batches_and_a_second_run_changes_nothing(alpha, tmp_path):
    batch = (
        b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + adt("A28", control="B1") + b"\r" + adt("A08", control="B2") + b"\rBTS|3\rFTS|1"
    )
    (tmp_path / "batch.hl7").write_bytes(batch)
    (tmp_path / "notes.txt").write_text("not a message")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one.txt").write_bytes(message("DFT^P03", "PID|1", control="B3").replace(b"\r", b"\n"))
    told = run("hl7", str(tmp_path), tenant=alpha.tenant.slug)
    assert "its envelope says 3 messages, and has 2" in told
    assert told.splitlines()[-1] == "2 applied, 1 inbox, 0 duplicate, 0 refused"
    assert run("hl7", str(tmp_path), tenant=alpha.tenant.slug).splitlines()[-1].startswith("0 applied, 0 inbox, 3 dup")


def test_what_is_refused_ends_the_command_with_an_error(alpha, tmp_path):
    file = tmp_path / "bad.hl7"
    file.write_bytes(b"PID|1||no header")
    with pytest.raises(CommandError, match="1 refused"):
        run("hl7", str(file), tenant=alpha.tenant.slug)
    with pytest.raises(CommandError, match="no active organisation"):
        run("hl7", str(file), tenant="nobody")
    with pytest.raises(CommandError, match="not there"):
        run("hl7", str(tmp_path / "x"), tenant=alpha.tenant.slug)


def test_messages_marked_as_a_test_are_applied_only_when_asked(alpha, tmp_path):
    file = tmp_path / "test.hl7"
    file.write_bytes(adt("A28", processing="T", control="T1") + b"\r" + adt("A08", processing="T", control="T2"))
    assert run("hl7", str(file), tenant=alpha.tenant.slug).splitlines()[-1].startswith("0 applied, 2 inbox")
    file.write_bytes(adt("A28", processing="T", control="T3"))
    assert run("hl7", str(file), tenant=alpha.tenant.slug, tests=True).splitlines()[-1].startswith("1 applied")


def test_without_a_tenant_the_sender_says_whose_it_is(alpha, tmp_path):
    file, name = tmp_path / "routed.hl7", f"APP{alpha.mark}"
    file.write_bytes(adt("A28", sender=f"{name}|EAST"))
    with pytest.raises(CommandError, match="1 refused"):
        run("hl7", str(file))
    run("hl7_sender", tenant=alpha.tenant.slug, application=name, facility="EAST")
    assert "1 applied" in run("hl7", str(file))


def row_of_(hospital, row: Hl7Message) -> Hl7Message:
    with hospital.acting():
        return Hl7Message.objects.get(pk=row.pk)


def test_the_patient_of_an_applied_message_is_named_on_its_page(alpha):
    patient = registered(alpha)
    with alpha.acting():
        row = Hl7Message.objects.get()
    assert patient.name in page(alpha, "reception", f"{row.pk}/")
