"""835: who paid what, why not more, and whether it adds up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.tests.x12_samples import needs_samples, real
from billing.x12.balance import imbalances
from billing.x12.contents import File, understood
from billing.x12.fields import Dated
from billing.x12.frozen import frozen, thawed
from billing.x12.remittance import Adjustment, PaidClaim, Remittance

HEAD = (
    "ISA*00*          *00*          *ZZ*PAYER          *ZZ*US             *260301*0800*^*00501*000000001*0*P*:~"
    "GS*HP*PAYER*US*20260301*0800*1*X*005010X221A1~ST*835*0001~"
)
PARTIES = "TRN*1*CHK-1*1999999999~CUR*PR*USD~DTM*405*20260228~N1*PR*KEY INSURANCE~PER*BL*DESK*TE*3055550000~N1*PE*RIVERSIDE*XX*1912301953~"


def file(*segments: str, paid: str = "0", handling: str = "C") -> File:
    body = "~".join(segments)
    return understood(
        f"{HEAD}BPR*I*{paid}*{handling}*ACH************20260302~{PARTIES}LX*1~{body}~SE*0*0001~GE*1*1~IEA*1*000000001~"
    )


def remittance(*segments: str, paid: str = "0", handling: str = "C") -> Remittance:
    (found,) = file(*segments, paid=paid, handling=handling).of(Remittance)
    return found


def odd(one: Remittance) -> list[tuple[str, Decimal, int, bool]]:
    return [(out.place, out.difference, out.position, out.blocks) for out in imbalances(one)]


@needs_samples
def test_the_managed_care_file_is_read_to_the_last_cent():
    (one,) = understood(real("managed-care.835")).of(Remittance)
    assert (one.payer.name, one.payer.address.city) == ("RUSHMORE LIFE", "RAPID CITY")
    assert (one.payee.id, one.payee.ref("TJ")) == ("5544667733", "777667755")
    assert (one.total, one.method, one.trace, one.produced) == (
        Decimal("945.00"),
        "ACH",
        "7170066655",
        date(2002, 3, 14),
    )
    budd, settle = one.claims
    assert (budd.control_number, budd.charge, budd.paid, budd.patient_owes) == (
        "5554555444",
        Decimal(800),
        Decimal(450),
        Decimal(300),
    )
    assert (budd.patient.spoken, budd.patient.id, budd.day) == ("WILLIAM BUDD", "33344555510", date(2002, 3, 1))
    assert budd.adjustments == (Adjustment("CO", "A2", Decimal("50.00")),)
    assert [one.group for one in settle.lines[0].adjustments] == ["PR", "CO"]
    assert settle.patient_share == Decimal("600.00")
    assert imbalances(one) == ()


@needs_samples
def test_the_medicare_file_balances_with_its_provider_adjustment():
    (one,) = understood(real("medicare-part-a.835")).of(Remittance)
    (held,) = one.provider_adjustments
    assert (held.reason, held.reference, held.amount, held.fiscal_year_ends) == (
        "CV",
        "CP",
        Decimal("-1.27"),
        date(2002, 12, 31),
    )
    assert [claim.paid for claim in one.claims] == [Decimal("138018.40"), Decimal("11980.33")]
    assert one.claims[1].remarks == ("MA02",)
    assert one.claims[0].quantities[0].amount == 8
    assert imbalances(one) == ()


@needs_samples
def test_a_secondary_payer_balances_with_what_the_first_one_paid():
    (one,) = understood(real("cob-contractural-adjustment.835")).of(Remittance)
    (claim,) = one.claims
    assert claim.status == "2"
    assert [(one.group, one.reason, one.amount) for one in claim.every_adjustment] == [
        ("OA", "23", Decimal("516.00")),
        ("OA", "94", Decimal("-9.00")),
    ]
    assert claim.patient_share == 0 and imbalances(one) == ()
    assert (claim.lines[0].amounts[0].code, claim.lines[0].amounts[0].amount) == ("B6", Decimal("550.00"))


def test_a_reversal_and_its_correction_balance_with_their_signs():
    one = remittance(
        "CLP*A1*22*-100*-80*-20*12*P1",
        "NM1*QC*1*DOE*JO",
        "SVC*HC:99213*-100*-80",
        "CAS*PR*2*-20",
        "CLP*A1*1*100*60*20*12*P2",
        "SVC*HC:99213*100*60",
        "CAS*CO*45*20",
        "CAS*PR*2*20",
        paid="-20",
    )
    reversal, correction = one.claims
    assert reversal.is_reversal and not correction.is_reversal
    assert (reversal.paid, reversal.patient_share) == (Decimal("-80.00"), Decimal("-20.00"))
    assert odd(one) == []


def test_a_segment_of_adjustments_holds_up_to_six_with_their_quantities():
    one = remittance("CLP*A1*1*100*30**12*P1", "CAS*CO*45*50*2*97*20", paid="30")
    assert [(each.reason, each.amount, each.quantity) for each in one.claims[0].adjustments] == [
        ("45", Decimal("50.00"), Decimal(2)),
        ("97", Decimal("20.00"), None),
    ]
    six = remittance("CLP*A1*1*100*10**12*P1", "CAS*CO*45*50**97*20**1*6**253*5**131*5**137*4", paid="10")
    assert len(six.claims[0].adjustments) == 6 and odd(six) == []


def test_all_groups_are_told_apart_and_only_that_of_the_patient_becomes_the_patients():
    one = remittance(
        "CLP*A1*1*100*40*10*12*P1", "CAS*CO*45*20", "CAS*OA*23*15", "CAS*PI*50*15", "CAS*PR*1*6**3*4", paid="40"
    )
    (claim,) = one.claims
    assert [one.group for one in claim.adjustments] == ["CO", "OA", "PI", "PR", "PR"]
    assert claim.patient_share == Decimal("10.00")
    assert odd(one) == []


def test_provider_adjustments_come_in_pairs_and_lower_the_payment():
    one = remittance("CLP*A1*1*100*100**12*P1", "PLB*1912301953*20261231*WO:A0*30*L6*-2.5*72:REF-9*10", paid="62.5")
    assert [(each.reason, each.reference, each.amount) for each in one.provider_adjustments] == [
        ("WO", "A0", Decimal("30.00")),
        ("L6", "", Decimal("-2.50")),
        ("72", "REF-9", Decimal("10.00")),
    ]
    assert one.held_back == Decimal("37.50") and odd(one) == []


def test_a_debit_is_what_the_provider_pays_back():
    assert odd(remittance("CLP*A1*22*-50*-50**12*P1", paid="50", handling="D")) == []
    assert odd(remittance("CLP*A1*22*-50*-50**12*P1", paid="50")) == [("payment", Decimal("100.00"), 0, True)]


def test_a_predetermination_pays_nothing():
    one = remittance("CLP*A1*25*100*80**12*P1", "CAS*CO*45*20", paid="0")
    assert not one.claims[0].is_payment and odd(one) == []


def test_what_does_not_add_up_is_told_by_line_claim_and_payment():
    one = remittance("CLP*A1*1*100*80*5*12*P1", "SVC*HC:99213*90*80", "CAS*PR*2*5", paid="70")
    assert odd(one) == [
        ("line", Decimal("5.00"), 13, True),
        ("claim", Decimal("15.00"), 12, True),
        ("claim", Decimal("10.00"), 12, False),
        ("payment", Decimal("-10.00"), 0, True),
    ]
    assert [str(out) for out in imbalances(one)] == [
        "Claim A1, line 1: 90.00 charged, 85.00 explained",
        "Claim A1: 100.00 charged, 85.00 explained",
        "Claim A1: 100.00 charged, 90.00 by its lines",
        "The payment: 70.00 paid, 80.00 by its claims and provider adjustments",
    ]


def test_what_the_patient_owes_is_compared_and_blocks_nothing():
    one = remittance("CLP*A1*1*100*80*15*12*P1", "CAS*PR*2*20", paid="80")
    assert odd(one) == [("claim", Decimal("-5.00"), 12, False)]


@pytest.mark.parametrize("text", ["x", "1,50", "NaN", "Infinity", "1e3", "--1", "٣", "9" * 19, "1.2.3"])
def test_an_amount_that_is_none_is_an_error_with_its_place_and_never_a_guess(text):
    errors = [str(one) for one in file(f"CLP*A1*1*{text}*80").errors]
    assert errors == ["CLP at 12, element 3: It is no number."]


def test_amounts_are_exact_and_more_than_two_places_are_an_error():
    one = file("CLP*A1*1*100.00*.5*5.*12*P1")
    (claim,) = next(one.of(Remittance)).claims
    assert (claim.charge, claim.paid, claim.patient_owes) == (Decimal("100.00"), Decimal("0.50"), Decimal("5.00"))
    assert all(type(value) is Decimal for value in (claim.charge, claim.paid, claim.missing, claim.patient_share))
    assert [str(one) for one in file("CLP*A1*1*100.005*80").errors] == [
        "CLP at 12, element 3: It has more than two places."
    ]


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("CLP**1*100*100", "CLP at 12, element 1: The number of the claim is missing."),
        ("CLP*A1*1**100", "CLP at 12, element 3: The amount is missing."),
        ("CAS*XX*45*1", "CAS at 13, element 1: It is a group of adjustments that is not known."),
        ("CAS*CO**1", "CAS at 13, element 2: The reason of the adjustment is missing."),
        ("CAS*CO*45", "CAS at 13, element 3: The amount is missing."),
        ("CAS*CO", "CAS at 13: It says neither reason nor amount."),
        ("CAS*CO" + "*45*1*" * 7, "CAS at 13: It has more than six adjustments."),
        ("PLB*1**WO", "PLB at 13, element 4: The amount is missing."),
    ],
)
def test_what_is_missing_is_told_with_segment_and_position(segment, said):
    before = [] if segment.startswith("CLP") else ["CLP*A1*1*100*100"]
    assert said in [str(one) for one in file(*before, segment).errors]


def test_a_status_that_is_not_known_is_said():
    assert "CLP at 12, element 2: It is a status that is not known." in [
        str(one) for one in file("CLP*A1*77*0*0").complaints
    ]


def test_lines_give_back_our_number_the_submitted_procedure_and_remarks():
    one = remittance(
        "CLP*A1*1*50*50**12*P1",
        "NM1*IL*1*DOE*JANE",
        "NM1*TT*2*NEXT PAYER*****PI*77",
        "SVC*HC:99212:25*50*50**1*HC:99213:25*2",
        "DTM*472*20260101",
        "REF*6R*1001",
        "LQ*HE*N130",
        "LQ*HE*M15",
        paid="50",
    )
    (claim,) = one.claims
    (line,) = claim.lines
    assert (line.control_number, line.remarks, line.day) == ("1001", ("N130", "M15"), date(2026, 1, 1))
    assert (line.procedure.code, line.submitted.code, line.units, line.submitted_units) == ("99212", "99213", 1, 2)
    assert (claim.subscriber.first, claim.sent_on_to.id) == ("JANE", "77")


def test_claims_without_a_heading_are_read_too():
    text = f"{HEAD}BPR*I*5*C*CHK~TRN*1*1*1~N1*PR*A~N1*PE*B~CLP*A1*1*5*5~LX*2~CLP*A2*1*0*0~SE*9*0001~GE*1*1~IEA*1*000000001~"
    (one,) = understood(text).of(Remittance)
    assert [claim.control_number for claim in one.claims] == ["A1", "A2"]


def test_what_a_file_that_was_cut_off_left_empty_is_kept_empty():
    for value in (Dated("472", None), PaidClaim(control_number="", status="", charge=Decimal(0), paid=Decimal(0))):
        assert thawed(type(value), frozen(value)) == value
