"""What a payer paid too much, asked back and sent: for the tests of overpayments."""

from __future__ import annotations

from decimal import Decimal

from billing.models import Claim, PayerRefund, Remittance, RemittanceClaim
from billing.overpaid import overpaid
from billing.tests.remittances import decided, line, posted, sent
from billing.x12.remittance import PaidClaim
from hospital.tests.hospital import Hospital


def paid_twice(alpha: Hospital) -> tuple[Claim, PaidClaim, Remittance]:
    claim = sent(alpha)
    said = decided(claim, line(claim, 1, "80.00", CO45="20.00"))
    posted(alpha, said)
    return claim, said, posted(alpha, said)


def asked(alpha: Hospital, row: Remittance, amount: str = "80.00") -> PayerRefund:
    with alpha.acting("billing") as acting:
        heard = RemittanceClaim.objects.get(remittance=row)
        return PayerRefund.request(heard, Decimal(amount), "Paid twice", by=acting.person)


def sent_back(alpha: Hospital, row: Remittance, amount: str = "80.00", *, way: str = "transfer") -> PayerRefund:
    refund = asked(alpha, row, amount)
    with alpha.acting("admin") as acting:
        refund.approve(by=acting.person)
    with alpha.acting("billing") as acting:
        refund.pay_out(method=way, reference="T-100", by=acting.person)
    return refund


def left(alpha: Hospital, row: Remittance) -> Decimal:
    with alpha.acting("billing"):
        return sum(overpaid(row.claims.all()).values(), Decimal(0))


def row_heard(alpha: Hospital, row: Remittance) -> object:
    with alpha.acting("billing"):
        return row.claims.get().pk
