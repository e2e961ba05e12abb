"""Of what payers send, one row at least in each state, for the tests that go through the whole house."""

from __future__ import annotations

from billing.models import Appeal, Denial
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
    posted(hospital, decided(claim, line(claim, 1, "0.00", CO50=whole), status="4"))
    taken(hospital, decided(claim, line(claim, 1, whole)), trace=f"CHK{mark}")
    with hospital.acting("billing") as acting:
        denial = Denial.objects.get(claim=claim)
        Appeal.send(denial, f"Appeal {mark}", f"It was needed. {mark}", by=acting.person)
