"""Answers to what we send: taken or not (999), in adjudication or rejected (277CA), insured or not (271)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.tests.x12_samples import ENVELOPE, PLAIN, RICH, file_of, judged_by_pyx12, needs_samples, real
from billing.x12.acknowledgement import Acknowledgement
from billing.x12.claim_writing import write_claims
from billing.x12.codes import SOURCE, Category, reason, reasons
from billing.x12.contents import understood
from billing.x12.eligibility import Eligibility
from billing.x12.status import StatusReport

ISA = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*US             *260301*0800*^*00501*000000001*0*P*:~"


def said(function: str, code: str, version: str, *body: str):
    segments = "~".join((f"ST*{code}*0001*{version}", *body, f"SE*{len(body) + 2}*0001"))
    text = f"{ISA}GS*{function}*PAYER*US*20260301*0800*1*X*{version}~{segments}~GE*1*1~IEA*1*000000001~"
    (part,) = understood(text).contents
    return part


def acknowledged(*body: str) -> Acknowledgement:
    return said("FA", "999", "005010X231A1", *body).meaning


def test_a_refusal_that_another_program_wrote_names_the_segment_and_element_of_our_file():
    text = write_claims(file_of(PLAIN, RICH), ENVELOPE).replace("DMG*D8*19991231*M", "DMG*D8*19991331*M")
    good, answer = judged_by_pyx12(text)
    (told,) = understood(answer).of(Acknowledgement)
    assert not good and not told.is_accepted
    assert (told.function, told.group_control, told.verdict) == ("HC", "907", "R")
    (one,) = told.sets
    (fault,) = one.faults
    position = text[: text.index("DMG*D8*19991331")].count("~") - 1
    assert (one.control, one.is_accepted, fault.segment, fault.position) == ("0001", False, "DMG", position)
    assert fault.words == f"DMG at {position}: element 2 no valid date"
    assert fault.elements[0].bad == "19991331"


def test_what_is_taken_with_errors_is_taken_and_what_is_taken_in_part_is_not():
    with_errors = acknowledged(
        "AK1*HC*907*005010X222A1",
        "AK2*837*0001",
        "IK3*N4*12**8",
        "CTX*SITUATION",
        "IK4*3:1*116*5",
        "IK5*E*5",
        "AK9*E*1*1*1",
    )
    assert with_errors.is_accepted and with_errors.spoken == "accepted with errors"
    assert with_errors.sets[0].faults[0].words == "N4 at 12: element 3 too long"
    assert with_errors.sets[0].faults[0].contexts == ("SITUATION",)
    part = acknowledged("AK1*HC*907", "AK2*837*1", "IK5*A", "AK2*837*2", "IK3*CLM*23**I6", "IK5*R*I5", "AK9*P*2*2*1")
    assert not part.is_accepted and [one.is_accepted for one in part.sets] == [True, False]
    assert (part.sent, part.received, part.accepted) == (2, 2, 1)
    assert part.sets[1].reasons == ("I5",)
    assert not acknowledged("AK1*HC*907", "AK9*P*2*2*1").is_accepted


def test_the_older_acknowledgement_is_read_alike():
    part = said(
        "FA", "997", "005010", "AK1*HC*907", "AK2*837*0001", "AK3*REF*9**3", "AK4*2*127*1", "AK5*R*5", "AK9*R*1*1*0"
    )
    assert part.meaning.sets[0].faults[0].words == "REF at 9: element 2 missing"
    assert not part.complaints


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (("AK1*HC*907", "AK2*837*1", "AK9*A*1*1*1"), "AK2 at 5: There is no verdict on this transaction (IK5)."),
        (("AK1*HC*907",), "It has no verdict on the group (AK9)."),
        (("AK9*A*1*1*1",), "It does not say what it answers (AK1)."),
        (("AK1*HC*907", "AK9*Q*1*1*1"), "AK9 at 5, element 1: It is a verdict that is not known."),
    ],
)
def test_an_acknowledgement_without_a_verdict_accepts_nothing(body, error):
    part = said("FA", "999", "005010X231A1", *body)
    assert error in [str(one) for one in part.errors]
    if "A*1" not in body[-1]:
        assert not part.meaning.is_accepted


BATCH = (
    "BHT*0085*08*277-1*20260302*0900*TH",
    "HL*1**20*1",
    "NM1*PR*2*KEY INSURANCE*****PI*999996666",
    "TRN*1*RECEIPT-1",
    "DTP*050*D8*20260302",
    "DTP*009*D8*20260302",
    "HL*2*1*21*1",
    "NM1*41*2*RIVERSIDE*****46*TGJ23",
    "TRN*2*BATCH-1",
    "STC*A1:19:PR*20260302*WQ*242.08",
    "QTY*90*1",
    "QTY*AA*2",
    "AMT*YU*121.04",
    "AMT*YY*242.08",
    "HL*3*2*19*1",
    "NM1*85*2*RIVERSIDE CLINIC*****XX*1912301953",
    "HL*4*3*PT",
    "NM1*QC*1*SMITH*JANE****MI*JS00111223333",
    "TRN*2*CLM-0001",
    "STC*A2:20:PR*20260302*WQ*121.04",
    "REF*1K*PAYER-9",
    "REF*D9*CH-7",
    "DTP*472*D8*20260302",
    "HL*5*3*PT",
    "NM1*QC*1*SMITH*TED",
    "TRN*2*CLM-0002",
    "STC*A7:562:85*20260302*U*121.04******A3:21*A6:164:IL*SEE THE GUIDE",
    "DTP*472*RD8*20260302-20260304",
    "HL*6*3*PT",
    "NM1*QC*1*DOE*JO",
    "TRN*2*CLM-0003",
    "STC*A1:19*20260302*WQ*50",
    "SVC*HC:99213*50",
    "STC*A8:187*20260302*U",
    "REF*FJ*1001",
)


def report(*body: str) -> StatusReport:
    part = said("HN", "277", "005010X214", *body)
    assert not part.complaints
    return part.meaning


def test_a_277ca_takes_claims_and_rejects_claims_by_our_numbers():
    one = report(*BATCH)
    assert one.is_acknowledgement and (one.reference, one.day) == ("277-1", date(2026, 3, 2))
    assert (one.source.id, one.receiver.id) == ("999996666", "TGJ23")
    accepted, rejected, by_line = one.claims
    assert (accepted.reference, accepted.is_accepted, accepted.is_rejected) == ("CLM-0001", True, False)
    assert (accepted.payer_control_number, accepted.provider.id, accepted.patient.first) == (
        "PAYER-9",
        "1912301953",
        "JANE",
    )
    assert (rejected.reference, rejected.is_accepted, rejected.is_rejected) == ("CLM-0002", False, True)
    assert [(each.category, each.code, each.entity) for each in rejected.statuses] == [
        ("A7", "562", "85"),
        ("A3", "21", ""),
        ("A6", "164", "IL"),
    ]
    assert rejected.statuses[0].message == "SEE THE GUIDE" and rejected.statuses[0].charge == Decimal("121.04")
    assert by_line.is_rejected and by_line.services[0].procedure.code == "99213"


def test_the_sums_of_a_batch_are_read_and_only_received_is_neither_accepted_nor_rejected():
    batch = next(one for one in report(*BATCH).answers if one.level == "21")
    assert (batch.reference, batch.is_accepted, batch.is_rejected) == ("BATCH-1", False, False)
    assert [(one.code, one.amount) for one in batch.amounts] == [("YU", Decimal("121.04")), ("YY", Decimal("242.08"))]
    assert [(one.code, one.amount) for one in batch.quantities] == [("90", Decimal(1)), ("AA", Decimal(2))]


def test_a_status_of_nothing_is_an_error():
    part = said("HN", "277", "005010X214", *BATCH[:17], "NM1*QC*1*SMITH*JANE", "STC*A3:21*20260302*U")
    assert [str(one) for one in part.errors] == ["HL at 20: There is a status, and no number that says of what (TRN)."]
    assert part.meaning.claims[0].is_rejected


def test_levels_that_name_no_level_above_belong_to_the_last_that_can_stand_there():
    body = [one.replace("HL*4*3*", "HL*4*77*") for one in BATCH]
    part = said("HN", "277", "005010X214", *body)
    assert part.meaning.claims[0].provider.id == "1912301953"
    assert [str(one) for one in part.complaints] == [
        "HL at 20, element 2: It names a level above it that has not come."
    ]


@needs_samples
def test_the_real_277_tells_pending_paid_and_denied():
    (one,) = understood(real("claim-level-status.277")).of(StatusReport)
    assert not one.is_acknowledgement
    assert [(claim.reference, claim.statuses[0].category) for claim in one.claims] == [
        ("ABCXYZ1", "P3"),
        ("ABCXYZ2", "F0"),
        ("ABCXYC3", "F2"),
    ]
    assert one.claims[2].subscriber.first == "JOHN" and one.claims[2].patient.first == "JOSEPH"
    assert not any(claim.is_rejected for claim in one.claims)  # denied is not rejected


@needs_samples
def test_the_real_271_tells_cover_and_co_payments_in_and_out_of_the_network():
    (one,) = understood(real("subscriber-health-benefit-check.271")).of(Eligibility)
    (member,) = one.members
    assert member.is_active and member.person.id == "123456789" and member.payer.id == "841610001"
    copays = {benefit.in_network: benefit.amount for benefit in member.benefits if benefit.information == "B"}
    assert copays == {"Y": Decimal("10.00"), "N": Decimal("30.00")}
    assert member.benefits[1].parties[0].spoken == "MARCUS JONES"
    assert member.benefits[2].services[-2:] == ("MH", "UC")
    assert member.traces == ("93175-012547",)


def answered(*body: str) -> Eligibility:
    levels = (
        "BHT*0022*11*E-1*20260302*0900",
        "HL*1**20*1",
        "NM1*PR*2*KEY*****PI*9",
        "HL*2*1*21*1",
        "NM1*1P*2*US*****XX*1912301953",
    )
    part = said("HB", "271", "005010X279A1", *levels, *body)
    assert not part.complaints
    return part.meaning


def test_a_dependant_is_told_with_the_subscriber_above():
    one = answered(
        "HL*3*2*22*1",
        "NM1*IL*1*SMITH*JANE****MI*J1",
        "HL*4*3*23*0",
        "TRN*2*Q-2*9",
        "NM1*03*1*SMITH*TED",
        "INS*N*19",
        "EB*6**30",
    )
    (member,) = one.members
    assert (member.person.first, member.subscriber.first, member.relationship, member.is_active) == (
        "TED",
        "JANE",
        "19",
        False,
    )


def test_a_refusal_says_why_and_says_nothing_of_the_cover():
    one = answered("HL*3*2*22*0", "NM1*IL*1*SMITH*JANE****MI*J1", "AAA*N**72*C")
    (member,) = one.members
    assert member.is_active is None
    assert (member.refusals[0].words, member.refusals[0].follow_up) == (
        "the member number is missing or not valid",
        "C",
    )
    nobody = said(
        "HB", "271", "005010X279A1", "BHT*0022*11*E-1*20260302", "HL*1**20*0", "AAA*Y**42*R", "NM1*PR*2*KEY*****PI*9"
    ).meaning
    assert nobody.refusals[0].words == "the payer cannot answer now" and not nobody.members


def test_limits_and_remaining_amounts_keep_their_period_and_share():
    one = answered(
        *("HL*3*2*22*0", "NM1*IL*1*SMITH*JANE****MI*J1", "EB*C*IND*30***29*412.5*****Y"),
        *("EB*A*IND*98*****.2", "EB*F**98***23***VS*20*Y", "MSG*AFTER REFERRAL", "DTP*292*RD8*20260101-20261231"),
    )
    deductible, share, limit = one.members[0].benefits
    assert (deductible.period, deductible.amount, deductible.in_network) == ("29", Decimal("412.50"), "Y")
    assert share.percent == Decimal("0.2")
    assert (limit.quantity_kind, limit.quantity, limit.needs_authorisation, limit.messages) == (
        "VS",
        Decimal(20),
        "Y",
        ("AFTER REFERRAL",),
    )
    assert limit.dates[0].ends == date(2026, 12, 31)


def test_codes_have_a_category_and_words_of_our_own():
    assert reason("45").category is Category.CONTRACTUAL
    assert reason("1").category is Category.PATIENT_RESPONSIBILITY
    assert reason("29").category is Category.TIMELY_FILING
    assert reason("197").category is Category.AUTHORISATION
    assert reason("18").category is Category.DUPLICATE
    assert reason("50").category is Category.MEDICAL_NECESSITY
    assert reason(" b7 ").code == "B7"
    assert reason("N290").category is Category.INFORMATION_MISSING
    assert (reason("999").category, reason("999").words) == (Category.OTHER, "Code 999")


def test_the_list_of_codes_is_whole():
    rows = [line for line in SOURCE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert len(rows) == len(reasons()) >= 160
    assert {one.category for one in reasons().values()} == set(Category)
    assert all(one.words and len(one.words) < 100 and one.code == one.code.strip() for one in reasons().values())
