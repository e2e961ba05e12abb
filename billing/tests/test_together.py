"""Several claims in one go: a file that was rejected is taken back whole, what was chosen is checked and made ready."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from billing.claims import sending, together
from billing.claims.together import mend, rejected_in
from billing.models import Claim, ClaimBatch, ClaimStep, ClaimVersion
from billing.tasks import write_claim_batches
from billing.tests.claims import a_claim, furnish, ready
from billing.tests.test_claim_pages import ACK, told
from billing.x12.acknowledgement import Acknowledgement
from hospital.tests.hospital import Hospital
from realtime.models import Event


@pytest.fixture
def clinic(alpha: Hospital) -> Hospital:
    furnish(alpha)
    return alpha


@pytest.fixture
def batch(clinic: Hospital) -> ClaimBatch:
    """Three claims in a file whose form was rejected."""
    claims = [ready(clinic) for _ in range(3)]
    with clinic.acting("billing") as acting:
        (row,) = sending.submit(claims, by=acting.person)
    write_claim_batches()
    told(clinic, ACK.format(group=row.serial, faults="", verdict="R", good=0), Acknowledgement)
    return row


def post(house: Hospital, path: str, role: str = "billing", **fields: Any) -> Any:
    return house.client(role).post(f"{house.url}/{path}", {"form_key": uuid4(), **fields})


def page(house: Hospital, path: str, role: str = "billing") -> str:
    return house.client(role).get(f"{house.url}/{path}").content.decode()


def statuses(house: Hospital) -> list[str]:
    with house.acting():
        return list(Claim.objects.order_by("serial").values_list("status", flat=True))


def changes(house: Hospital) -> int:
    with house.acting():
        return Event.objects.filter(name="claim:status_changed").count()


def test_a_file_that_was_rejected_is_taken_back_with_one_press(clinic: Hospital, beta: Hospital, batch) -> None:
    address, before = f"claim-batches/{batch.pk}/", changes(clinic)
    assert "Take all 3 rejected claims back for mending" in page(clinic, address)
    assert post(clinic, f"{address}mend/").status_code == 302
    assert statuses(clinic) == ["draft"] * 3 and changes(clinic) == before + 3
    with clinic.acting():
        assert ClaimStep.objects.filter(before="rejected", after="draft").count() == 3
        assert ClaimVersion.objects.filter(number=2, frozen_at=None).count() == 3
    shown = page(clinic, address)
    assert "for mending" not in shown
    again = post(clinic, f"{address}mend/")
    assert (again.status_code, f"No claim of {batch} is rejected" in again.content.decode()) == (409, True)
    assert post(beta, f"{address}mend/").status_code == 404


def test_who_may_not_mend_one_mends_no_file(clinic: Hospital, batch) -> None:
    assert post(clinic, f"claim-batches/{batch.pk}/mend/", role="reception").status_code == 403
    assert statuses(clinic) == ["rejected"] * 3


def test_what_was_mended_and_rejected_in_another_file_is_not_of_this_one(clinic: Hospital, batch) -> None:
    assert post(clinic, f"claim-batches/{batch.pk}/mend/").status_code == 302
    with clinic.acting("billing") as acting:
        first = Claim.objects.order_by("serial").first()
    ready(clinic, first)
    with clinic.acting("billing") as acting:
        (other,) = sending.submit([first], by=acting.person)
    write_claim_batches()
    told(clinic, ACK.format(group=other.serial, faults="", verdict="R", good=0), Acknowledgement)
    with clinic.acting():
        assert (rejected_in(batch).count(), rejected_in(other).count()) == (0, 1)


def test_what_cannot_be_taken_back_is_named_and_stops_no_other(clinic: Hospital, batch) -> None:
    with clinic.acting("billing") as acting:
        claims = list(Claim.objects.order_by("serial"))
        Claim.objects.get(pk=claims[1].pk).withdraw("Paid at the desk", by=acting.person)
        what = together.each(claims, mend, by=acting.person)
    assert what.done == [claims[0], claims[2]]
    assert what.reasons == [f"{claims[1].number}: It is withdrawn by now."]
    assert statuses(clinic) == ["draft", "withdrawn", "draft"]


def test_of_what_was_chosen_all_that_passes_is_ready_and_the_rest_says_why(clinic: Hospital, beta: Hospital) -> None:
    sound, wrong, left_out, out = a_claim(clinic), a_claim(clinic), a_claim(clinic), ready(clinic)
    with clinic.acting("billing"):
        wrong.current.lines.update(procedure="")
    assert f'aria-label="Choose {sound.number}"' in page(clinic, "claims/")
    assert f'aria-label="Choose {out.number}"' not in page(clinic, "claims/?show=all")
    chosen = [one.pk for one in (sound, wrong, out)]
    assert post(beta, "claims/check/", claim=chosen).status_code == 422
    assert post(clinic, "claims/check/", role="reception", claim=chosen).status_code == 403
    answer = post(clinic, "claims/check/", claim=chosen, back="show=draft")
    assert answer.status_code == 302 and answer["Location"].endswith("/claims/?show=draft")
    assert statuses(clinic) == ["ready", "draft", "draft", "ready"]
    with clinic.acting():
        assert Claim.objects.get(pk=wrong.pk).current.findings.exists()
        assert not Claim.objects.get(pk=left_out.pk).current.findings.exists()


def test_the_answer_says_how_many_are_ready_and_which_are_not(clinic: Hospital) -> None:
    sound, wrong = a_claim(clinic), a_claim(clinic)
    with clinic.acting("billing"):
        wrong.current.lines.update(procedure="")
    client = clinic.client("billing")
    chosen = {"claim": [sound.pk, wrong.pk], "form_key": uuid4()}
    shown = client.post(f"{clinic.url}/claims/check/", chosen, follow=True).content.decode()
    assert "1 claim is ready to be sent." in shown
    assert f"{wrong.number}: " in shown and "to correct." in shown and f"{sound.number}: " not in shown


@pytest.mark.parametrize(
    ("chosen", "status", "words"),
    [
        ([], 422, "Choose at least one claim"),
        (["no key"], 400, "This list is not from here"),
        ([uuid4() for _ in range(101)], 422, "At most 100"),
    ],
)
def test_a_choice_that_is_none_is_refused_in_words(clinic: Hospital, chosen: list, status: int, words: str) -> None:
    answer = post(clinic, "claims/check/", claim=chosen)
    assert (answer.status_code, words in answer.content.decode()) == (status, True)
