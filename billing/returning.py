"""Medicine that is brought back: what is asked for it, or was paid for it, is the patient's again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models

from billing.claims import undone
from billing.models import Account, Charge, Claim, Kind
from billing.money import rounded
from clinical.models import PrescriptionLine, StockMove
from hospital.models import Person


def credit_return(instance: StockMove, created: bool, **kwargs: Any) -> None:
    """By the house, not by a person's favour: the limit of discounts does not ask about it."""
    line = instance.line
    if not created or line is None or instance.kind != StockMove.Kind.RETURN:
        return
    account = Account.locked(line.prescription.visit)
    for charge, pieces, kept in brought_back(instance, account):
        amount = rounded((charge.rest + charge.allocated) * pieces / kept)
        if amount:
            account.let_off(charge, amount, f"{pieces} brought back", by=None)
        if pieces == kept:
            undone.undo(charge, "All of it was brought back", by=instance.by)
        else:
            tell_claims(charge, f"{pieces} of {charge.text} were brought back.", by=instance.by)
    Account.locked(account.visit).settle()


def tell_claims(charge: Charge, words: str, *, by: Person | None) -> None:
    for claim in Claim.objects.standing().filter(current__lines__charge=charge).order_by("serial"):
        undone.tell(claim, words, by=by, then="asks for what was kept")


def brought_back(move: StockMove, account: Account) -> Iterator[tuple[Charge, int, int]]:
    """Charges of the line, the newest first: how many of each come back with this move, of how many that were kept so far."""
    former = returned(move.line, before=move)
    left = move.quantity
    for charge in reversed(account.charges):
        if charge.kind != Kind.MEDICINE or charge.source_id != move.line_id:
            continue
        back = min(former, charge.quantity)
        former -= back
        kept = charge.quantity - back
        if (pieces := min(left, kept)) and charge.is_open:
            yield charge, pieces, kept
        left -= pieces


def returned(line: PrescriptionLine | None, *, before: StockMove) -> int:
    moves = StockMove.objects.filter(line=line, kind=StockMove.Kind.RETURN).exclude(pk=before.pk)
    return moves.aggregate(sum=models.Sum("quantity"))["sum"] or 0
