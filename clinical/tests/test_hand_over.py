"""A note that waits for a co-signer who left is handed over to another one."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from clinical.models import Encounter
from clinical.tests.notes import at, signed
from clinical.tests.wards import fresh
from hospital.models import AuditEntry, Membership
from hospital.workflow import Refused

WHY = "The chief left the house"


@pytest.fixture
def chief(alpha):
    return alpha.person("main_doctor", "Chief")


@pytest.fixture
def deputy(alpha):
    return alpha.person("main_doctor", "Deputy")


@pytest.fixture
def note(alpha, chief) -> Encounter:
    return signed(alpha, cosigner=chief)


def leave(hospital, person) -> None:
    with hospital.acting("admin"):
        Membership.objects.get(person=person).end()


def test_it_goes_to_another_colleague_who_signs_it_and_the_audit_says_why(alpha, note, chief, deputy):
    leave(alpha, chief)
    with alpha.acting("main_doctor") as acting:
        fresh(note).hand_over(deputy, WHY, by=acting.person)
        line = AuditEntry.objects.get(action="handed over")
        assert line.row_id == note.pk
        assert line.after == {"from": str(chief.pk), "to": str(deputy.pk), "reason": WHY}
    with alpha.acting("main_doctor", "Deputy") as acting:
        assert [*Encounter.objects.to_cosign(acting.person)] == [note]
        fresh(note).cosign(by=acting.person)
        assert all(one.is_intact for one in fresh(note).signatures.all())


def test_to_nobody_who_cannot_co_sign_and_only_while_it_waits(alpha, note, chief, deputy):
    with alpha.acting("main_doctor") as acting:
        for person, says in ((alpha.main_doctor, "their own note"), (alpha.pharmacy, "does not co-sign here")):
            with pytest.raises(Refused, match=says):
                fresh(note).hand_over(person, WHY, by=acting.person)
        with pytest.raises(Refused, match="Say why"):
            fresh(note).hand_over(deputy, " ", by=acting.person)
    with alpha.acting("main_doctor", "Chief") as acting:
        fresh(note).cosign(by=acting.person)
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="does not wait"):
        fresh(note).hand_over(deputy, WHY, by=acting.person)


def test_by_its_author_who_was_asked_or_who_leads_and_nobody_else(alpha, note, deputy):
    with alpha.acting("main_doctor", "Deputy") as acting:
        with pytest.raises(PermissionDenied):
            fresh(note).hand_over(acting.person, WHY, by=acting.person)
        Membership.objects.get(person=acting.person).be_head()
        fresh(note).hand_over(acting.person, WHY, by=acting.person)
    assert cosigner_now(alpha, note) == deputy


def cosigner_now(hospital, note):
    with hospital.acting():
        return fresh(note).cosigner


def test_the_worklist_and_the_note_say_that_nobody_is_left_to_co_sign(alpha, note, chief):
    client, lost = alpha.client("main_doctor"), f"{alpha.url}/notes/?status=forsaken"
    assert str(note.pk) not in client.get(lost).content.decode()
    leave(alpha, chief)
    assert str(note.pk) in client.get(lost).content.decode()
    assert str(note.pk) not in alpha.client("checker_doctor").get(lost).content.decode()
    assert str(note.pk) in alpha.client("admin").get(f"{lost}&whose=all").content.decode()
    page = client.get(at(alpha, note)).content.decode()
    assert "does not co-sign here any more" in page
    assert "Ask somebody else" in page


def test_over_the_page(alpha, beta, note, deputy):
    address, sent = at(alpha, note, "hand-over/"), {"cosigner": str(deputy.pk), "reason": WHY}
    client = alpha.client("main_doctor")
    assert client.post(address, {"reason": WHY}).status_code == 422
    assert client.post(address, {**sent, "cosigner": str(beta.main_doctor.pk)}).status_code == 422
    assert client.post(address, sent).status_code == 302
    assert cosigner_now(alpha, note) == deputy
    assert alpha.client("pharmacy").get(address).status_code == 403
    assert beta.client("main_doctor").get(at(beta, note, "hand-over/")).status_code == 404
