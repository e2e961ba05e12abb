"""837P and 270: written by the book, read back to the same, and taken by two readers that nobody here wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.tests.x12_samples import (
    CLINIC,
    DECIDED,
    ENVELOPE,
    INJECTION,
    JANE,
    KEY,
    OTHER_PAYER,
    PLAIN,
    REAL,
    RICH,
    SECOND,
    TED,
    VISIT,
    file_of,
    judged_by_pyx12,
    needs_samples,
    read_by_x12sdk,
)
from billing.x12.acknowledgement import Acknowledgement
from billing.x12.claim import Claim, ClaimFile
from billing.x12.claim_writing import write_claims
from billing.x12.contents import understood
from billing.x12.eligibility import Inquiries, Inquiry
from billing.x12.fields import Dated, Procedure, Ref, Sum
from billing.x12.inquiry_writing import write_inquiries
from billing.x12.parties import Address, Party
from billing.x12.remittance import Adjustment
from billing.x12.sheet import Sheet, Unwritable, plain

EVERY = {
    "plain": (PLAIN,),
    "filed late": (replace(PLAIN, delay="9"), replace(RICH, delay="15")),
    "rich": (RICH,),
    "second payer": (SECOND,),
    "a batch": (PLAIN, RICH, SECOND, replace(PLAIN, number="CLM-0004")),
}
batches = pytest.mark.parametrize("claims", EVERY.values(), ids=EVERY)


def read_back(text: str) -> ClaimFile:
    file = understood(text)
    assert not file.complaints
    (one,) = file.of(ClaimFile)
    return one


def refusals(claim: Claim, **envelope) -> list[str]:
    with pytest.raises(Unwritable) as refused:
        write_claims(file_of(claim), replace(ENVELOPE, **envelope))
    return [str(one) for one in refused.value.complaints]


@batches
def test_claims_are_read_back_to_the_same(claims):
    assert read_back(write_claims(file_of(*claims), ENVELOPE)) == file_of(*claims)


@batches
def test_pyx12_takes_them(claims):
    good, answer = judged_by_pyx12(write_claims(file_of(*claims), ENVELOPE))
    (told,) = understood(answer).of(Acknowledgement)
    assert good and told.is_accepted, answer
    assert (told.group_control, told.sets[0].control) == ("907", "0001")


@batches
def test_x12sdk_reads_the_same_claims(claims):
    (model,) = read_by_x12sdk(write_claims(file_of(*claims), ENVELOPE))
    found = list(model.claims())
    assert [one.patient_control_number for one in found] == [claim.number for claim in claims]
    assert [one.charge for one in found] == [claim.charge for claim in claims]
    assert [one.is_dependent for one in found] == [claim.patient is not None for claim in claims]
    lines = [[line.sv1_segment.line_item_charge_amount for line in one.service_lines] for one in found]
    assert lines == [[line.charge for line in claim.lines] for claim in claims]


def test_both_judges_refuse_what_is_wrong():
    """Else their yes would say nothing."""
    text = write_claims(file_of(PLAIN), ENVELOPE)
    assert not judged_by_pyx12(text.replace("CLM*CLM-0001*", "CLM**"))[0]
    assert not judged_by_pyx12(text.replace("DMG*D8*19610501", "DMG*D8*19611501"))[0]
    with pytest.raises(ValueError, match="Claim Amount"):
        read_by_x12sdk(text.replace("*121.04*", "*121.05*"))


@needs_samples
@pytest.mark.parametrize("path", [path for path in REAL if path.suffix == ".837"], ids=lambda path: path.name)
def test_real_claims_are_written_again_as_they_were_read(path):
    """With what the real ones lack and a claim must have; ICD-9 is of their time."""
    (file,) = understood(path.read_bytes()).of(ClaimFile)
    mended = replace(file, claims=tuple(mend(claim) for claim in file.claims))
    text = write_claims(mended, ENVELOPE)
    assert read_back(text) == mended
    assert [claim.charge for claim in mended.claims] == [claim.charge for claim in file.claims]
    assert len(read_by_x12sdk(text)) == 1


def mend(claim: Claim) -> Claim:
    others = tuple(replace(other, payer=other.payer if other.payer.id else OTHER_PAYER) for other in claim.others)
    return replace(claim, others=others)


TEXT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -'().,/&", min_size=1, max_size=20).map(
    lambda text: text.strip() or "X"
)
CENTS = st.integers(0, 10**7).map(lambda cents: Decimal(cents).scaleb(-2))
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
CODES = st.text("0123456789", min_size=5, max_size=5)


@st.composite
def claims_of_any_kind(draw) -> Claim:
    diagnoses = draw(st.lists(st.from_regex(r"[A-Z][0-9][0-9A-Z]{1,5}", fullmatch=True), min_size=1, max_size=12))
    lines = tuple(draw(st.lists(lines_for(len(diagnoses)), min_size=1, max_size=4)))
    dependant = draw(st.booleans())
    frequency = draw(st.sampled_from("178"))
    refs = draw(st.lists(st.builds(Ref, st.sampled_from(["G1", "9F", "D9", "EA"]), TEXT), max_size=3))
    return replace(
        draw(st.sampled_from([PLAIN, RICH])),
        number=draw(TEXT),
        patient=replace(TED, name=draw(TEXT), first=draw(TEXT)) if dependant else None,
        relationship=draw(st.sampled_from(["01", "19", "G8"])) if dependant else "18",
        subscriber=replace(JANE, name=draw(TEXT), id=draw(TEXT), born=draw(DAYS)),
        payer=replace(KEY, name=draw(TEXT), id=draw(TEXT)),
        diagnoses=tuple(diagnoses),
        lines=lines,
        charge=sum((line.charge for line in lines), Decimal("0.00")),
        frequency=frequency,
        refs=(*refs, *([Ref("F8", draw(TEXT))] if frequency != "1" else [])),
        note=draw(st.one_of(st.just(""), TEXT)),
        note_kind="ADD",
    )


@st.composite
def lines_for(draw, diagnoses: int):
    begins = draw(DAYS)
    return replace(
        draw(st.sampled_from([VISIT, INJECTION])),
        procedure=Procedure(draw(CODES), tuple(draw(st.lists(st.sampled_from(["25", "59", "RT", "TC"]), max_size=4)))),
        charge=draw(CENTS),
        units=draw(st.integers(1, 9999).map(lambda tenths: Decimal(tenths) / 10)),
        begins=begins,
        ends=draw(st.one_of(st.none(), st.dates(begins, date(2031, 12, 31)))),
        pointers=tuple(draw(st.lists(st.integers(1, diagnoses), min_size=1, max_size=4, unique=True))),
        note=draw(st.one_of(st.just(""), TEXT)),
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(claims_of_any_kind(), min_size=1, max_size=3))
def test_any_claim_that_can_be_written_is_read_back_to_the_same(claims):
    file = file_of(*claims)
    assert read_back(write_claims(file, ENVELOPE)) == file


WRONG = {
    "charge": (
        replace(PLAIN, charge=Decimal("121.05")),
        "CLM at 23, element 2: The charge is not the sum of its lines.",
    ),
    "no lines": (replace(PLAIN, lines=(), charge=Decimal(0)), "CLM at 23: A claim has one to 50 lines."),
    "too many lines": (
        replace(PLAIN, lines=(VISIT,) * 51, charge=Decimal(5100)),
        "CLM at 23: A claim has one to 50 lines.",
    ),
    "frequency": (replace(PLAIN, frequency="6"), "CLM at 23, element 5: The frequency is 1, 7 or 8."),
    "replaces nothing": (
        replace(RICH, refs=(), pay_to=None),
        "CLM at 29, element 5: A corrected claim names the payer's number of the one before (REF F8).",
    ),
    "no diagnosis": (replace(PLAIN, diagnoses=()), "CLM at 23: A claim has one to 12 diagnoses."),
    "a point": (
        replace(PLAIN, diagnoses=("J02.0", "Z1159")),
        "CLM at 23: A diagnosis is no code of ICD-10-CM without its point.",
    ),
    "pointer": (
        replace(PLAIN, lines=(replace(VISIT, pointers=(3,)), INJECTION)),
        "SV1 at 26, element 7: A line points to a diagnosis that is not there.",
    ),
    "pointers": (
        replace(PLAIN, lines=(replace(VISIT, pointers=(1, 1)), INJECTION)),
        "SV1 at 26, element 7: A line points to one to 4 diagnoses.",
    ),
    "no day": (
        replace(PLAIN, lines=(replace(VISIT, begins=None), INJECTION)),
        "SV1 at 26: The date is missing.",
    ),
    "backwards": (
        replace(PLAIN, lines=(VISIT, replace(INJECTION, ends=date(2026, 3, 1)))),
        "DTP at 31, element 3: It ends before it begins.",
    ),
    "unit": (
        replace(PLAIN, lines=(replace(VISIT, units=Decimal(0)), INJECTION)),
        "SV1 at 26, element 2: Charge and units are positive.",
    ),
    "NaN": (
        replace(PLAIN, lines=(replace(VISIT, units=Decimal("sNaN")), INJECTION)),
        "CLM at 23: An amount or a quantity of this claim is no number.",
    ),
    "long number": (replace(PLAIN, number="A" * 21), "CLM at 23, element 1: It is longer than 20 letters."),
    "no number": (replace(PLAIN, number=""), "CLM at 23, element 1: It is missing."),
    "separator": (replace(PLAIN, number="A*B"), "CLM at 23, element 1: It has letters that cannot be sent."),
    "end": (
        replace(PLAIN, payer=replace(KEY, name="KEY~ST*837")),
        "NM1 at 21, element 3: It has letters that cannot be sent.",
    ),
    "accent": (
        replace(PLAIN, subscriber=replace(JANE, name="MÜLLER")),
        "NM1 at 17, element 3: It has letters that cannot be sent.",
    ),
    "line end": (replace(PLAIN, note="A\nB"), "NTE at 24, element 2: It has letters that cannot be sent."),
    "NPI": (replace(PLAIN, billing=replace(CLINIC, id="123")), "NM1 at 10, element 9: An NPI has ten digits."),
    "tax": (replace(PLAIN, billing=replace(CLINIC, refs=())), "PER at 13: The billing provider needs a tax number."),
    "nowhere": (
        replace(PLAIN, billing=replace(CLINIC, address=None)),
        "PER at 12: The billing provider needs an address.",
    ),
    "self": (
        replace(PLAIN, relationship="19"),
        "CLM at 23: A patient who is not the subscriber has another relationship than self.",
    ),
    "unborn": (
        replace(PLAIN, subscriber=replace(JANE, born=None)),
        "CLM at 23: The patient (IL) needs an address, a day of birth and a gender.",
    ),
    "second without first": (
        replace(PLAIN, order="S"),
        "CLM at 23: A claim to a later payer names the first one.",
    ),
    "two first": (
        replace(SECOND, order="P"),
        "CLM at 23: Each cover has its own place in the order of payers.",
    ),
    "other payer's sum": (
        replace(SECOND, others=(replace(SECOND.others[0], amounts=(Sum("D", Decimal("59.99")),)),)),
        "CLM at 23: Payment and adjustments of another payer are not the charge.",
    ),
    "other payer's line": (
        replace(
            SECOND, lines=(replace(VISIT, adjudications=(replace(DECIDED[0], paid=Decimal(59)),)), SECOND.lines[1])
        ),
        "SVD at 38, element 2: What another payer paid and adjusted is not the charge of the line.",
    ),
    "unknown payer": (
        replace(SECOND, lines=(replace(VISIT, adjudications=(replace(DECIDED[0], payer="X"),)), SECOND.lines[1])),
        "SVD at 38, element 1: The payer of a line's decision is none of the claim's other payers.",
    ),
}


@pytest.mark.parametrize(("claim", "said"), WRONG.values(), ids=WRONG)
def test_what_a_receiver_would_refuse_is_refused_here_with_segment_and_position(claim, said):
    assert said in refusals(claim)


def test_everything_that_is_wrong_is_told_at_once():
    told = refusals(replace(PLAIN, number="", diagnoses=(), charge=Decimal(1)))
    assert len(told) >= 4


def test_a_binary_fraction_is_no_money():
    with pytest.raises(TypeError, match="Decimal"):
        Sheet(ENVELOPE, function="HC", code="837", version="").add("AMT", "F5", 3 / 2)
    with pytest.raises(TypeError, match="Decimal"):
        write_claims(file_of(replace(PLAIN, amounts=(Sum("F5", 3 / 2),))), ENVELOPE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sender": "A" * 16}, "ISA at 1, element 6: It has one to fifteen letters."),
        ({"receiver": ""}, "ISA at 1, element 8: It has one to fifteen letters."),
        ({"control": 10**9}, "ISA at 1, element 13: The number of the file has one to nine digits."),
    ],
)
def test_the_envelope_is_checked_too(change, said):
    assert said in refusals(PLAIN, **change)


def test_a_file_says_its_number_and_whether_it_is_a_test():
    text = write_claims(file_of(PLAIN), replace(ENVELOPE, control=12, is_test=False))
    assert "*000000012*0*P*:~" in text and text.endswith("GE*1*12~\nIEA*1*000000012~\n")
    assert len(text.split("~")[0]) == 105


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("Müller-Łukasz", "MULLER-LUKASZ"),
        ("  José   Ñúñez\n", "JOSE NUNEZ"),
        ("Straße 5*7~8", "STRASSE 5 7 8"),
        ("O\u2019Hara", "O'HARA"),
        ("Ærø", "AERO"),
        ("İstanbul", "ISTANBUL"),
    ],
)
def test_names_lose_their_accents_and_nothing_else(said, sent):
    assert plain(said) == sent


def test_a_name_without_latin_letters_is_refused_and_never_sent_empty():
    name = plain("李小龍")
    assert "NM1 at 17, element 3: It has letters that cannot be sent." in refusals(
        replace(PLAIN, subscriber=replace(JANE, name=name))
    )


def test_the_authorisation_stands_where_payers_look_for_it():
    text = write_claims(file_of(RICH), ENVELOPE)
    assert "REF*G1*AUTH-77~" in text and "REF*F8*PAYER-9~" in text and "11:B:7*" in text
    assert (RICH.authorisation, RICH.payer_control_number) == ("AUTH-77", "PAYER-9")


def test_more_than_six_adjustments_of_a_group_go_into_another_segment():
    many = tuple(Adjustment("CO", str(number), Decimal("1.00")) for number in range(1, 9))
    decided = replace(DECIDED[0], paid=Decimal("92.00"), adjustments=many)
    other = replace(SECOND.others[0], amounts=(Sum("D", Decimal("92.00")),))
    claim = replace(SECOND, others=(other,), lines=(replace(VISIT, adjudications=(decided,)), SECOND.lines[1]))
    text = write_claims(file_of(claim), ENVELOPE)
    assert read_back(text).claims == (claim,)
    assert "CAS*CO*7*1**8*1~" in text and judged_by_pyx12(text)[0]


ASKER = replace(CLINIC, contacts=(), taxonomy="", refs=(Ref("TJ", "587654321"),))
INSURER = replace(KEY, refs=())
ASKED = (
    Inquiry(
        payer=INSURER,
        provider=ASKER,
        subscriber=JANE,
        begins=date(2026, 3, 5),
        trace="Q-1",
    ),
    Inquiry(
        payer=INSURER,
        provider=ASKER,
        subscriber=replace(JANE, born=None, gender="", address=None),
        dependant=TED,
        relationship="19",
        services=("30", "98"),
        begins=date(2026, 3, 5),
        ends=date(2026, 3, 6),
        trace="Q-2",
    ),
)


def test_questions_are_read_back_to_the_same_and_x12sdk_reads_them():
    text = write_inquiries(ASKED, ENVELOPE, reference="E-1", originator="1999999999")
    file = understood(text)
    assert not file.complaints
    assert list(file.of(Inquiries)) == [Inquiries("E-1", ASKED)]
    (model,) = read_by_x12sdk(text)
    assert [one.is_dependent for one in model.members()] == [False, True]


def test_a_question_without_a_service_is_refused():
    with pytest.raises(Unwritable, match="DTP at 18: It asks for no service"):
        write_inquiries([replace(ASKED[0], services=())], ENVELOPE, reference="E-1", originator="1999999999")
    with pytest.raises(Unwritable, match="named by ten letters"):
        write_inquiries(ASKED, ENVELOPE, reference="E-1", originator="1")


def test_the_files_of_one_day_differ_by_their_number_only():
    later = replace(ENVELOPE, control=908, written=datetime(2026, 3, 5, 14, 7, tzinfo=UTC))
    one, other = (write_claims(file_of(PLAIN), envelope).replace("908", "907") for envelope in (ENVELOPE, later))
    assert one == other


def test_dates_and_places_of_an_accident_are_written():
    claim = replace(PLAIN, causes=("OA",), dates=(Dated("439", date(2026, 1, 31)),))
    assert "**OA~\nDTP*439*D8*20260131~" in write_claims(file_of(claim), ENVELOPE)
    abroad = replace(CLINIC, address=Address(line="1 RUE", city="LYON", zip="69001", country="FR"))
    assert "N4*LYON**69001*FR~" in write_claims(file_of(replace(PLAIN, billing=abroad)), ENVELOPE)
    assert Party(name="X").spoken == "X"
