"""Refusals: what stays due until a person decides, what is never the patient's, and what a later word of the payer does to them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from billing import booking_again, remitting
from billing.claims import correcting, drafting, scrubber
from billing.models import Account, Appeal, Claim, Denial, Discount, JournalEntry, Kind, Payment, ProcedureCode, Refund
from billing.tests.claims import a_note, furnish
from billing.tests.remittances import (
    DAY,
    SECOND,
    backwards,
    decided,
    line,
    loaded,
    post_part,
    posted,
    send,
    sent,
    sent_on,
)
from billing.tests.test_remittance import euros, standing
from billing.tests.till import charge
from clinical import days
from clinical.models import Visit
from clinical.models.payer import AppealLevel
from clinical.tests.test_manifests import waits_for_a_row
from hospital.tests.hospital import Hospital
from hospital.workflow import Refused
from realtime.models import Event
from realtime.tests.server import wait_until

S = Claim.Status


def refused(alpha: Hospital, **codes: str) -> Claim:
    claim = sent(alpha)
    with alpha.acting("billing"):
        for level, name in ((1, "Reconsideration"), (2, "External review")):
            AppealLevel.objects.create(payer=claim.payer, level=level, name=name, days=180)
    posted(alpha, decided(claim, line(claim, 1, "0.00", **(codes or {"CO16": "100.00"})), status="4"))
    return loaded(alpha, claim)


def the_denial() -> Denial:
    return Denial.objects.select_related("claim").get()


@pytest.mark.parametrize("void", [False, True])
def test_what_the_payer_refused_stays_its_debt_when_the_correction_is_rejected(alpha: Hospital, void: bool) -> None:
    claim = refused(alpha)
    with alpha.acting("billing") as acting:
        correcting.correct(claim, "Wrong code", by=acting.person, void=void)
    claim = send(alpha, claim)
    with alpha.acting("billing"):
        claim.go(S.REJECTED, by=None, words="A7")
    assert standing(alpha, claim) == (S.REJECTED, *euros("0.00", "100.00"))
    with alpha.acting("billing") as acting:
        claim = Claim.objects.get(pk=claim.pk)
        scrubber.take_back(claim, by=acting.person)
        correcting.give_up(claim, "The denial was right", by=acting.person)
        assert claim.current.number == 1, "what the payer rejected is not what it knows"
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "100.00"))


def test_a_word_about_another_line_leaves_the_denial_open(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    posted(
        alpha,
        decided(claim, line(claim, 1, "0.00", CO16="100.00"), line(claim, 2, "0.00", CO16="40.00"), status="4"),
    )
    row = posted(alpha, decided(claim, line(claim, 1, "100.00")))
    with alpha.acting("billing") as acting:
        remitting.match(row.claims.get(), Claim.objects.get(pk=claim.pk), by=acting.person)
        denial = the_denial()
        assert denial.is_open and denial.rest == Decimal("40.00")
        assert (denial.amount, denial.recovered) == euros("140.00", "100.00")


def test_a_second_refusal_is_heard_and_counts_anew(alpha: Hospital) -> None:
    claim = refused(alpha)
    with alpha.acting("billing") as acting:
        Appeal.send(the_denial(), "Appeal", "It was needed.", by=acting.person)
    row = posted(alpha, decided(claim, line(claim, 1, "60.00", CO50="40.00")))
    with alpha.acting("billing"):
        denial = the_denial()
        assert (denial.status, denial.heard, denial.codes) == ("to_do", row.claims.get(), ["50"])
        assert denial.category == "medical_necessity" and denial.spoken_amount.endswith("40.00")
        assert (denial.deadline - DAY).days == 180 and denial.appeals.get().outcome == "lost"
        assert Denial.objects.all().with_rest().get().still_due == Decimal("40.00")
    posted(alpha, decided(claim, line(claim, 1, "40.00", OA23="60.00")))
    with alpha.acting("billing"):
        denial = the_denial()
        assert (denial.status, denial.amount, denial.recovered) == ("recovered", *euros("100.00", "100.00"))


def test_what_a_contract_forbids_is_never_left_to_the_patient(alpha: Hospital) -> None:
    claim = refused(alpha, CO29="100.00")
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="does not owe"):
        the_denial().transfer("Not covered", by=acting.person)
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "100.00"))
    shown = the_page(alpha)
    assert "Leave it to the patient" not in shown and "does not owe" in shown


def test_of_a_denial_the_groups_decide_what_the_patient_owes_and_what_nobody_does(alpha: Hospital) -> None:
    claim = refused(alpha, CO29="60.00", OA50="40.00")
    shown = the_page(alpha)
    assert re.search(r"Leave it to the patient: .{0,60}40.00", shown)
    assert re.search(r"Write off what we bear .{0,60}60.00", shown)
    with alpha.acting("billing") as acting:
        the_denial().transfer("Not covered", by=acting.person)
    assert standing(alpha, claim) == (S.DENIED, *euros("40.00", "60.00"))
    with alpha.acting("billing") as acting:
        assert the_denial().is_open
        assert "40.00 left to the patient" in claim.steps.order_by("-at", "-pk")[0].words
        with pytest.raises(Refused, match="does not owe"):
            the_denial().transfer("Once more", by=acting.person)
        the_denial().write_off_contract("Too late", by=acting.person)
        assert (the_denial().status, the_denial().reason) == ("written_off", "Too late")
    assert standing(alpha, claim) == (S.WRITTEN_OFF, *euros("40.00", "0.00"))


def test_what_we_bear_is_written_off_and_the_rest_is_still_appealed_or_left_to_the_patient(alpha: Hospital) -> None:
    claim = refused(alpha, CO29="60.00", PI16="40.00")
    address = f"denials/{denial_pk(alpha)}/write-off-contract/"
    asked = alpha.client("billing").get(f"{alpha.url}/{address}").content.decode()
    assert "60.00" in asked and "40.00, which the patient could owe, stays open" in asked
    assert alpha.client("reception").get(f"{alpha.url}/{address}").status_code == 403
    with alpha.acting("billing") as acting:
        the_denial().write_off_contract("Too late", by=acting.person)
        with pytest.raises(Refused, match="group CO"):
            the_denial().write_off_contract("Once more", by=acting.person)
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "40.00"))
    with alpha.acting("billing") as acting:
        Appeal.send(the_denial(), "Appeal", "It was needed.", by=acting.person)
        the_denial().transfer("Not covered", by=acting.person)
    assert standing(alpha, claim) == (S.TRANSFERRED, *euros("40.00", "0.00"))


def test_who_may_not_write_off_does_not_write_off_a_part(alpha: Hospital) -> None:
    refused(alpha, CO29="60.00", PI16="40.00")
    with alpha.acting("reception") as acting:
        for verb in ("transfer", "write_off_contract", "write_off"):
            with pytest.raises(PermissionDenied):
                getattr(the_denial(), verb)("No", by=acting.person)


def test_what_is_paid_after_a_part_was_left_to_the_patient_is_not_asked_twice(alpha: Hospital) -> None:
    claim = refused(alpha, CO29="60.00", OA50="40.00")
    with alpha.acting("billing") as acting:
        the_denial().transfer("Not covered", by=acting.person)
    posted(alpha, decided(claim, line(claim, 1, "100.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))


def the_page(alpha: Hospital) -> str:
    return alpha.client("billing").get(f"{alpha.url}/denials/{denial_pk(alpha)}/").content.decode()


def test_a_later_word_about_another_line_does_not_make_the_patient_owe_what_a_contract_forbids(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    contract, other = line(claim, 1, "0.00", CO197="100.00"), line(claim, 2, "0.00", PI16="40.00")
    posted(alpha, decided(claim, contract, other, status="4"))
    post_part(alpha, claim, decided(claim, other, status="4"))
    with alpha.acting("billing") as acting:
        the_denial().transfer("Not covered", by=acting.person)
        with pytest.raises(Refused, match="does not owe"):
            the_denial().transfer("Once more", by=acting.person)
    assert standing(alpha, claim) == (S.DENIED, *euros("40.00", "100.00"))
    shown = the_page(alpha)
    assert "Leave it to the patient" not in shown and "does not owe" in shown
    post_part(alpha, claim, decided(claim, line(claim, 1, "0.00", PI197="100.00"), status="4"))
    with alpha.acting("billing") as acting:
        the_denial().transfer("Not covered", by=acting.person)
    assert standing(alpha, claim) == (S.TRANSFERRED, *euros("140.00", "0.00"))


def test_what_the_payer_has_not_answered_stays_with_it_when_the_rest_is_left_to_the_patient(alpha: Hospital) -> None:
    claim = sent(alpha, "40.00")
    post_part(alpha, claim, decided(claim, line(claim, 1, "0.00", PI16="100.00"), status="4"))
    with alpha.acting("billing") as acting:
        the_denial().transfer("Not covered", by=acting.person)
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("100.00", "40.00"))
    with alpha.acting("billing"):
        assert "40.00 stays due" in claim.steps.order_by("-at", "-pk")[0].words
    post_part(alpha, claim, decided(claim, line(claim, 2, "40.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("100.00", "0.00"))


def denial_pk(alpha: Hospital) -> object:
    with alpha.acting("billing"):
        return the_denial().pk


def test_a_refusal_that_is_granted_and_never_paid_can_still_be_settled(alpha: Hospital) -> None:
    claim = refused(alpha, PI50="100.00")
    with alpha.acting("billing") as acting:
        appeal = Appeal.send(the_denial(), "Appeal", "It was needed.", by=acting.person)
        appeal.decide("won", days.today(), "", by=acting.person)
        further = Appeal.send(the_denial(), "Appeal", "Nothing came.", by=acting.person)
        assert further.level == 2
        the_denial().write_off("Nothing came", by=acting.person)
    assert standing(alpha, claim) == (S.WRITTEN_OFF, *euros("0.00", "0.00"))


def test_an_appeal_that_is_lost_leaves_what_was_paid_paid(alpha: Hospital) -> None:
    claim = sent(alpha)
    with alpha.acting("billing"):
        AppealLevel.objects.create(payer=claim.payer, level=1, name="Reconsideration", days=180)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO50="40.00")))
    with alpha.acting("billing") as acting:
        Appeal.send(the_denial(), "Appeal", "It was needed.", by=acting.person).decide(
            "lost", days.today(), "", by=acting.person
        )
    assert standing(alpha, claim) == (S.PARTIALLY_PAID, *euros("0.00", "40.00"))


def test_a_refusal_is_settled_only_where_its_claim_can_be(alpha: Hospital) -> None:
    claim = refused(alpha, PI50="100.00")
    with alpha.acting("billing") as acting:
        correcting.correct(claim, "Wrong code", by=acting.person)
    address = f"{alpha.url}/denials/{denial_pk(alpha)}/"
    shown = alpha.client("billing").get(address).content.decode()
    assert "Write it off" not in shown and "being corrected" in shown


def test_a_refusal_by_telephone_is_no_denial(alpha: Hospital) -> None:
    claim = sent(alpha)
    client, address = alpha.client("billing"), f"{alpha.url}/claims/{claim.pk}/"
    said = {"status": "denied", "words": "No", "payer_number": ""}
    assert client.post(f"{address}answer/", said).status_code == 422
    assert f"remittances/new/?claims={claim.number}" in client.get(address).content.decode()
    assert standing(alpha, claim)[0] == S.SUBMITTED


def test_a_claim_is_not_void_while_the_payers_money_is_on_it(alpha: Hospital) -> None:
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "80.00", CO45="20.00")))
    with alpha.acting("billing") as acting:
        claim = Claim.objects.get(pk=claim.pk)
        correcting.correct(claim, "Never was", by=acting.person, void=True)
    claim = send(alpha, claim)
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="taken its payment back"):
        correcting.confirm_void(Claim.objects.get(pk=claim.pk), by=acting.person)


def test_the_time_of_filing_does_not_run_for_what_the_payer_has(alpha: Hospital) -> None:
    claim = refused(alpha)
    with alpha.acting("billing") as acting:
        correcting.correct(claim, "Wrong code", by=acting.person)
        claim.put(deadline=days.today() - timedelta(days=3))
        assert claim.days_left is None and not Claim.objects.near_deadline().exists()


# --- what the patient had paid in advance ---------------------------------------------------------


def refused_in_advance(alpha: Hospital, **codes: str) -> Claim:
    """A hundred that the patient paid at the desk before the claim went out: nothing is due from the payer."""
    furnish(alpha)
    note = a_note(alpha)
    with alpha.acting("reception") as acting:
        Payment.take(note.visit, Decimal("100.00"), method="card", by=acting.person)
    with alpha.acting("billing") as acting:
        claim = drafting.begin(note, by=acting.person)
        AppealLevel.objects.create(payer=claim.payer, level=1, name="Reconsideration", days=180)
    claim = send(alpha, claim)
    posted(alpha, decided(claim, line(claim, 1, "0.00", **(codes or {"PI16": "100.00"})), status="4"))
    return loaded(alpha, claim)


def paid_in_advance(alpha: Hospital, paid: str, *, let_off: str = "", more: str = "") -> Claim:
    """A hundred, and what more was charged: let off in part, and the rest paid at the desk."""
    furnish(alpha)
    note = a_note(alpha)
    with alpha.acting("admin") as acting:
        if more:
            ProcedureCode.objects.create(kind=Kind.TEST, code="X2", procedure="85022")
            charge(note.visit, more, sequence=2, code="X2")
        if let_off:
            Discount.give(note.visit, Decimal(let_off), "Staff", by=acting.person)
    with alpha.acting("reception") as acting:
        Payment.take(note.visit, Decimal(paid), method="card", by=acting.person)
    with alpha.acting("billing") as acting:
        claim = drafting.begin(note, by=acting.person)
    return send(alpha, claim)


def test_a_line_that_is_refused_of_what_was_paid_in_advance_is_a_denial_beside_a_line_that_is_paid(
    alpha: Hospital,
) -> None:
    claim = paid_in_advance(alpha, "140.00", more="40.00")
    posted(alpha, decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", PI16="40.00")))
    assert standing(alpha, claim)[0] == S.PARTIALLY_PAID
    with alpha.acting("billing"):
        denial = the_denial()
        assert (denial.amount, denial.codes, denial.is_in_advance) == (40, ["16"], True)


def test_what_was_let_off_is_not_refused_as_if_the_patient_had_paid_it(alpha: Hospital) -> None:
    claim = paid_in_advance(alpha, "70.00", let_off="30.00")
    posted(alpha, decided(claim, line(claim, 1, "0.00", PI16="100.00"), status="4"))
    with alpha.acting("billing"):
        assert the_denial().amount == 70


def credit_of(alpha: Hospital, claim: Claim) -> Decimal:
    with alpha.acting("billing"):
        return Account(Visit.objects.get(pk=claim.visit_id)).credit


@pytest.mark.parametrize("code", ["PI16", "CO16", "PR204"])
def test_a_refusal_of_what_was_paid_in_advance_is_heard_and_stands_in_the_worklist(alpha: Hospital, code: str) -> None:
    claim = refused_in_advance(alpha, **{code: "100.00"})
    assert standing(alpha, claim) == (S.DENIED, *euros("0.00", "0.00"))
    with alpha.acting("billing"):
        denial = the_denial()
        assert (denial.amount, denial.is_open, denial.codes) == (Decimal("100.00"), True, [code[2:]])
        assert (denial.deadline - DAY).days == 180
        told = Event.objects.get(name="claim:denied")
        assert told.loudness == {"billing": "critical"}
        assert denial.spoken_amount.endswith("100.00")
    shown = the_page(alpha)
    assert "Appeal until" in shown and "paid it in advance" in shown
    assert claim.number in alpha.client("billing").get(f"{alpha.url}/denials/").content.decode()


def test_what_was_paid_in_advance_and_is_granted_on_appeal_is_the_patients_credit(alpha: Hospital) -> None:
    claim = refused_in_advance(alpha)
    with alpha.acting("billing") as acting:
        appeal = Appeal.send(the_denial(), "Appeal", "It was needed.", by=acting.person)
        appeal.decide("won", days.today(), "", by=acting.person)
    assert standing(alpha, claim) == (S.IN_PROCESS, *euros("0.00", "0.00"))
    posted(alpha, decided(claim, line(claim, 1, "100.00")))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    assert credit_of(alpha, claim) == Decimal("100.00")
    with alpha.acting("billing"):
        assert (the_denial().status, the_denial().recovered) == ("recovered", Decimal("100.00"))


def test_a_second_refusal_of_what_was_paid_in_advance_is_no_recovery(alpha: Hospital) -> None:
    claim = refused_in_advance(alpha)
    with alpha.acting("billing") as acting:
        Appeal.send(the_denial(), "Appeal", "It was needed.", by=acting.person)
    row = posted(alpha, decided(claim, line(claim, 1, "0.00", PI50="100.00"), status="4"))
    with alpha.acting("billing"):
        denial = the_denial()
        assert (denial.status, denial.heard, denial.codes) == ("to_do", row.claims.get(), ["50"])
        assert denial.appeals.get().outcome == "lost" and denial.recovered == 0
        assert Event.objects.filter(name="claim:denied").count() == 2


@pytest.mark.parametrize(
    ("code", "verb", "status"), [("PI16", "transfer", "transferred"), ("CO16", "write_off", "written_off")]
)
def test_a_refusal_of_what_was_paid_in_advance_is_accepted_and_nothing_moves(
    alpha: Hospital, code: str, verb: str, status: str
) -> None:
    claim = refused_in_advance(alpha, **{code: "100.00"})
    with alpha.acting("billing"):
        before = JournalEntry.objects.count()
    address = f"denials/{denial_pk(alpha)}/{verb.replace('_', '-')}/"
    assert address in the_page(alpha)
    assert "stays as it is" in alpha.client("billing").get(f"{alpha.url}/{address}").content.decode()
    assert alpha.client("billing").post(f"{alpha.url}/{address}", {"reason": "Right"}).status_code == 302
    assert standing(alpha, claim) == (status, *euros("0.00", "0.00"))
    assert credit_of(alpha, claim) == 0
    with alpha.acting("billing"):
        assert (the_denial().status, JournalEntry.objects.count()) == (status, before)
        assert "stays as it is" in claim.steps.order_by("-at", "-pk")[0].words
    posted(alpha, decided(claim, line(claim, 1, "100.00")))
    assert standing(alpha, claim)[0] == S.PAID and credit_of(alpha, claim) == Decimal("100.00")


def test_what_was_paid_in_advance_and_a_contract_forbids_is_not_left_to_the_patient(alpha: Hospital) -> None:
    refused_in_advance(alpha, CO29="100.00")
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="does not owe"):
        the_denial().transfer("Theirs", by=acting.person)
    shown = the_page(alpha)
    assert "Leave it to the patient" not in shown and "does not owe it (group CO)" in shown


def test_what_a_contract_forbids_and_was_paid_in_advance_is_paid_back_and_waived(alpha: Hospital) -> None:
    claim = refused_in_advance(alpha, CO29="100.00")
    with alpha.acting("billing") as acting:
        the_denial().write_off("Too late", by=acting.person)
        refund = Refund.request(Payment.objects.get(), Decimal("100.00"), "Not owed", by=acting.person)
    with alpha.acting("admin") as acting:
        refund.approve(by=acting.person)
        claim.current.lines.get().charge.waive("Refused as too late", by=acting.person)
        refund.pay_out(by=acting.person)
    assert standing(alpha, claim) == (S.WRITTEN_OFF, *euros("0.00", "0.00"))
    assert credit_of(alpha, claim) == 0


def test_who_settles_with_two_payments_holds_no_visit_while_it_waits_for_the_second(alpha: Hospital) -> None:
    """Remittances are held before visits, all of them: whoever matches on the second one neither waits for ever."""
    claim = sent(alpha)
    posted(alpha, decided(claim, line(claim, 1, "0.00", CO197="100.00"), status="4"))
    second = sent_on(alpha, claim)
    theirs = decided(second, line(second, 1, "100.00"), status="2")
    posted(alpha, theirs, payer=SECOND)
    half = decided(claim, line(claim, 1, "50.00", PI16="50.00"))
    rows = [posted(alpha, half), posted(alpha, half)]
    posted(alpha, backwards(theirs), payer=SECOND)
    settled: list[Decimal] = []

    def settle() -> None:
        try:
            with alpha.acting("billing") as acting:
                settled.append(booking_again.settle_as_paid(Denial.objects.get(), by=acting.person))
        finally:
            connection.close()

    other = Thread(target=settle)
    with alpha.acting("billing"):
        rows[1].lock()
        other.start()
        wait_until(waits_for_a_row, 60, "it does not wait for the remittance")
        assert Visit.objects.select_for_update(nowait=True).get(pk=claim.visit_id)
    other.join(20)
    assert settled == [Decimal("100.00")]
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
