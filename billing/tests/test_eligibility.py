"""An insurer is asked (270) and answers (271): both are kept, and the policy is verified by what it says."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from billing import eligibility
from billing.models import BillingIdentity, EligibilityCheck
from billing.payer_inbox import take_file
from billing.tests.authorisations import a_payer, insured
from billing.x12.contents import understood
from billing.x12.eligibility import Inquiries
from clinical import days
from clinical.models import Policy
from clinical.tests.answers import text
from hospital.workflow import Refused


@pytest.fixture
def policy(alpha) -> Policy:
    with alpha.acting("billing"):
        BillingIdentity.objects.create(
            name="Riverside Clinic",
            npi="1912301953",
            tax_number="587654321",
            line="234 Seaway St",
            city="Miami",
            state="FL",
            zip="331110000",
            contact="Claims desk",
            telephone="3055551234",
            sender_number="RIVERSIDE",
        )
        return insured(a_payer())


def asked(hospital, policy: Policy) -> EligibilityCheck:
    with hospital.acting("reception") as acting:
        return eligibility.ask(policy, by=acting.person)


def answer(check: EligibilityCheck, *body: str, member: str = "NM-1") -> bytes:
    """A 271 as an insurer sends it, with our trace."""
    lines = (
        "ST*271*0001*005010X279A1",
        "BHT*0022*11*E-1*20260302*0900",
        "HL*1**20*1",
        "NM1*PR*2*NORTHERN MUTUAL*****PI*NM001",
        "HL*2*1*21*1",
        "NM1*1P*2*RIVERSIDE CLINIC*****XX*1912301953",
        "HL*3*2*22*0",
        f"TRN*2*{check.trace}*1587654321",
        f"NM1*IL*1*NG*ADA****MI*{member}",
        *body,
    )
    head = "ISA*00*          *00*          *ZZ*NM001          *ZZ*RIVERSIDE      *260302*0900*^*00501*000000907*0*T*:~"
    group = "GS*HB*NM001*RIVERSIDE*20260302*0900*1*X*005010X279A1~"
    return (head + group + "~".join(lines) + f"~SE*{len(lines) + 1}*0001~GE*1*1~IEA*1*000000907~").encode()


def test_the_question_names_the_policy_and_is_read_back_as_it_was_meant(alpha, policy):
    check = asked(alpha, policy)
    with alpha.acting("reception"):
        read = understood(check.question)
        assert not read.errors
        (one,) = next(iter(read.of(Inquiries))).asked
        assert (one.trace, one.subscriber.id, one.subscriber.born) == (check.trace, "NM-1", date(1980, 5, 17))
        assert (one.payer.id, one.provider.id, one.begins) == ("NM001", "1912301953", check.service_on)


def test_somebody_else_who_holds_the_policy_is_named_above_the_patient(alpha, policy):
    with alpha.acting("reception") as acting:
        policy.change(by=acting.person, holder_relation="parent")
        with pytest.raises(Refused, match="who holds the policy"):
            eligibility.ask(policy, by=acting.person)
        policy.change(by=acting.person, holder_given_name="Lu", holder_family_name="Ng")
        question = eligibility.ask(policy, by=acting.person).question
        (one,) = next(iter(understood(question).of(Inquiries))).asked
        assert (one.subscriber.first, one.dependant.first, one.relationship) == ("LU", "ADA", "19")


def test_what_is_missing_to_ask_is_said(alpha):
    with alpha.acting("billing") as acting:
        policy = insured(a_payer())
        with pytest.raises(Refused, match="no billing details"):
            eligibility.ask(policy, by=acting.person)


def test_an_answer_that_says_yes_verifies_the_policy_and_shows_its_benefits(alpha, policy):
    check = asked(alpha, policy)
    client = alpha.client("reception")
    file = SimpleUploadedFile("a.271", answer(check, "EB*1**30**GOLD", "EB*B**98***27*25*****Y"))
    taken = client.post(f"{alpha.url}/eligibility/answers/", {"form_key": str(uuid4()), "file": file}, follow=True)
    assert f"{check.number}: insured. The policy is verified." in text(taken)
    page = text(client.get(f"{alpha.url}/eligibility/{check.pk}/"))
    assert "Co-payment" in page and "Office visit" in page and "$25.00" in page and "in the network" in page
    with alpha.acting():
        policy.refresh_from_db()
        check.refresh_from_db()
        assert policy.is_verified and policy.verified_by == alpha.reception
        assert check.answer.startswith("ST*271") and check.answer.count("SE*") == 1


@pytest.mark.parametrize(
    ("body", "member", "outcome", "said"),
    [
        (("EB*6**30",), "NM-1", "inactive", "not insured."),
        (("AAA*N**72*C",), "NM-1", "refused", "not answered by the insurer."),
        (("EB*W**30",), "NM-1", "unclear", "neither yes nor no."),
        (("EB*1**30",), "NM-2", "active", "another member number"),
        (("EB*1**30",), "", "active", "another member number"),
        (("EB*1**35", "EB*6**30"), "NM-1", "inactive", "not insured."),
        (("EB*1**30", "EB*6**30"), "NM-1", "unclear", "neither yes nor no."),
        (("DTP*347*D8*20200101", "EB*1**30"), "NM-1", "active", "cannot be verified"),
    ],
)
def test_any_other_answer_is_kept_and_verifies_nothing(alpha, policy, body, member, outcome, said):
    check = asked(alpha, policy)
    with alpha.acting("reception") as acting:
        (sentence,) = eligibility.take_file(answer(check, *body, member=member), by=acting.person)
        assert said in sentence
        check.refresh_from_db()
        policy.refresh_from_db()
        assert (check.outcome, policy.is_verified) == (outcome, False)


def test_a_yes_verifies_no_longer_than_the_plan_lasts(alpha, policy):
    check = asked(alpha, policy)
    last = check.service_on + timedelta(days=9)
    with alpha.acting("reception") as acting:
        eligibility.take_file(answer(check, f"DTP*291*RD8*20260101-{last:%Y%m%d}", "EB*1**30"), by=acting.person)
        policy.refresh_from_db()
        assert policy.verified_until == last


def test_a_yes_is_of_the_insurer_and_the_time_that_were_asked_about(alpha, policy):
    with alpha.acting("reception") as acting:
        former = eligibility.ask(policy, by=acting.person, on=days.today() - timedelta(days=31))
        (sentence,) = eligibility.take_file(answer(former, "EB*1**30"), by=acting.person)
        assert "a day that is long past" in sentence
        check = eligibility.ask(policy, by=acting.person)
        a_payer("Other House")
        policy.change(by=acting.person, insurer="Other House")
        (sentence,) = eligibility.take_file(answer(check, "EB*1**30"), by=acting.person)
        assert "another insurer" in sentence
        policy.refresh_from_db()
        assert not policy.is_verified


def test_each_question_keeps_only_what_is_said_of_its_own_patient(alpha, policy):
    """A file with answers about two, of whom the second is insured by somebody else's policy."""
    check = asked(alpha, policy)
    with alpha.acting("reception") as acting:
        other = insured(a_payer(), "Okafor", holder_relation="parent", holder_given_name="Lu", holder_family_name="Oz")
        second = eligibility.ask(other, by=acting.person)
        more = ("HL*4*2*22*1", "NM1*IL*1*OZ*LU****MI*NM-1", "HL*5*4*23*0", f"TRN*2*{second.trace}*1587654321")
        content = answer(check, "EB*1**30", *more, "NM1*03*1*OKAFOR*ADA", "EB*6**30")
        eligibility.take_file(content, by=acting.person)
        check.refresh_from_db()
        second.refresh_from_db()
        assert (check.outcome, second.outcome) == ("active", "inactive")
        assert "NG*ADA" in check.answer and "OKAFOR" not in check.answer and "OZ" not in check.answer
        assert "OKAFOR*ADA" in second.answer and "OZ*LU" in second.answer and "NG*ADA" not in second.answer
        policy.change(by=acting.person, is_active=False)
        with pytest.raises(Refused, match="not in use"):
            eligibility.ask(policy, by=acting.person)


def test_an_answer_counts_once_and_only_for_a_question_of_ours(alpha, beta, policy):
    check = asked(alpha, policy)
    content = answer(check, "EB*1**30")
    with beta.acting("reception") as acting:
        assert "no question of ours" in eligibility.take_file(content, by=acting.person)[0]
    with alpha.acting("reception") as acting:
        eligibility.take_file(content, by=acting.person)
        assert "answered already" in eligibility.take_file(answer(check, "EB*6**30"), by=acting.person)[0]
    for change in ({"outcome": "inactive"}, {"question": "another"}):
        with alpha.acting(), pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            EligibilityCheck.objects.filter(pk=check.pk).update(**change)


@pytest.mark.parametrize("content", [b"no x12", b"ISA*00~", b""])
def test_what_is_no_answer_is_refused_with_words(alpha, policy, content):
    file = SimpleUploadedFile("a.271", content or b" ")
    client = alpha.client("reception")
    refused = client.post(f"{alpha.url}/eligibility/answers/", {"form_key": str(uuid4()), "file": file})
    assert refused.status_code == 422 and "no answer of an insurer" in text(refused)


def test_a_file_that_is_cut_off_is_not_taken(alpha, policy):
    check = asked(alpha, policy)
    with alpha.acting("reception") as acting, pytest.raises(Refused, match="has errors"):
        eligibility.take_file(answer(check, "EB*1**30").split(b"~SE*")[0] + b"~", by=acting.person)


def test_asking_is_one_button_and_the_file_is_taken_with_a_line_in_the_audit_log(alpha, policy):
    client = alpha.client("reception")
    asking = client.post(f"{alpha.url}/policies/{policy.pk}/eligibility/", {"form_key": str(uuid4())})
    assert asking.status_code == 302
    with alpha.acting():
        check = EligibilityCheck.objects.get()
    file = client.get(f"{alpha.url}/eligibility/{check.pk}/file/")
    assert file.content.decode() == check.question and file["Content-Disposition"].startswith("attachment")
    assert alpha.client("pharmacy").get(f"{alpha.url}/eligibility/").status_code == 403
    assert check.number in text(client.get(f"{alpha.url}/eligibility/?show=waiting"))
    assert check.number not in text(client.get(f"{alpha.url}/eligibility/?show=active"))


def test_a_policy_that_is_over_is_not_verified_by_a_yes(alpha, policy):
    check = asked(alpha, policy)
    with alpha.acting("reception") as acting:
        policy.change(by=acting.person, valid_until=check.service_on - timedelta(days=1))
        (sentence,) = eligibility.take_file(answer(check, "EB*1**30"), by=acting.person)
        assert "cannot be verified" in sentence


def test_the_inbox_of_files_hands_an_answer_on(alpha, policy):
    check = asked(alpha, policy)
    with alpha.acting("billing") as acting:
        row = take_file("answers.271", answer(check, "EB*1**30"), by=acting.person)
        check.refresh_from_db()
        assert (row.state, check.outcome) == ("taken", "active")
