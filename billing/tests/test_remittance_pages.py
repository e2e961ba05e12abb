"""The pages: files of payers brought in, remittances posted, matched and typed in, denials appealed and settled."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing import remitting
from billing.models import (
    Appeal,
    AppealLetter,
    Claim,
    Denial,
    Discount,
    PayerFile,
    Purse,
    Remittance,
    RemittanceClaim,
)
from billing.tests.remittances import DAY, backwards, decided, line, loaded, posted, remittance, sent, sent_on, taken
from billing.tests.test_remittance import euros, standing
from billing.tests.x12_samples import SAMPLES, needs_samples
from clinical.models.payer import AppealLevel
from clinical.tests.papers import png
from hospital.tests.asking import queries
from hospital.tests.hospital import Hospital

S = Claim.Status
REMITTANCES = sorted(SAMPLES.glob("*.835"))


def post(house: Hospital, path: str, *, role: str = "billing", **fields: Any) -> Any:
    return house.client(role).post(f"{house.url}/{path}", {"form_key": uuid4(), **fields})


def bring(house: Hospital, name: str, content: bytes, role: str = "billing") -> Any:
    return post(house, "payer-files/", role=role, file=SimpleUploadedFile(name, content))


def page(house: Hospital, path: str) -> str:
    answer = house.client("billing").get(f"{house.url}/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


@needs_samples
@pytest.mark.parametrize("path", REMITTANCES, ids=lambda path: path.stem)
def test_each_public_remittance_is_in_the_inbox_with_a_reason(alpha: Hospital, path: Path) -> None:
    assert bring(alpha, path.name, path.read_bytes()).status_code == 302
    with alpha.acting("billing"):
        file, row = PayerFile.objects.get(), Remittance.objects.get()
        assert (file.state, row.status) == (PayerFile.State.WAITING, Remittance.Status.READ)
        assert file.raw == path.read_bytes()
        heard = list(row.claims.all())
        assert f"0 of {len(heard)} {'claim' if len(heard) == 1 else 'claims'} found." in file.words
        assert heard and all(one.status == RemittanceClaim.Status.UNMATCHED and one.why for one in heard)
    shown = page(alpha, f"remittances/{row.pk}/")
    assert "The file is marked as a test." in shown and heard[0].number in shown
    assert post(alpha, f"remittances/{row.pk}/post/").status_code == 409


def test_the_same_bytes_come_in_once_and_lead_to_the_first(alpha: Hospital) -> None:
    assert bring(alpha, "a.835", b"ISA no file of X12").status_code == 302
    again = bring(alpha, "b.835", b"ISA no file of X12")
    with alpha.acting("billing"):
        first = PayerFile.objects.get()
    assert again.status_code == 409 and f"/payer-files/{first.pk}/" in again.content.decode()
    assert first.state == PayerFile.State.REFUSED and "What is wrong with it" in page(alpha, f"payer-files/{first.pk}/")


def test_a_picture_is_called_no_x12(alpha: Hospital) -> None:
    assert bring(alpha, "scan.png", png(tail=b"\x01GS\xd6\xcd~ST\xc3\x96*\xd6~" * 3)).status_code == 302
    with alpha.acting("billing"):
        row = PayerFile.objects.get()
    assert (row.kinds, row.state, row.words) == ("", PayerFile.State.REFUSED, "Nothing in it can be read as X12.")
    assert "This is no X12" in page(alpha, f"payer-files/{row.pk}/") and "not X12" in page(alpha, "payer-files/")


@needs_samples
def test_an_amount_that_no_table_keeps_is_told_and_breaks_nothing(alpha: Hospital) -> None:
    content = (SAMPLES / "cob-contractural-adjustment.835").read_bytes().replace(b"*34.00*", b"*" + b"9" * 18 + b"*")
    assert bring(alpha, "odd.835", content).status_code == 302
    with alpha.acting("billing"):
        assert PayerFile.objects.get().state == PayerFile.State.REFUSED
        assert "cannot be kept" in PayerFile.objects.get().words and not Remittance.objects.exists()


def test_the_front_desk_brings_in_no_file(alpha: Hospital) -> None:
    assert bring(alpha, "a.835", b"ISA", role="reception").status_code == 403


def test_a_remittance_is_previewed_and_posted_from_its_page(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = taken(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")))
    shown = page(alpha, f"remittances/{row.pk}/")
    assert all(words in shown for words in (claim.number, "To the patient", "20.00", "Above the agreed or allowed fee"))
    client = alpha.client("billing")
    done = client.post(f"{alpha.url}/remittances/{row.pk}/post/", {"form_key": uuid4()}, follow=True)
    assert f"{row} is posted on 1 claim." in done.content.decode()
    assert post(alpha, f"remittances/{row.pk}/post/").status_code == 409
    assert standing(alpha, claim) == (S.PAID, *euros("20.00", "0.00"))


def test_an_open_account_adds_up_with_what_the_insurer_bears_and_what_was_let_off(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")))
    with alpha.acting("billing") as acting:
        Discount.give(claim.visit, Decimal(5), "Hardship", by=acting.person)

    def sums() -> list[str]:
        row = unescape(page(alpha, "payments/")).partition(f'id="account-{claim.visit_id}"')[2].partition("</tr>")[0]
        return re.findall(r"\$\d+\.\d\d", row) + re.findall(f"Partly paid|{unpaid}", row)

    unpaid = "Patient's part unpaid"
    assert sums() == ["$100.00", "$0.00", "$85.00", "$15.00", unpaid]
    assert unpaid in unescape(page(alpha, f"visits/{claim.visit_id}/"))
    assert f"account-{claim.visit_id}" in page(alpha, "payments/?show=share")
    with alpha.acting("billing") as acting:
        Purse.take(claim.patient, Decimal(10), [claim.visit_id], method="cash", by=acting.person)
    assert sums() == ["$100.00", "$10.00", "$85.00", "$5.00", "Partly paid"]
    assert f"account-{claim.visit_id}" in page(alpha, "payments/?show=partial")


def test_what_was_too_much_is_booked_when_it_is_due(alpha: Hospital) -> None:
    claim = sent(alpha)
    first = decided(claim, line(claim, 1, "80.00", CO45="20.00"))
    posted(alpha, first)
    more = posted(alpha, replace(first, lines=(line(claim, 1, "90.00", CO45="10.00"),), paid=Decimal("90.00")))
    with alpha.acting("billing"):
        heard = more.claims.get()
    assert all(words in page(alpha, f"remittances/{more.pk}/") for words in ("On no claim", "Book it again"))
    nothing = post(alpha, f"remittances/claims/{heard.pk}/again/")
    assert nothing.status_code == 409 and "Nothing is due" in nothing.content.decode()
    assert all(words in nothing.content.decode() for words in (more.trace, "On no claim", f'href="#heard-{heard.pk}"'))
    posted(alpha, backwards(first))
    assert standing(alpha, claim)[2] > 0
    assert post(alpha, f"remittances/claims/{heard.pk}/again/", role="reception").status_code == 403
    assert post(alpha, f"remittances/claims/{heard.pk}/again/").status_code == 302
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert "On no claim" not in page(alpha, f"remittances/{more.pk}/")
    assert post(alpha, f"remittances/claims/{heard.pk}/again/").status_code == 409


def test_what_is_refused_on_a_later_part_of_a_remittance_is_said_there(alpha: Hospital, monkeypatch) -> None:
    monkeypatch.setattr("billing.views.remittance.PAGE", 1)
    claims = [sent(alpha) for _ in range(2)]
    value = remittance(*(decided(claim, line(claim, 1, "100.00")) for claim in claims))
    with alpha.acting("billing") as acting:
        row = remitting.take_in(value, file=None, by=acting.person)
        remitting.post(row, by=acting.person)
        last = remitting.heard_in(row)[-1]
    said = post(alpha, f"remittances/claims/{last.pk}/again/")
    shown = said.content.decode()
    assert said.status_code == 409 and f'id="heard-{last.pk}"' in shown and "Page 2 of 2" in shown
    assert f'href="{alpha.url}/remittances/{row.pk}/?page=1"' in shown, "the list has its own address"


def test_a_remittance_on_paper_goes_the_same_way(alpha: Hospital) -> None:
    claim = sent(alpha)
    path = f"remittances/new/?claims={claim.number}"
    assert claim.number in page(alpha, path)
    prefix = f"line-{claim.current.ours[0].pk}"
    said = {"payer": claim.payer_id, "trace": "4711", "paid_on": DAY.isoformat(), "total": "60.00"}
    wrong = post(alpha, path, **said, **{f"{prefix}-paid": "60.00", f"{prefix}-contractual": "20.00"})
    assert wrong.status_code == 422 and "20.00 is left" in wrong.content.decode()
    more = {
        f"{prefix}-paid": "60.00",
        f"{prefix}-contractual": "20.00",
        f"{prefix}-copay": "5.00",
        f"{prefix}-code": "16",
        f"{prefix}-group": "PI",
    }
    assert post(alpha, path, **{**said, "total": "61.00"}, **more).status_code == 422
    assert post(alpha, path, **said, **more).status_code == 302
    with alpha.acting("billing"):
        row = Remittance.objects.get()
    assert post(alpha, f"remittances/{row.pk}/post/").status_code == 302
    assert standing(alpha, claim) == (S.PARTIALLY_PAID, *euros("5.00", "15.00"))
    with alpha.acting("billing"):
        assert not Denial.objects.get().parts.ours


def test_what_a_second_payer_writes_on_paper_is_its_own(alpha: Hospital) -> None:
    """Both policies are with one payer: the claim that the person names is meant."""
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="10.00", PR2="20.00", PI16="10.00")))
    second = sent_on(alpha, claim, payer=claim.payer)
    prefix = f"line-{second.current.ours[0].pk}"
    whole = {"payer": claim.payer_id, "paid_on": DAY.isoformat(), f"{prefix}-code": "23", f"{prefix}-group": "OA"}
    for trace, paid in (("1", "0.00"), ("2", "15.00")):
        said = {**whole, "trace": trace, "total": paid, f"{prefix}-paid": paid}
        assert post(alpha, f"remittances/new/?claims={second.number}", **said).status_code == 302
        with alpha.acting("billing"):
            row = Remittance.objects.get(trace=trace)
        assert post(alpha, f"remittances/{row.pk}/post/").status_code == 302
    assert standing(alpha, second) == (S.PARTIALLY_PAID, *euros("0.00", "5.00"))
    assert standing(alpha, claim)[2] == Decimal("10.00")


@pytest.fixture
def denial(alpha: Hospital) -> Denial:
    claim = sent(alpha)
    with alpha.acting("billing"):
        for level, name in ((1, "Reconsideration"), (2, "External review")):
            AppealLevel.objects.create(payer=claim.payer, level=level, name=name, days=180)
        AppealLetter.objects.create(
            name="Necessity", category="medical_necessity", subject="Appeal {claim}", text="{reasons}"
        )
    posted(alpha, decided(claim, line(claim, 1, "0.00", OA50="100.00"), status="4"))
    with alpha.acting("billing"):
        return Denial.objects.select_related("claim").get()


def test_a_denial_is_appealed_level_by_level_with_letters_of_the_house(alpha: Hospital, denial: Denial) -> None:
    assert denial.deadline is not None and (denial.deadline - DAY).days == 180
    assert denial.claim.number in page(alpha, "denials/")
    with alpha.acting("billing"):
        letter = AppealLetter.objects.get()
    form = page(alpha, f"denials/{denial.pk}/appeal/?letter={letter.pk}")
    assert f"Appeal {denial.claim.number}" in form and "50: " in form
    sent_off = post(alpha, f"denials/{denial.pk}/appeal/", subject="Appeal", body="It was needed.")
    assert sent_off.status_code == 302 and "It was needed." in page(
        alpha, sent_off.headers["Location"].split("/", 2)[2]
    )
    assert standing(alpha, denial.claim)[0] == S.APPEALED
    with alpha.acting("billing"):
        appeal = Appeal.objects.get()
    answer = {"outcome": "lost", "decided_on": str(appeal.sent_at.date()), "note": ""}
    assert post(alpha, f"appeals/{appeal.pk}/decide/", **answer).status_code == 302
    assert standing(alpha, denial.claim)[0] == S.DENIED
    assert "External review" in page(alpha, f"denials/{denial.pk}/")


def test_money_that_comes_after_a_denial_is_counted_as_recovered(alpha: Hospital, denial: Denial) -> None:
    claim = loaded(alpha, denial.claim)
    posted(alpha, decided(claim, line(claim, 1, "100.00")))
    with alpha.acting("billing"):
        denial.refresh_from_db()
        assert (denial.status, denial.recovered) == (Denial.Status.RECOVERED, Decimal("100.00"))
    assert "100 <small>%</small>" in page(alpha, "denials/?show=closed")


@pytest.mark.parametrize(
    ("step", "status", "patient"), [("transfer", S.TRANSFERRED, "100.00"), ("write-off", S.WRITTEN_OFF, "0.00")]
)
def test_only_a_person_with_a_reason_ends_a_denial(
    alpha: Hospital, denial: Denial, step: str, status: str, patient: str
) -> None:
    assert post(alpha, f"denials/{denial.pk}/{step}/", reason=" ").status_code == 422
    assert post(alpha, f"denials/{denial.pk}/{step}/", role="reception", reason="No").status_code == 403
    assert standing(alpha, denial.claim) == (S.DENIED, *euros("0.00", "100.00"))
    assert post(alpha, f"denials/{denial.pk}/{step}/", reason="Not covered").status_code == 302
    assert standing(alpha, denial.claim) == (status, *euros(patient, "0.00"))
    assert post(alpha, f"denials/{denial.pk}/{step}/", reason="Again").status_code == 409


def test_the_page_of_a_remittance_asks_as_often_for_many_claims_as_for_one(alpha: Hospital) -> None:
    """With one that was decided before, one that is taken back, and one that is on no claim, of each."""
    claims = [sent(alpha) for _ in range(3)]
    said = [decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")) for claim in claims]
    posted(alpha, *said)

    def asked(number: int) -> int:
        lost = [replace(one, control_number="X", payer_control_number="") for one in said[:number]]
        row = taken(alpha, *(backwards(one) for one in said[:number]), *said[:number], *lost)
        assert page(alpha, f"remittances/{row.pk}/").count("Another claim") == number
        seen = queries(alpha.client("billing"), f"{alpha.url}/remittances/{row.pk}/")
        return len([sql for sql in seen if "audit_note" not in sql])

    assert asked(3) == asked(1)


def test_the_page_of_a_claim_says_what_became_of_it(alpha):
    claim = sent(alpha)
    path = f"claims/{claim.pk}/"
    assert facts(alpha, path) == {"Still due from the payer": "$100.00"}
    posted(alpha, decided(claim, line(claim, 1, "50.00", CO45="20.00", PR2="5.00", OA16="25.00")))
    assert facts(alpha, path) == {
        "Paid by the payer": "$50.00",
        "Contractual adjustment": "$20.00",
        "Left to the patient": "$5.00",
        "Still due from the payer": "$25.00",
    }


def facts(alpha, path: str) -> dict[str, str]:
    """Those about money, without what the claim asks for."""
    page = alpha.client("billing").get(f"{alpha.url}/{path}").content.decode()
    found = dict(re.findall(r'<dt>([^<]+)</dt><dd><span class="money">([^<]+)</span></dd>', page))
    assert found.pop("Amount") == "$100.00"
    return found


def test_a_file_waits_until_its_remittances_are_posted_or_put_aside(alpha: Hospital) -> None:
    claim = sent(alpha)
    with alpha.acting("billing") as acting:
        file = PayerFile.store("two.835", b"ISA", by=acting.person)
        said = [
            remittance(decided(claim, line(claim, 1, paid, CO45=let)))
            for paid, let in (("60.00", "40.00"), ("40.00", "60.00"))
        ]
        first, second = (remitting.take_in(one, file=file, by=acting.person) for one in said)
        states = []
        for verb in (
            lambda: remitting.post(first, by=acting.person),
            lambda: remitting.put_aside(second, "A copy", by=acting.person),
            lambda: remitting.take_up(second, by=acting.person),
        ):
            verb()
            states.append(PayerFile.objects.get().state)
    assert states == ["waiting", "taken", "waiting"]
