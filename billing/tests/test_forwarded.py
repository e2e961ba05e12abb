"""Crossover: what one payer sends on to the next by itself is answered by the next, and its answer finds a claim of ours."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.claims import answers, correcting, forwarding, scrubber, sending
from billing.models import Claim, Remittance, RemittanceClaim
from billing.tests.claims import a_payer
from billing.tests.remittances import SECOND, backwards, decided, line, post_part, posted, sent, taken
from billing.tests.test_remittance import euros, standing
from billing.tests.test_remittance_pages import bring, page, post
from clinical.models import Policy
from hospital.tests.asking import queries
from hospital.tests.hospital import Hospital
from hospital.workflow import Refused
from realtime.models import Event

S = Claim.Status
HEAD = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*US             *260301*0800*^*00501*000000001*0*P*:~"


def an_835(payer: tuple[str, str], trace: str, paid: str, *segments: str) -> bytes:
    """One payment for one claim."""
    body = [
        "ST*835*0001",
        f"BPR*I*{paid}*C*CHK************20260504",
        f"TRN*1*{trace}*1512345678",
        "DTM*405*20260504",
        f"N1*PR*{payer[0]}*XV*{payer[1]}",
        "N1*PE*RIVERSIDE CLINIC*XX*1912301953",
        "LX*1",
        *segments,
    ]
    body.append(f"SE*{len(body) + 1}*0001")
    return "\n".join(
        [
            HEAD,
            "GS*HP*PAYER*US*20260301*0800*1*X*005010X221A1~",
            *(f"{one}~" for one in body),
            "GE*1*1~",
            "IEA*1*000000001~",
        ]
    ).encode()


KEY, MUTUAL = ("KEY INSURANCE", "999996666"), ("SECOND MUTUAL", "77222")


def first_word(claim: Claim, *more: str) -> bytes:
    """Sixty paid, twenty by contract, twenty of the patient; sent on to the second (19)."""
    ours = claim.current.ours[0]
    return an_835(
        KEY,
        "F1",
        "60",
        f"CLP*{claim.current.control_number}*19*100*60*20*12*ICN1*11*1",
        "NM1*QC*1*OKAFOR*AMARA",
        *more,
        f"SVC*HC:{ours.procedure}*100*60**1",
        "DTM*472*20260302",
        "CAS*CO*45*20",
        "CAS*PR*2*20",
        f"REF*6R*{ours.control_number}",
    )


def second_word(claim: Claim) -> bytes:
    """Fifteen paid, five of the patient, by the second: with the number that the first one got, and its own."""
    ours = claim.current.ours[0]
    return an_835(
        MUTUAL,
        "S1",
        "15",
        f"CLP*{claim.current.control_number}*2*100*15*5*12*SM77*11*1",
        "NM1*QC*1*OKAFOR*AMARA",
        f"SVC*HC:{ours.procedure}*100*15**1",
        "DTM*472*20260302",
        "CAS*OA*23*80",
        "CAS*PR*2*5",
        f"REF*6R*{ours.control_number}",
    )


def insured_twice(alpha: Hospital, claim: Claim) -> None:
    with alpha.acting("billing"):
        payer = a_payer("Second Mutual", identifier=MUTUAL[1])
        Policy.objects.create(patient=claim.patient, insurer=payer.name, payer=payer, order=2, member_number="S-2")


def taken_and_posted(alpha: Hospital, name: str, content: bytes) -> Remittance:
    assert bring(alpha, name, content).status_code == 302
    with alpha.acting("billing"):
        row = Remittance.objects.latest("received_at")
        assert row.faults == []
    assert post(alpha, f"remittances/{row.pk}/post/").status_code == 302
    return row


def the_second(alpha: Hospital) -> Claim:
    with alpha.acting("billing"):
        return Claim.objects.select_related("payer", "previous", "current").get(order=Claim.Order.SECONDARY)


def told_of(alpha: Hospital, remittance: UUID) -> int:
    with alpha.acting("billing"):
        return Event.objects.filter(name="remittance:changed", object_id=remittance).count()


def test_what_the_first_payer_forwards_is_with_the_second_and_its_answer_is_posted(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    taken_and_posted(alpha, "first.835", first_word(claim))
    assert standing(alpha, claim) == (S.PAID, *euros("0.00", "0.00"))
    second = the_second(alpha)
    assert standing(alpha, second) == (S.SUBMITTED, *euros("0.00", "20.00"))
    assert second.is_forwarded and second.previous == claim
    shown = page(alpha, f"claims/{second.pk}/")
    assert f"Forwarded by {claim.payer}" in shown and "4 May 2026" in shown
    assert "forwarded" in page(alpha, "claims/?show=all")
    taken_and_posted(alpha, "second.835", second_word(claim))
    assert standing(alpha, second) == (S.PAID, *euros("5.00", "0.00"))
    with alpha.acting("billing"):
        assert RemittanceClaim.objects.get(payer_number="SM77").claim == second
        assert Claim.objects.get(pk=second.pk).payer_number == "SM77"


def test_what_was_forwarded_before_all_is_answered_is_with_the_second_once_it_is(alpha: Hospital) -> None:
    claim = sent(alpha, "40")
    insured_twice(alpha, claim)
    first = post_part(alpha, claim, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"), status="19"))
    assert standing(alpha, claim)[0] == S.IN_PROCESS
    with alpha.acting("billing"):
        assert not claim.following.exists()
    assert f"is made when {claim.number} is answered as a whole" in page(alpha, f"remittances/{first.pk}/")
    post_part(alpha, claim, decided(claim, line(claim, 2, "30.00", PR2="10.00")))
    assert standing(alpha, the_second(alpha))[0] == S.SUBMITTED
    assert "has sent it on" not in page(alpha, f"remittances/{first.pk}/")


def test_who_records_the_policy_later_sends_nothing_that_the_next_payer_has_already(alpha: Hospital) -> None:
    claim = sent(alpha, "40")
    post_part(alpha, claim, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"), status="19"))
    row = post_part(alpha, claim, decided(claim, line(claim, 2, "30.00", PR2="10.00")))
    insured_twice(alpha, claim)
    with alpha.acting("billing") as acting:
        second = forwarding.go_on(Claim.objects.get(pk=claim.pk), by=acting.person)
        assert (second.status, second.is_forwarded) == (S.SUBMITTED, True), row


def test_strangers_that_wait_cost_nothing_when_a_claim_is_forwarded(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    with alpha.acting("billing"):
        second = Claim.objects.select_related("payer").get(pk=claim.pk)
        second.payer = Policy.objects.get(patient=claim.patient_id, order=2).payer

    def asked_with(strangers: int) -> int:
        for number in range(strangers):
            said = replace(decided(claim, line(claim, 1, "15.00"), status="2"), control_number=f"X-{number}")
            taken(alpha, said, payer=SECOND)
        with alpha.acting("billing"), CaptureQueriesContext(connection) as asked:
            forwarding.match_early_answers([second])
        return len(asked)

    assert asked_with(1) == asked_with(5)


def test_a_forwarding_that_is_taken_back_asks_nobody_for_anything(alpha: Hospital) -> None:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"), status="19")
    row = posted(alpha, said)
    assert "Record the policy" in page(alpha, f"remittances/{row.pk}/")
    posted(alpha, backwards(said))
    assert "has sent it on" not in page(alpha, f"remittances/{row.pk}/")


def test_what_was_forwarded_goes_out_in_no_batch_of_ours(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    taken_and_posted(alpha, "first.835", first_word(claim))
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="None of these claims is ready"):
        sending.submit([the_second(alpha)], by=acting.person)


def test_a_payer_that_never_got_it_gets_it_from_us_and_the_check_warns(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    taken_and_posted(alpha, "first.835", first_word(claim))
    with alpha.acting("billing") as acting:
        second = the_second(alpha)
        answers.record(second, S.REJECTED, "They have nothing", "", by=acting.person)
        scrubber.take_back(second, by=acting.person)
        assert "forwarded" in {one.rule for one in scrubber.scrub(second, by=acting.person)}
        assert not second.is_forwarded


def test_without_a_second_policy_the_remittance_says_what_to_do_and_then_it_is_done(alpha: Hospital) -> None:
    claim = sent(alpha)
    row = taken_and_posted(alpha, "first.835", first_word(claim, "NM1*TT*2*SECOND MUTUAL*****PI*77222"))
    assert standing(alpha, claim) == (S.PAID, *euros("20.00", "0.00"))
    shown = page(alpha, f"remittances/{row.pk}/")
    assert "no further insurance here" in shown and "SECOND MUTUAL" in shown and claim.number in shown
    insured_twice(alpha, claim)
    assert post(alpha, f"claims/{claim.pk}/go-on/").status_code in (302, 204)
    assert standing(alpha, the_second(alpha)) == (S.SUBMITTED, *euros("0.00", "20.00"))
    assert "no further insurance here" not in page(alpha, f"remittances/{row.pk}/")


def test_what_is_forwarded_to_somebody_else_is_not_taken_for_the_patients_next_insurance(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    row = taken_and_posted(alpha, "first.835", first_word(claim, "NM1*TT*2*THIRD HEALTH*****PI*55555"))
    with alpha.acting("billing"):
        assert not Claim.objects.filter(order=Claim.Order.SECONDARY).exists()
    assert "THIRD HEALTH" in page(alpha, f"remittances/{row.pk}/")


def test_a_draft_to_the_second_payer_is_not_sent_again(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")))
    with alpha.acting("billing") as acting:
        draft = forwarding.go_on(Claim.objects.get(pk=claim.pk), by=acting.person)
        assert draft.status == S.DRAFT
        scrubber.scrub(draft, by=acting.person)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00"), status="19"))
    assert the_second(alpha).status == S.SUBMITTED


def test_a_draft_to_the_second_payer_stays_one_where_the_first_sent_it_to_somebody_else(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    posted(alpha, decided(claim, line(claim, 1, "60.00", CO45="20.00", PR2="20.00")))
    with alpha.acting("billing") as acting:
        forwarding.go_on(Claim.objects.get(pk=claim.pk), by=acting.person)
    row = taken_and_posted(alpha, "first.835", first_word(claim, "NM1*TT*2*THIRD HEALTH*****PI*55555"))
    second = the_second(alpha)
    assert (second.status, second.forwarded_on) == (S.DRAFT, None)
    shown = page(alpha, f"remittances/{row.pk}/")
    assert f"sent it on to THIRD HEALTH, and {second.number} is to Second Mutual, which does not have it" in shown


def test_the_page_asks_as_often_for_many_that_were_sent_on_as_for_one(alpha: Hospital) -> None:
    """One with a further insurance, the others with none."""
    claims = [sent(alpha) for _ in range(3)]
    insured_twice(alpha, claims[0])
    words = [decided(one, line(one, 1, "60.00", CO45="20.00", PR2="20.00"), status="19") for one in claims]

    def asked(number: int) -> int:
        row = taken(alpha, *words[:number])
        assert page(alpha, f"remittances/{row.pk}/").count("The payer has sent it on") == number
        seen = queries(alpha.client("billing"), f"{alpha.url}/remittances/{row.pk}/")
        return len([sql for sql in seen if "audit_note" not in sql])

    assert asked(3) == asked(1)


def test_a_correction_of_what_was_forwarded_can_be_given_up(alpha: Hospital) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    taken_and_posted(alpha, "first.835", first_word(claim))
    posted(
        alpha, decided(claim, line(claim, 1, "15.00", OA23="80.00", PR2="5.00"), status="2"), payer=SECOND, trace="S9"
    )
    with alpha.acting("billing") as acting:
        second = the_second(alpha)
        correcting.correct(second, "Wrong code", by=acting.person, payer_number="SM77")
        correcting.give_up(second, "It was right", by=acting.person)
        assert (second.status, second.current.number) == (S.PAID, 1)
        assert second.amount == Decimal("100.00")


def test_an_answer_that_came_before_the_first_payers_was_posted_is_matched_when_the_claim_is_made(
    alpha: Hospital, beta: Hospital
) -> None:
    claim = sent(alpha)
    insured_twice(alpha, claim)
    assert bring(alpha, "second.835", second_word(claim)).status_code == 302
    with alpha.acting("billing"):
        early = RemittanceClaim.objects.get(payer_number="SM77")
        assert (early.status, early.claim) == ("unmatched", None)
    before = told_of(alpha, early.remittance_id)
    taken_and_posted(alpha, "first.835", first_word(claim))
    second = the_second(alpha)
    with alpha.acting("billing"):
        early = RemittanceClaim.objects.select_related("remittance").get(pk=early.pk)
        assert (early.status, early.claim, early.why) == ("matched", second, "")
    assert told_of(alpha, early.remittance_id) == before + 1, "who has its page open sees it"
    assert post(alpha, f"remittances/{early.remittance_id}/post/").status_code == 302
    assert standing(alpha, second) == (S.PAID, *euros("5.00", "0.00"))


def test_an_answer_that_came_early_is_matched_when_a_person_takes_the_claim_on(alpha: Hospital) -> None:
    claim = sent(alpha)
    taken_and_posted(alpha, "first.835", first_word(claim))
    insured_twice(alpha, claim)
    assert bring(alpha, "second.835", second_word(claim)).status_code == 302
    assert post(alpha, f"claims/{claim.pk}/go-on/").status_code in (302, 204)
    with alpha.acting("billing"):
        assert RemittanceClaim.objects.get(payer_number="SM77").claim == the_second(alpha)


def test_only_what_names_the_forwarded_claim_is_matched_again(alpha: Hospital) -> None:
    claim, other = sent(alpha), sent(alpha)
    insured_twice(alpha, claim)
    stranger = second_word(claim).replace(claim.current.control_number.encode(), b"X-1").replace(b"*S1*", b"*S2*")
    assert bring(alpha, "second.835", second_word(claim)).status_code == 302
    assert bring(alpha, "stranger.835", stranger).status_code == 302
    assert bring(alpha, "third.835", second_word(other).replace(b"*S1*", b"*S3*")).status_code == 302
    with alpha.acting("billing"):
        aside = RemittanceClaim.objects.select_related("remittance").get(number=other.current.control_number)
    taken_and_posted(alpha, "first.835", first_word(claim))
    with alpha.acting("billing"):
        matched = RemittanceClaim.objects.exclude(claim=None).filter(remittance__status="read")
        assert [one.number for one in matched] == [claim.current.control_number]
        assert RemittanceClaim.objects.get(pk=aside.pk).status == "unmatched"
