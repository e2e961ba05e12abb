"""The claims desk: what is on its pages, who may do what, and what comes back from payers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.claims import answers, correcting, drafting, filing, scrubber, sending, writing
from billing.loops import LOOPS
from billing.models import BillingIdentity, Claim, Kind, ProcedureCode, ProviderNumber
from billing.tasks import claims_near_in, watch_claims, write_claim_batches
from billing.tests.claims import NPI, a_claim, a_note, furnish, ready
from billing.tests.remittances import sent as another_sent
from billing.tests.till import charge
from billing.x12.acknowledgement import Acknowledgement
from billing.x12.contents import understood
from billing.x12.status import StatusReport
from clinical import days
from clinical.models import Policy, Visit
from clinical.tests.dispensary import load_codes
from clinical.tests.notes import signed, written
from clinical.tests.test_manifests import waits_for_a_row
from hospital.models import AuditEntry
from hospital.tests.asking import asked
from realtime.tests.server import wait_until

ACK = """ISA*00*          *00*          *ZZ*KEY            *ZZ*RIVERSIDE      *260305*1407*^*00501*000000001*0*P*:~
GS*FA*KEY*RIVERSIDE*20260305*1407*1*X*005010X231A1~ST*999*0001*005010X231A1~AK1*HC*{group}*005010X222A1~
AK2*837*0001*005010X222A1~{faults}IK5*{verdict}~AK9*{verdict}*1*1*{good}~SE*5*0001~GE*1*1~IEA*1*000000001~"""
CA = """ISA*00*          *00*          *ZZ*KEY            *ZZ*RIVERSIDE      *260305*1407*^*00501*000000002*0*P*:~
GS*HN*KEY*RIVERSIDE*20260305*1407*2*X*005010X214~ST*277*0001*005010X214~BHT*0085*08*B1*20260305*1407*TH~
HL*1**20*1~NM1*PR*2*KEY*****PI*999996666~HL*2*1*21*1~NM1*41*2*RIVERSIDE*****46*RIVERSIDE~HL*3*2*19*1~
NM1*85*2*RIVERSIDE*****XX*1912301953~HL*4*3*PT~NM1*QC*1*OKAFOR*AMARA****MI*JS001~TRN*2*{number}~
STC*{status}*20260305*{action}*100~REF*1K*ICN-77~SE*12*0001~GE*1*2~IEA*1*000000002~"""


@pytest.fixture
def clinic(alpha):
    furnish(alpha)
    return alpha


@pytest.fixture
def sent(clinic) -> Claim:
    claim = ready(clinic)
    with clinic.acting("billing") as acting:
        sending.submit([claim], by=acting.person)
    write_claim_batches()
    with clinic.acting("billing"):
        return fresh(claim)


def fresh(claim: Claim) -> Claim:
    return Claim.objects.select_related("current__batch", "current__claim").get(pk=claim.pk)


def told(clinic, text: str, kind) -> list[str]:
    (meaning,) = understood(text).of(kind)
    with clinic.acting():
        take = answers.take_status if kind is StatusReport else answers.take_acknowledgement
        return take(meaning)


def now(clinic, claim: Claim) -> Claim:
    with clinic.acting():
        return fresh(claim)


def answer_of(claim: Claim, status: str, action: str) -> str:
    return CA.format(number=claim.current.control_number, status=status, action=action)


def test_a_form_that_is_refused_rejects_its_claims(clinic, sent):
    faults = "IK3*NM1*9*2010*8~IK4*9*67*7*SECRET~"
    text = ACK.format(group=sent.current.batch.serial, faults=faults, verdict="R", good=0)
    words = told(clinic, text, Acknowledgement)
    claim = now(clinic, sent)
    assert claim.status == "rejected" and claim.number in words[-1]
    assert "NM1 at 9" in claim.answer and "SECRET" not in claim.answer
    assert told(clinic, text, Acknowledgement) == [f"{sent.current.batch} is form rejected already. Nothing changed."]


def test_a_rejected_claim_is_mended_as_the_same(clinic, sent):
    words = told(clinic, answer_of(sent, "A7:164", "U"), StatusReport)
    claim = now(clinic, sent)
    assert claim.status == "rejected" and words == [f"{sent.number} is now rejected."]
    assert "A7 164" in claim.answer
    client = clinic.client("billing")
    assert client.post(f"{clinic.url}/claims/{sent.pk}/take-back/").status_code == 302
    claim = now(clinic, sent)
    assert (claim.status, claim.current.number, claim.current.frequency) == ("draft", 2, "1")


def test_an_accepted_claim_has_the_payers_number(clinic, sent):
    told(clinic, answer_of(sent, "A2:20", "WQ"), StatusReport)
    claim = now(clinic, sent)
    assert (claim.status, claim.payer_number) == ("accepted", "ICN-77")
    assert told(clinic, CA.format(number="CM-999999-1", status="A2:20", action="WQ"), StatusReport) == [
        "The number CM-999999-1 is on none of our claims."
    ]


def test_an_answer_on_many_claims_holds_none_while_it_waits_for_another(clinic):
    """In the order of their visits, as whoever posts a remittance holds them: neither waits for the other for ever."""
    low, high = sorted((another_sent(clinic) for _ in range(2)), key=lambda claim: claim.visit_id)
    reports = [next(understood(answer_of(claim, "A2:20", "WQ")).of(StatusReport)) for claim in (high, low)]
    report = replace(reports[0], answers=(*reports[0].answers, *reports[1].answers))

    def answered() -> None:
        try:
            with clinic.acting():
                answers.take_status(report)
        finally:
            connection.close()

    other = Thread(target=answered)
    with clinic.acting():
        low.visit.lock()
        other.start()
        wait_until(waits_for_a_row, 60, "the answer does not wait")
        assert Visit.objects.select_for_update(nowait=True).get(pk=high.visit_id)
    other.join(20)
    assert [now(clinic, claim).status for claim in (low, high)] == ["accepted", "accepted"]


def test_the_desk_takes_a_claim_from_its_draft_to_the_file(clinic, beta):
    claim = a_claim(clinic)
    client, address = clinic.client("billing"), f"{clinic.url}/claims/{claim.pk}/"
    page = client.get(f"{clinic.url}/claims/").content.decode()
    assert claim.number in page and "Key Insurance" in page
    for step in ("check", "ready"):
        assert client.post(f"{address}{step}/").status_code == 302, step
    nobody = client.post(f"{clinic.url}/claims/submit/", {"q": "Somebody else"})
    assert nobody.status_code == 422 and b"None of these" in nobody.content
    assert client.post(f"{clinic.url}/claims/submit/", {"q": claim.number, "payer": ""}).status_code == 302
    page = client.get(address).content.decode()
    assert "It goes out with" in page and f"{address}send/" not in page, "it is sent once"
    write_claim_batches()
    page = client.get(address).content.decode()
    assert "Submitted" in page and f"CLM*{claim.number}-1*100" in page
    with clinic.acting():
        batch = Claim.objects.get(pk=claim.pk).current.batch
    file = client.get(f"{clinic.url}/claim-batches/{batch.pk}/file/")
    assert file.content.startswith(b"ISA*") and "attachment" in file["Content-Disposition"]
    with clinic.acting():
        assert AuditEntry.objects.filter(action="export", table="billing_batchfile").exists()
    taken = client.get(f"{clinic.url}/claims/csv/?show=payer").content.decode()
    assert claim.number in taken
    stranger = beta.client("billing")
    assert stranger.get(f"{beta.url}/claims/{claim.pk}/").status_code == 404
    assert clinic.client("reception").get(address).status_code == 403


def test_a_step_that_is_not_possible_is_refused_with_the_legal_ones(clinic):
    claim = a_claim(clinic)
    client = clinic.client("billing")
    refused = client.post(f"{clinic.url}/claims/{claim.pk}/ready/")
    assert refused.status_code == 409 and b"Check it first" in refused.content
    refused = client.post(f"{clinic.url}/claims/{claim.pk}/withdraw/", {"reason": " "})
    assert refused.status_code == 422


def test_nobody_overwrites_the_words_of_a_colleague(clinic):
    claim = a_claim(clinic)
    client, address = clinic.client("billing"), f"{clinic.url}/claims/{claim.pk}/edit/"
    with clinic.acting():
        seen = Claim.objects.get(pk=claim.pk).version
    words = {"diagnoses": "J06.9", "place": "22", "note": "", "seen": seen}
    line = {"procedure-1": "99214", "modifiers-1": "25", "units-1": "1", "pointers-1": "1", "authorisation-1": "A-1"}
    assert b"J06.9" in client.get(address).content
    assert client.post(address, words | line).status_code == 302
    late = client.post(address, words | line | {"note": "Mine"})
    assert late.status_code == 409 and b"Mine" in late.content
    wrong = client.post(address, words | line | {"seen": seen + 1, "procedure-1": "nonsense", "units-1": "0"})
    assert wrong.status_code == 422
    summary = wrong.content.decode().partition("data-error-summary")[2].partition("</div>")[0]
    assert ">Line 1: CPT or HCPCS</a>" in summary and ">Line 1: units</a>" in summary
    with clinic.acting():
        stands = Claim.objects.get(pk=claim.pk).current
        found = stands.lines.get()
        assert (stands.place, stands.diagnoses, found.procedure, found.modifiers) == ("22", ["J069"], "99214", ["25"])


def test_what_the_payer_says_by_telephone_is_recorded(clinic, sent):
    client = clinic.client("billing")
    answer = {"status": "pended", "words": "Records are asked for", "payer_number": "ICN-5"}
    assert client.post(f"{clinic.url}/claims/{sent.pk}/answer/", answer).status_code == 302
    claim = now(clinic, sent)
    assert (claim.status, claim.answer, claim.payer_number) == ("pended", "Records are asked for", "ICN-5")


def test_a_note_that_is_signed_is_claimed_by_itself(clinic):
    insured = a_note(clinic).patient
    with clinic.acting("billing"):
        assert not Claim.objects.exists() and drafting.to_be_claimed().count() == 1
        policy = Policy.objects.get(patient=insured)
    note = written(clinic)
    with clinic.acting("billing"):
        Policy.objects.filter(pk=policy.pk).update(patient=note.patient)
    with clinic.acting("main_doctor") as acting:
        note.sign(by=acting.person)
        claim = Claim.objects.get()
        assert (claim.encounter, claim.status) == (note, "draft")
        note.enter_in_error("Another patient", by=acting.person)
        claim.refresh_from_db()
        assert claim.status == "withdrawn"
    assert signed(clinic)


def test_what_is_charged_after_the_claim_went_out_is_not_forgotten(clinic, sent):
    with clinic.acting("billing") as acting:
        assert not drafting.to_be_claimed().exists()
        ProcedureCode.objects.create(kind=Kind.TEST, code="GIFT", is_claimed=False)
        charge(sent.visit, "5.00", code="GIFT", sequence=8)
        assert not drafting.to_be_claimed().exists(), "a courtesy is never claimed"
        late = charge(sent.visit, "40.00", sequence=9)
        assert list(drafting.to_be_claimed()) == [sent.encounter]
    page = clinic.client("billing").get(f"{clinic.url}/claims/to-be-claimed/").content.decode()
    assert f"correct {sent.number}" in page
    with clinic.acting("billing") as acting:
        sent.go(Claim.Status.DENIED, by=None, payer_number="ICN-1")
        correcting.correct(sent, "Charged late", by=acting.person)
        drafting.gather(sent)
        assert late.pk in sent.current.lines.values_list("charge", flat=True)
        assert not drafting.to_be_claimed().exists()


def test_whoever_holds_a_claim_holds_its_visit_before(clinic, sent):
    """One order for all, so that nobody waits in a circle."""
    with clinic.acting("billing"), CaptureQueriesContext(connection) as asked:
        Claim.objects.get(pk=sent.pk).lock()
        Claim.hold([Claim.objects.get(pk=sent.pk)])
    held = [re.search(r'FROM "(\w+)"', one["sql"])[1] for one in asked if "FOR NO KEY UPDATE" in one["sql"]]
    assert held == ["clinical_visit", "billing_claim", "clinical_visit", "billing_invoice", "billing_claim"]


def test_the_clock_of_filing_tells_once_for_each_tier(clinic):
    claim = a_claim(clinic)
    assert claims_near_in(clinic.tenant) == 0
    for left, times in ((30, 1), (29, 0), (6, 1), (0, 1), (-1, 1), (-9, 0)):
        with clinic.acting():
            Claim.objects.filter(pk=claim.pk).update(deadline=days.today() + timedelta(days=left))
        swept = watch_claims() if left == 30 else claims_near_in(clinic.tenant)
        assert swept == times, left
    with clinic.acting("billing"):
        loop = next(one for one in LOOPS if one.key == "claims")
        assert claim in loop.rows(None)
        claim.refresh_from_db()
        assert filing.in_words(claim) == f"{claim.number} was not filed in time"


def test_a_rejected_claim_that_nobody_mends_is_said_again(clinic, sent):
    with clinic.acting("billing"):
        Claim.objects.get(pk=sent.pk).go(Claim.Status.REJECTED, by=None, words="A7", answer="No such member")
    assert claims_near_in(clinic.tenant) == 0
    for days_ago, times in ((2, 0), (3, 1), (4, 0), (7, 1), (20, 1), (40, 0)):
        with clinic.acting():
            Claim.objects.filter(pk=sent.pk).update(status_at=timezone.now() - timedelta(days=days_ago, minutes=1))
        assert claims_near_in(clinic.tenant) == times, days_ago
    page = clinic.client("billing").get(f"{clinic.url}/loops/").content.decode()
    assert f'id="loop-{sent.pk}"' in page and "No such member" in page and "Overdue" in page
    with clinic.acting("billing") as acting:
        claim = Claim.objects.get(pk=sent.pk)
        assert filing.in_words(claim) == f"{claim.number} was rejected 40 days ago, and nobody has mended it"
        scrubber.take_back(claim, by=acting.person)
        assert not Claim.objects.rejected().exists() and filing.in_words(claim) == ""
    assert f'id="loop-{sent.pk}"' not in clinic.client("billing").get(f"{clinic.url}/loops/").content.decode()


def test_a_claim_that_is_rejected_anew_is_said_anew(clinic, sent):
    with clinic.acting("billing") as acting:
        claim = Claim.objects.get(pk=sent.pk)
        claim.go(Claim.Status.REJECTED, by=None)
        Claim.objects.filter(pk=claim.pk).update(said_rejected=14)
        scrubber.take_back(claim, by=acting.person)
    claim = ready(clinic, claim)
    with clinic.acting("billing") as acting:
        batch = sending.submit([claim], by=acting.person)[0]
    sending.write(clinic.tenant, batch.pk)
    with clinic.acting("billing"):
        claim.refresh_from_db()
        claim.go(Claim.Status.REJECTED, by=None)
        assert claim.said_rejected == 0


def test_a_claim_that_is_filed_late_says_why_on_its_page_and_in_its_file(clinic):
    claim = a_claim(clinic)
    with clinic.acting():
        Claim.objects.filter(pk=claim.pk).update(deadline=days.today() - timedelta(days=1))
    client, address = clinic.client("billing"), f"{clinic.url}/claims/{claim.pk}/"
    with clinic.acting("billing"):
        line = claim.current.lines.get()
        words = {"diagnoses": "J06.9", "place": "11", "note": "Anything", "procedure-1": "99213", "modifiers-1": ""}
        words |= {"units-1": "1", "pointers-1": "1", "authorisation-1": "", "delay": ""}
        seen = {"seen": Claim.objects.get(pk=claim.pk).version}
    assert line.position == 1
    assert client.post(f"{address}edit/", words | seen).status_code == 302
    client.post(f"{address}check/")
    assert now(clinic, claim).status == "draft", "any note is no reason"
    assert "choose why it is filed late" in client.get(address).content.decode()
    for delay, status in (("99", 422), ("9", 302)):
        seen = {"seen": now(clinic, claim).version}
        assert client.post(f"{address}edit/", words | seen | {"delay": delay}).status_code == status, delay
    client.post(f"{address}check/")
    assert "The first claim was rejected or denied" in client.get(address).content.decode()
    assert now(clinic, claim).status == "scrubbed"
    client.post(f"{address}ready/")
    with clinic.acting("billing"):
        value = writing.said(Claim.objects.get(pk=claim.pk).current)
        assert value.delay == "9"


def test_diagnoses_stand_on_a_claim_with_their_names(clinic):
    load_codes()
    claim = a_claim(clinic)
    client, address = clinic.client("billing"), f"{clinic.url}/claims/{claim.pk}/"
    pages = [client.get(where).content.decode() for where in (address, f"{address}edit/")]
    assert all("J06.9" in page and "Acute upper respiratory infection, unspecified" in page for page in pages)
    few = len(asked(client, address))
    with clinic.acting():
        claim.current.diagnoses = ["J069", "J189", "L400"]
        claim.current.save(update_fields=["diagnoses"])
    assert len(asked(client, address)) == few, "one question for all of them"
    assert "Pneumonia, unspecified organism" in client.get(address).content.decode()


def test_each_table_of_the_claims_desk_is_there_as_a_file(clinic, sent):
    client = clinic.client("billing")
    page = client.get(f"{clinic.url}/claims-desk/").content.decode()
    assert {"to-do", "paid"} <= set(re.findall(r"/claims-desk/([a-z-]+)/csv/", page))
    file = client.get(f"{clinic.url}/claims-desk/to-do/csv/")
    assert file["Content-Type"].startswith("text/csv") and "Rejected claims to mend,0" in file.content.decode()
    with clinic.acting():
        assert AuditEntry.objects.filter(action="export", after__report="claims-desk").exists()
    assert client.get(f"{clinic.url}/claims-desk/nonsense/csv/").status_code == 404
    assert clinic.client("reception").get(f"{clinic.url}/claims-desk/to-do/csv/").status_code == 403


def test_numbers_of_providers_have_their_check_digit(clinic):
    client = clinic.client("billing")
    with clinic.acting():
        identity, doctor = BillingIdentity.ours(), ProviderNumber.objects.get()
    wrong = client.post(
        f"{clinic.url}/claim-codes/doctors/{doctor.pk}/", {"person": doctor.person_id, "npi": "1234567890"}
    )
    assert wrong.status_code == 422 and b"no NPI" in wrong.content
    page = client.get(f"{clinic.url}/claim-codes/").content.decode()
    assert NPI in page and "99213" in page
    assert client.get(f"{clinic.url}/claim-codes/organisation/new/").status_code == 302
    assert client.get(f"{clinic.url}/claim-codes/organisation/{identity.pk}/").status_code == 200
    new = {"kind": "test", "code": "GLU", "procedure": "82947", "modifiers": "", "is_claimed": "on"}
    assert client.post(f"{clinic.url}/claim-codes/procedures/new/", new).status_code == 302
