"""The pages of authorisations: asked for from three places, led through their steps, read by those who may."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import Authorisation
from billing.tests.authorisations import CODE, a_payer, asked, granted, insured
from billing.views.authorisation_steps import STEPS
from clinical import days
from clinical.tests.answers import text
from clinical.tests.notes import signed
from clinical.tests.papers import pdf
from hospital.models import AuditEntry

S = Authorisation.Status
WANTED = {"code": "96920", "service": "Laser", "units": "6", "urgency": "standard", "justification": "Plaques"}


def send(client, url: str, **fields):
    return client.post(url, {"form_key": str(uuid4()), **fields})


def at(hospital, row: Authorisation, step: str = "") -> str:
    return f"{hospital.url}/authorisations/{row.pk}/{step}"


def test_a_doctor_asks_from_the_patient_and_billing_leads_it_to_the_answer(alpha):
    with alpha.acting("billing"):
        policy = insured(a_payer())
    doctor, billing = alpha.client("main_doctor"), alpha.client("billing")
    new = f"{alpha.url}/patients/{policy.patient_id}/authorisations/new/"
    assert doctor.get(new).status_code == 200
    assert send(doctor, new, **WANTED | {"code": "9 6"}, policy=policy.pk).status_code == 422
    assert send(doctor, new, **WANTED, policy=policy.pk).status_code == 302
    with alpha.acting():
        row = Authorisation.objects.get()
        assert row.payer_id == policy.payer_id
    assert send(billing, at(alpha, row, "submit/"), words="Portal", answer_by="").status_code == 302
    granted_until = days_from(alpha, 90)
    answer = {"units": "4", "valid_from": days_from(alpha, 0), "valid_until": granted_until, "words": "Four"}
    assert send(billing, at(alpha, row, "approve/"), **answer).status_code == 422, "claims carry the number"
    wrong = send(
        billing, at(alpha, row, "approve/"), **answer | {"valid_until": days_from(alpha, -1)}, payer_number="A-1"
    )
    assert wrong.status_code == 422 and "must not be before the first" in text(wrong)
    assert send(billing, at(alpha, row, "approve/"), **answer, payer_number="A-1").status_code == 302
    page = text(billing.get(at(alpha, row)))
    assert "Partly approved" in page and '<progress value="0.00" max="4.00"' in page and "A-1" in page
    again = send(billing, at(alpha, row, "deny/"), words="No", decided_on=days_from(alpha, 0))
    assert again.status_code == 409 and "used up" not in text(again) and "withdrawn" in text(again)


def days_from(hospital, count: int) -> str:
    with hospital.acting():
        return (days.today() + timedelta(days=count)).isoformat()


# By step: what is walked before it, what is written in its form, and where it leads.
BY_PAGE = {
    "submit": ((), {"words": "Portal"}, S.SUBMITTED),
    "approve": (("submit",), {"units": "6", "payer_number": "A-1"}, S.APPROVED),
    "deny": (("submit",), {"words": "No need"}, S.DENIED),
    "wait": (("submit",), {"words": "It has it"}, S.PENDING),
    "more": (("submit",), {"words": "Photos"}, S.MORE_INFO),
    "appeal": (("submit", "deny"), {"words": "Photos are with it"}, S.PENDING),
    "withdraw": ((), {"words": "The wrong policy"}, S.WITHDRAWN),
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_taken_by_its_page(alpha, step):
    row, client = asked(alpha), alpha.client("billing")
    before, said, after = BY_PAGE[step]
    today = days_from(alpha, 0)
    on = {"valid_from": today, "valid_until": days_from(alpha, 90), "decided_on": today}
    for one in before:
        assert send(client, at(alpha, row, f"{one}/"), **on, **BY_PAGE[one][1]).status_code == 302
    assert send(client, at(alpha, row, f"{step}/"), **on, **said).status_code == 302
    with alpha.acting():
        row.refresh_from_db()
        assert row.status == after


def test_from_a_note_it_takes_the_visit_the_doctor_and_the_diagnoses(alpha):
    note = signed(alpha)
    with alpha.acting("billing"):
        policy = a_policy_of(note.patient)
    new = f"{alpha.url}/notes/{note.pk}/authorisations/new/"
    assert send(alpha.client("main_doctor"), new, **WANTED, policy=policy.pk).status_code == 302
    visit = f"{alpha.url}/visits/{note.visit_id}/authorisations/new/"
    assert send(alpha.client("billing"), visit, **WANTED, policy=policy.pk).status_code == 302
    with alpha.acting():
        of_visit, of_note = Authorisation.objects.order_by("-serial")
        assert (of_note.encounter_id, of_note.visit_id) == (note.pk, note.visit_id)
        assert (of_visit.encounter_id, of_visit.visit_id) == (None, note.visit_id)


def a_policy_of(patient):
    return patient.policies.model.record(patient, by=None, insurer=a_payer().name, member_number="1")


def test_units_are_used_and_given_back_on_the_page(alpha):
    row = granted(alpha, units=2)
    client = alpha.client("billing")
    assert send(client, at(alpha, row, "use/"), units="3", used_on=days_from(alpha, 0)).status_code == 422
    assert send(client, at(alpha, row, "use/"), units="2", used_on=days_from(alpha, 0)).status_code == 302
    assert "Used up" in text(client.get(at(alpha, row)))
    with alpha.acting():
        use = row.uses.get()
    give_back = f"{alpha.url}/authorisations/uses/{use.pk}/give-back/"
    assert "Give 2 units back to" in client.get(give_back).content.decode()
    assert send(client, give_back, note="Did not come").status_code == 302
    with alpha.acting():
        row.refresh_from_db()
        assert (row.left, row.status) == (Decimal(2), S.PARTIAL)
    assert "\N{MINUS SIGN}2" in text(client.get(at(alpha, row)))


def test_the_log_takes_what_was_said_and_a_letter_is_read_by_whoever_sees_the_authorisation(alpha):
    row = asked(alpha)
    client = alpha.client("billing")
    said = {"way": "phone", "whom": "Ms Lee", "reference": "R-5", "words": "It is with the doctor of the house"}
    late = send(client, at(alpha, row, "log/"), **said, at="2999-01-01T10:00")
    assert late.status_code == 422
    assert send(client, at(alpha, row, "log/"), **said, at="2026-01-05T10:00").status_code == 302
    letter = SimpleUploadedFile("answer.pdf", pdf())
    with alpha.acting():
        before = Authorisation.objects.get(pk=row.pk).version
    assert (
        send(client, at(alpha, row, "letters/new/"), direction="from", title="Answer", file=letter).status_code == 302
    )
    page = text(client.get(at(alpha, row)))
    assert "Ms Lee" in page and "R-5" in page and ">Answer</a>" in page
    with alpha.acting():
        filed = row.letters.get()
        assert Authorisation.objects.get(pk=row.pk).version > before, "other screens see that there is a letter"
    read = alpha.client("main_doctor").get(f"{alpha.url}/authorisations/letters/{filed.pk}/")
    assert read.status_code == 200 and b"".join(read.streaming_content).startswith(b"%PDF")
    with alpha.acting():
        assert AuditEntry.objects.filter(action="download", patient_id=row.patient_id).exists()
    assert alpha.client("pharmacy").get(f"{alpha.url}/authorisations/letters/{filed.pk}/").status_code == 403


@pytest.mark.parametrize(
    ("show", "stands"), [("", False), ("granted", True), ("expiring", True), ("denied", False), ("all", True)]
)
def test_the_list_is_narrowed_by_where_they_are(alpha, show, stands):
    row = granted(alpha, left=12)
    page = text(alpha.client("main_doctor").get(f"{alpha.url}/authorisations/?show={show}"))
    assert (row.number in page) is stands
    assert row.number in text(alpha.client("billing").get(f"{alpha.url}/authorisations/?show=all&q={row.number}"))
    assert row.number not in text(alpha.client("billing").get(f"{alpha.url}/authorisations/?show=all&q=Nobody"))


def test_it_stands_in_loops_not_closed_until_it_is_renewed(alpha):
    row = granted(alpha, left=12)
    loops = f"{alpha.url}/loops/?kind=authorisations&whose=all"
    client = alpha.client("billing")
    assert row.number in text(client.get(loops))
    assert send(client, at(alpha, row, "renew/")).status_code == 302
    assert row.number in text(client.get(loops)), "the insurer was not asked yet"
    with alpha.acting("billing") as acting:
        renewal = row.renewals.get()
        assert (renewal.status, renewal.code) == (S.DRAFT, CODE)
        renewal.submit(by=acting.person)
    assert row.number not in text(client.get(loops))
    assert row.number in text(client.get(at(alpha, renewal)))


def test_of_two_who_change_a_draft_the_second_is_asked(alpha):
    row = asked(alpha)
    client = alpha.client("billing")
    opened = {"version": "1", "opened-units": "6.00", "opened-service": "Laser treatment", "opened-code": CODE}
    with alpha.acting("billing") as acting:
        row.amend(by=acting.person, units=Decimal(8))
        policy = row.policy_id
    answer = send(client, at(alpha, row, "edit/"), **WANTED | {"units": "10"}, policy=policy, **opened)
    assert answer.status_code == 409 and "8" in text(answer)


def test_who_may_only_see_asks_for_nothing_and_a_stranger_sees_nothing(alpha, beta):
    row = asked(alpha)
    reception = alpha.client("reception")
    assert reception.get(at(alpha, row)).status_code == 200
    assert "Submit to the insurer" not in text(reception.get(at(alpha, row)))
    assert reception.get(at(alpha, row, "submit/")).status_code == 403
    assert alpha.client("pharmacy").get(at(alpha, row)).status_code == 403
    assert beta.client("billing").get(f"{beta.url}/authorisations/{row.pk}/").status_code == 404
