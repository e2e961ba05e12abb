"""A claim from its signed note to the payer: what it says, what holds it back, and what nobody can change."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing.claims import correcting, drafting, others, scrubber, sending
from billing.claims.rules import RULES
from billing.claims.writing import said
from billing.models import (
    BillingIdentity,
    Claim,
    ClaimBatch,
    ClaimLine,
    ClaimVersion,
    Remittance,
    RemittanceClaim,
    ScrubFinding,
)
from billing.tasks import write_claim_batches
from billing.tests.authorisations import granted
from billing.tests.claims import a_claim, a_note, a_payer, furnish, insure, ready
from billing.tests.remittances import decided, line, posted, sent_on
from billing.tests.remittances import sent as a_sent_claim
from billing.tests.till import charge
from billing.tests.x12_samples import judged_by_pyx12, read_by_x12sdk
from billing.x12 import claim as x12
from billing.x12.contents import understood
from billing.x12.fields import Procedure, Ref
from billing.x12.frozen import frozen
from billing.x12.remittance import Adjustment, PaidClaim, PaidLine
from billing.x12.sheet import plain
from clinical import days
from clinical.models import AuthorisationRule, Patient, Policy
from hospital.workflow import IllegalMove, Refused
from scheduling.models import Appointment
from scheduling.tests.desks import Desk

LATER = timedelta(days=3)


@pytest.fixture
def clinic(alpha):
    furnish(alpha)
    return alpha


def sent(clinic, *claims: Claim) -> ClaimBatch:
    with clinic.acting("billing") as acting:
        (batch,) = sending.submit(claims, by=acting.person)
    write_claim_batches()
    with clinic.acting():
        batch.refresh_from_db()
        for claim in claims:
            claim.refresh_from_db()
    return batch


def test_a_signed_note_becomes_a_claim(clinic):
    note = a_note(clinic)
    with clinic.acting("billing") as acting:
        assert list(drafting.to_be_claimed()) == [note]
        claim = drafting.begin(note, by=acting.person)
        assert (claim.status, claim.amount, claim.payer.name) == ("draft", Decimal("100.00"), "Key Insurance")
        (line,) = claim.current.lines.all()
        assert (line.procedure, line.units, line.pointers) == ("99213", 1, [1])
        assert claim.current.diagnoses == ["J069"]
        assert claim.deadline == claim.service_on + timedelta(days=90)
        assert not drafting.to_be_claimed().exists()
        assert drafting.begin(note, by=acting.person) == claim


def test_an_unsigned_note_and_an_uninsured_patient_are_not_claimed(clinic):
    claim = a_claim(clinic)
    with clinic.acting("billing") as acting:
        claim.withdraw("Paid in cash", by=acting.person)
        claim.policy.is_active = False
        claim.policy.save(update_fields=["is_active"])
        with pytest.raises(Refused, match="No insurance"):
            drafting.begin(claim.encounter, by=acting.person)
    assert claim.status == "withdrawn"


def test_what_is_free_of_charge_is_not_waited_for(clinic):
    claim = ready(clinic)
    sent(clinic, claim)
    with clinic.acting("billing") as acting:
        free = charge(claim.visit, "0.00")
        assert not drafting.unclaimed().exists() and not drafting.to_be_claimed().exists()
        charge(claim.visit, "0.00", sequence=3, needs_price=True)
        assert list(drafting.to_be_claimed()) == [claim.encounter], "nobody knows yet what it costs"
        free.cancel("Not done", by=acting.person)


def test_any_note_is_no_reason_to_file_late(clinic):
    claim = a_claim(clinic)
    with clinic.acting("billing") as acting:
        late(claim, note="See the letter of the patient")
        claim = Claim.objects.get(pk=claim.pk)
        assert {one.rule for one in scrubber.scrub(claim, by=acting.person)} == {"late"}
        late(claim, delay="11", note="")
        claim = Claim.objects.get(pk=claim.pk)
        assert "delay_unsaid" in {one.rule for one in scrubber.scrub(claim, by=acting.person) if one.is_error}
        late(claim, delay="11", note="The house burnt down")
        claim = Claim.objects.get(pk=claim.pk)
        assert {one.rule for one in scrubber.scrub(claim, by=acting.person)} == {"late_with_reason"}
        assert (claim.status, claim.current.delay) == ("scrubbed", "11")
    batch = sent(clinic, ready_again(clinic, claim))
    with clinic.acting("billing"):
        text = batch.files.get().text
        (read,) = next(understood(text).of(x12.ClaimFile)).claims
        assert (read.delay, read) == ("11", said(claim.current))
    good, answer = judged_by_pyx12(text)
    assert good, answer
    read_by_x12sdk(text)


def ready_again(clinic, claim: Claim) -> Claim:
    with clinic.acting("billing") as acting:
        scrubber.make_ready(claim, by=acting.person)
    return claim


def test_errors_hold_a_claim_back_and_warnings_do_not(clinic):
    claim = a_claim(clinic, verified_until=None)
    with clinic.acting("billing") as acting:
        line = claim.current.lines.get()
        line.procedure = ""
        line.save(update_fields=["procedure"])
        found = scrubber.scrub(claim, by=acting.person)
        assert {(one.rule, one.level) for one in found} == {("no_code", "error"), ("unverified", "warning")}
        assert all(one.remedy for one in found) and claim.status == "draft"
        line.procedure = "99213"
        line.save(update_fields=["procedure"])
        assert [one.rule for one in scrubber.scrub(claim, by=acting.person)] == ["unverified"]
        assert claim.status == "scrubbed"


def test_a_check_follows_the_charges(clinic):
    claim = a_claim(clinic)
    with clinic.acting("billing") as acting:
        more = charge(claim.visit, "40.00")
        found = scrubber.scrub(claim, by=acting.person)
        assert claim.amount == Decimal("140.00")
        assert [one.rule for one in found if one.is_error] == ["no_code"]
        more.cancel("Not done", by=acting.person)
        scrubber.scrub(claim, by=acting.person)
        assert (claim.amount, claim.status) == (Decimal("100.00"), "scrubbed")


def test_what_was_made_ready_is_never_changed(clinic):
    claim = ready(clinic)
    with clinic.acting("billing"):
        version = claim.current
    for table, change in (
        (ClaimVersion, {"diagnoses": ["Z00"]}),
        (ClaimVersion, {"sha256": "0" * 64}),
        (ClaimLine, {"amount": Decimal("1.00")}),
    ):
        with clinic.acting("billing"), pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            rows = table.objects.filter(**{"pk" if table is ClaimVersion else "claim_version": version.pk})
            rows.update(**change)
    with clinic.acting("billing") as acting:
        scrubber.take_back(claim, by=acting.person)
        assert (claim.status, claim.current.number, claim.current.is_frozen) == ("draft", 2, False)
        assert said(version).charge == Decimal("100.00")


def test_a_batch_is_one_file_that_reads_back_to_its_claims(clinic):
    claims = [ready(clinic), ready(clinic)]
    batch = sent(clinic, *claims)
    with clinic.acting("billing"):
        assert (batch.status, batch.done, batch.total) == ("written", 2, 2)
        text = batch.files.get().text
        file = understood(text)
        assert not file.complaints
        (read,) = file.of(x12.ClaimFile)
        assert read.claims == tuple(said(claim.current) for claim in claims)
        assert [claim.status for claim in claims] == ["submitted", "submitted"]
        assert all(claim.current.x12 in text and claim.current.control_number in claim.current.x12 for claim in claims)
    good, answer = judged_by_pyx12(text)
    assert good, answer
    (model,) = read_by_x12sdk(text)
    assert [one.patient_control_number for one in model.claims()] == [claim.current.control_number for claim in claims]


def test_a_dependants_claim_names_the_holder(clinic):
    held = {"holder_relation": "parent", "holder_given_name": "Jane", "holder_family_name": "Smith"}
    batch = sent(clinic, ready(clinic, a_claim(clinic, **held)))
    with clinic.acting("billing"):
        text = batch.files.get().text
        (claim,) = next(understood(text).of(x12.ClaimFile)).claims
    assert (claim.subscriber.name, claim.relationship) == ("SMITH", "19") and claim.patient is not None
    assert judged_by_pyx12(text)[0]
    read_by_x12sdk(text)


def test_what_cannot_be_written_stays_behind_and_the_rest_is_sent(clinic):
    good, gone = ready(clinic), ready(clinic)
    with clinic.acting("billing") as acting:
        (batch,) = sending.submit([good, gone], by=acting.person)
        scrubber.take_back(gone, by=acting.person)
    write_claim_batches()
    with clinic.acting("billing"):
        batch.refresh_from_db()
        good.refresh_from_db()
        assert (batch.status, good.status) == ("written", "submitted")
        assert "1 of 2" in batch.problem
        assert batch.items.exclude(problem="").get().problem == "It is not ready any more."


def test_a_batch_is_written_once_however_often_it_is_begun(clinic):
    batch = sent(clinic, ready(clinic))
    assert sending.write(clinic.tenant, batch.pk) == "written"
    with clinic.acting("billing"):
        assert batch.files.count() == 1


def test_a_claim_in_a_batch_is_not_sent_twice(clinic):
    claim = ready(clinic)
    with clinic.acting("billing") as acting:
        sending.submit([claim], by=acting.person)
        with pytest.raises(Refused, match="None of these"):
            sending.submit([claim], by=acting.person)


def test_each_payer_has_its_own_file(clinic):
    first = ready(clinic)
    note = a_note(clinic, is_active=False)
    with clinic.acting("billing") as acting:
        insure(note.patient, a_payer("Other Mutual", identifier="77222"))
        second = drafting.begin(note, by=acting.person)
    ready(clinic, second)
    with clinic.acting("billing") as acting:
        assert len(sending.submit([first, second], by=acting.person)) == 2


def test_a_denied_claim_is_replaced_by_the_payers_number(clinic):
    claim = ready(clinic)
    sent(clinic, claim)
    with clinic.acting("billing") as acting:
        with pytest.raises(Refused, match="decided"):
            correcting.correct(claim, "Wrong units", by=acting.person)
        claim.go(Claim.Status.DENIED, by=None)
        with pytest.raises(Refused, match="payer's number"):
            correcting.correct(claim, "Wrong units", by=acting.person)
        correcting.correct(claim, "Wrong units", by=acting.person, payer_number="ICN-9")
        assert (claim.status, claim.current.number, claim.current.frequency) == ("corrected", 2, "7")
        correcting.give_up(claim, "The denial was right", by=acting.person)
        assert (claim.status, claim.current.number) == ("denied", 1)
        correcting.correct(claim, "Never happened", by=acting.person, void=True)
    ready(clinic, claim)
    sent(clinic, claim)
    with clinic.acting("billing") as acting:
        value = said(claim.current)
        assert (value.frequency, value.payer_control_number, value.number) == ("8", "ICN-9", f"{claim.number}-3")
        claim.go(Claim.Status.ACCEPTED, by=None)
        correcting.confirm_void(claim, by=acting.person)
        assert list(drafting.unclaimed().filter(visit=claim.visit))


def test_the_rest_goes_to_the_next_payer_with_the_decision_of_the_first(clinic):
    claim = ready(clinic)
    sent(clinic, claim)
    with clinic.acting("billing") as acting:
        second = a_payer("Second Mutual", identifier="77222")
        Policy.objects.create(patient=claim.patient, insurer=second.name, payer=second, order=2, member_number="S-2")
        with pytest.raises(Refused, match="decided"):
            others.go_on(claim, by=acting.person)
        claim.go(Claim.Status.PARTIALLY_PAID, by=None, payer_number="ICN-9")
        hear(claim)
        further = others.go_on(claim, by=acting.person)
        assert (further.order, further.payer, further.amount) == ("S", second, Decimal("100.00"))
        assert others.go_on(claim, by=acting.person) == further
        assert further.deadline == further.file_by(days.today() + LATER), "counted from the decision of the first"
    sent(clinic, ready(clinic, further))
    with clinic.acting("billing"):
        further.refresh_from_db()
        text = further.current.batch.files.get().text
        (read,) = next(understood(text).of(x12.ClaimFile)).claims
        assert read == said(further.current)
    (other,), (decided,) = read.others, read.lines[0].adjudications
    assert (other.order, other.paid, other.payer.id) == ("P", Decimal("60.00"), "999996666")
    assert (decided.paid, [one.group for one in decided.adjustments]) == (Decimal("60.00"), ["CO", "PR"])
    good, answer = judged_by_pyx12(text)
    assert good, answer
    read_by_x12sdk(text)


def test_the_next_payer_reads_all_that_the_first_one_paid(clinic):
    claim = a_sent_claim(clinic)
    posted(clinic, decided(claim, line(claim, 1, "50.00", PR3="20.00", CO197="30.00")))
    posted(clinic, decided(claim, line(claim, 1, "30.00", PR3="20.00", OA23="50.00")))
    second = sent_on(clinic, claim)
    with clinic.acting("billing"):
        value = said(second.current)
    (other,), (line_said,) = value.others, value.lines[0].adjudications
    assert (other.paid, line_said.paid) == (Decimal("80.00"), Decimal("80.00"))
    assert [(one.group, one.amount) for one in line_said.adjustments] == [("PR", Decimal("20.00"))]


def hear(claim: Claim) -> None:
    """What the first payer paid of its only line, as a remittance leaves it."""
    version = claim.current
    adjusted = (Adjustment("CO", "45", Decimal("25.00")), Adjustment("PR", "2", Decimal("15.00")))
    line = PaidLine(
        procedure=Procedure("99213"),
        charge=Decimal("100.00"),
        paid=Decimal("60.00"),
        units=Decimal(1),
        adjustments=adjusted,
        refs=(Ref("6R", f"{version.control_number}-1"),),
    )
    paid = {"charge": Decimal("100.00"), "paid": Decimal("60.00")}
    value = PaidClaim(control_number=version.control_number, status="1", lines=(line,), **paid)
    sums = {"total": paid["paid"], "claims_paid": paid["paid"], "held_back": Decimal(0)}
    remittance = Remittance.objects.create(paid_on=days.today() + LATER, trace=version.control_number, **sums)
    known = {"number": version.control_number, "said": "1", "patient_share": Decimal("15.00"), "content": frozen(value)}
    RemittanceClaim.objects.create(remittance=remittance, place=1, status="posted", claim=claim, **paid, **known)


def test_a_video_visit_is_claimed_as_one(clinic):
    claim = a_claim(clinic)
    seen = Desk(clinic).book(kind=Appointment.Kind.VIRTUAL)
    with clinic.acting("billing"):
        assert claim.current.place == "11"
        Appointment.objects.filter(pk=seen.pk).update(visit=claim.visit_id)
        assert drafting.place_of(claim.encounter) == "10"


def test_an_illegal_step_names_the_legal_ones(clinic):
    claim = a_claim(clinic)
    with clinic.acting("billing") as acting, pytest.raises(IllegalMove, match="checked, withdrawn"):
        claim.go(Claim.Status.PAID, by=acting.person)


def test_a_claim_is_not_called_sent_without_its_version(clinic):
    claim = a_claim(clinic)
    with clinic.acting("billing"), pytest.raises(IntegrityError, match="has its version"), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(status="submitted")


def test_a_line_carries_its_authorisation_and_uses_its_units_once(clinic):
    claim = a_claim(clinic)
    granted_row = granted(clinic, policy=claim.policy, code="99213")
    with clinic.acting("billing") as acting:
        AuthorisationRule.objects.create(payer=claim.payer, code="99213")
        left = granted_row.left
        for _ in range(2):
            scrubber.scrub(claim, by=acting.person)
            scrubber.make_ready(claim, by=acting.person)
            assert said(claim.current).authorisation == plain(granted_row.payer_number)
            scrubber.take_back(claim, by=acting.person)
        assert granted_row.left == left - 1
        claim.withdraw("Paid by the patient", by=acting.person)
        assert granted_row.left == left


BREAKS = {
    "no_address": lambda claim: Patient.objects.filter(pk=claim.patient_id).update(line=""),
    "no_state": lambda claim: Patient.objects.filter(pk=claim.patient_id).update(state="Florida"),
    "no_birth_date": lambda claim: Patient.objects.filter(pk=claim.patient_id).update(birth_date=None),
    "no_sex": lambda claim: Patient.objects.filter(pk=claim.patient_id).update(sex="unknown"),
    "unsendable_name": lambda claim: Patient.objects.filter(pk=claim.patient_id).update(family_name="Ωμέγα"),
    "no_holder": lambda claim: update(claim.policy, holder_relation="spouse"),
    "no_member_number": lambda claim: update(claim.policy, member_number=" "),
    "not_covered": lambda claim: update(claim.policy, valid_until=claim.service_on - timedelta(days=1)),
    "policy_unused": lambda claim: update(claim.policy, is_active=False),
    "payer_unused": lambda claim: update(claim.payer, is_active=False),
    "no_payer_identifier": lambda claim: update(claim.payer, identifier=""),
    "late": lambda claim: update(claim, deadline=days.today() - timedelta(days=1)),
    "soon_late": lambda claim: update(claim, deadline=days.today() + timedelta(days=2)),
    "not_authorised": lambda claim: AuthorisationRule.objects.create(payer=claim.payer, code="992*"),
    "delay_unsaid": lambda claim: late(claim, delay="11"),
    "late_with_reason": lambda claim: late(claim, delay="9"),
    "short_zip": lambda claim: BillingIdentity.objects.update(zip="33111"),
    "video_modifier": lambda claim: update(claim.current, place="10"),
    "no_diagnosis": lambda claim: update(claim.current, diagnoses=[]),
    "unknown_diagnosis": lambda claim: update(claim.current, diagnoses=["J0"]),
    "wrong_pointer": lambda claim: update(claim.current.lines.get(), pointers=[2]),
    "many_units": lambda claim: update(claim.current.lines.get(), units=31),
    "future_service": lambda claim: update(claim.current.lines.get(), service_on=days.today() + timedelta(days=9)),
}


def late(claim, **said: str) -> None:
    update(claim, deadline=days.today() - timedelta(days=1))
    update(claim.current, **said)


def update(row, **fields) -> None:
    type(row).objects.filter(pk=row.pk).update(**fields)


def test_each_rule_finds_what_it_is_for(clinic):
    """One claim, broken in one way after the other."""
    claim = a_claim(clinic)
    for code, broken in BREAKS.items():
        with clinic.acting("billing"), transaction.atomic():
            broken(claim)
            claim = Claim.objects.get(pk=claim.pk)
            assert code in {one.rule for one in scrubber.find(claim)}, code
            transaction.set_rollback(True)
    assert set(BREAKS) < {rule.code for rule in RULES}
    with clinic.acting("billing"):
        assert scrubber.find(claim) == [] and not ScrubFinding.objects.exists()
