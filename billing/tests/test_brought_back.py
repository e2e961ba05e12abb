"""Medicine that is brought back is claimed from no insurer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.claims import correcting, drafting, scrubber
from billing.models import Charge, Claim, Kind, ProcedureCode
from billing.tests.claims import a_note, furnish
from billing.tests.remittances import decided, line, loaded, posted, send
from billing.tests.test_remittance import euros, standing
from billing.tests.till import price
from clinical.models import Prescription, PrescriptionLine, StockMove, Visit
from clinical.tests.dispensary import a_medicine, received
from hospital.tests.hospital import Hospital

S = Claim.Status


@pytest.fixture
def dispensed(alpha: Hospital) -> tuple[Claim, PrescriptionLine]:
    """A draft of a consultation (100.00) and ten tablets of 1.00 each."""
    furnish(alpha)
    note = a_note(alpha)
    with alpha.acting():
        price("1.00", Kind.MEDICINE, "PARA")
        ProcedureCode.objects.create(kind=Kind.MEDICINE, code="PARA", procedure="J8499")
        medicine = a_medicine("PARA")
        received(medicine, 100)
        visit = Visit.objects.get(pk=note.visit_id)
        asked = {"medicine": medicine, "quantity": 10, "dose": "1 tablet", "frequency": "twice a day"}
        prescription = Prescription.write(visit, [asked], by=None)
        prescription.sign(by=None)
        row = prescription.lines.get()
        row.dispense(10, by=None)
    with alpha.acting("billing") as acting:
        return drafting.begin(note, by=acting.person), row


def bring_back(alpha: Hospital, row: PrescriptionLine, pieces: int) -> None:
    with alpha.acting():
        row = PrescriptionLine.objects.get(pk=row.pk)
        row.take_back(pieces, StockMove.objects.filter(line=row)[0].batch, "Not needed", by=None)


def checked(alpha: Hospital, claim: Claim) -> list[tuple[str, Decimal, Decimal]]:
    with alpha.acting("billing") as acting:
        claim = Claim.objects.get(pk=claim.pk)
        assert not [one for one in scrubber.scrub(claim, by=acting.person) if one.is_error]
        return list(claim.current.lines.order_by("position").values_list("procedure", "units", "amount"))


def test_what_is_brought_back_before_the_claim_goes_out_is_not_on_it(alpha: Hospital, dispensed) -> None:
    claim, row = dispensed
    assert checked(alpha, claim)[1:] == [("J8499", *euros("10.00", "10.00"))]
    bring_back(alpha, row, 4)
    assert checked(alpha, claim)[1:] == [("J8499", *euros("6.00", "6.00"))]
    with alpha.acting("billing"):
        assert Claim.objects.get().amount == Decimal("106.00")
        words = list(Claim.objects.get().steps.values_list("words", flat=True))
        assert any("4 of" in one for one in words) and not any("leaves it out" in one for one in words)
    bring_back(alpha, row, 6)
    assert checked(alpha, claim)[1:] == []
    with alpha.acting("billing"):
        assert Charge.objects.get(kind=Kind.MEDICINE).cancelled_at is not None


def test_what_is_brought_back_when_the_claim_is_out_is_left_out_by_its_correction(alpha: Hospital, dispensed) -> None:
    claim, row = dispensed
    claim = send(alpha, claim)
    bring_back(alpha, row, 10)
    with alpha.acting("billing"):
        assert list(Claim.objects.undone()) == [claim]
    posted(alpha, decided(claim, line(claim, 1, "100.00"), line(claim, 2, "0.00", CO16="10.00")))
    with alpha.acting("billing") as acting:
        correcting.correct(Claim.objects.get(pk=claim.pk), "Brought back", by=acting.person)
    claim = send(alpha, loaded(alpha, claim))
    assert [one.procedure for one in claim.current.ours] == ["99213"]
    assert standing(alpha, claim) == (S.SUBMITTED, *euros("0.00", "0.00"))
