"""Of what payers send, one row at least in each state, for the tests that go through the whole house."""

from __future__ import annotations

from decimal import Decimal

from billing.models import Appeal, Denial, PayerRefund
from billing.payer_inbox import take_file
from billing.tests.remittances import decided, line, posted, sent, taken
from clinical.models import Patient
from clinical.models.payer import AppealLevel
from hospital.tests.hospital import Hospital


def furnish_remittances(hospital: Hospital, mark: str) -> None:
    """A refusal that is appealed, a payment to post, money that is on no claim, and a file that is none."""
    claim = sent(hospital)
    whole = str(claim.current.ours[0].amount)
    with hospital.acting("billing") as acting:
        Patient.objects.filter(pk=claim.patient_id).update(given_name="Ida", family_name=f"Remitted {mark}")
        for level in (1, 2):
            AppealLevel.objects.get_or_create(
                payer=claim.payer, level=level, defaults={"name": f"Level {mark}", "days": 180}
            )
        take_file(f"{mark}.835", f"no X12 {mark}".encode(), by=acting.person)
    overpay(hospital, mark)
    posted(hospital, decided(claim, line(claim, 1, "0.00", CO50=whole), status="4"))
    taken(hospital, decided(claim, line(claim, 1, whole)), trace=f"CHK{mark}")
    with hospital.acting("billing") as acting:
        denial = Denial.objects.get(claim=claim)
        Appeal.send(denial, f"Appeal {mark}", f"It was needed. {mark}", by=acting.person)


def overpay(hospital: Hospital, mark: str) -> None:
    """Paid twice; of the second payment a part goes back, and the rest is on no claim."""
    claim = sent(hospital)
    said = decided(claim, line(claim, 1, str(claim.current.ours[0].amount)))
    with hospital.acting("billing"):
        Patient.objects.filter(pk=claim.patient_id).update(given_name="Ida", family_name=f"Overpaid {mark}")
    posted(hospital, said)
    row = posted(hospital, said)
    with hospital.acting("billing") as acting:
        refund = PayerRefund.request(row.claims.get(), Decimal("1.00"), f"Paid twice {mark}", by=acting.person)
    with hospital.acting("admin") as acting:
        refund.approve(by=acting.person)
