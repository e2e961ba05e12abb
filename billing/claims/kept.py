"""Of medicine that was charged, how much the patient kept: what was brought back is claimed from nobody."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import models

from billing.models import Charge, ClaimLine, Kind
from clinical.models import StockMove


def kept_of(charges: Iterable[Charge]) -> dict[UUID, int]:
    """Pieces by charge, where anything was brought back: what was charged last comes back first."""
    lines = {charge.source_id for charge in charges if charge.kind == Kind.MEDICINE}
    moves = StockMove.objects.filter(kind=StockMove.Kind.RETURN, line__in=lines).order_by().values_list("line")
    back = dict(moves.annotate(models.Sum("quantity"))) if lines else {}
    if not back:
        return {}
    kept: dict[UUID, int] = {}
    for row in Charge.objects.filter(kind=Kind.MEDICINE, source_id__in=back).order_by("-charged_at", "-pk"):
        part = min(back[row.source_id], row.quantity)
        back[row.source_id] -= part
        kept[row.pk] = row.quantity - part
    return kept


def follow(line: ClaimLine, kept: dict[UUID, int]) -> bool:
    """Whether the line changed: it asks for what was kept, at the price that the charge has now."""
    pieces = kept.get(line.charge_id, line.charge.quantity)
    amount = line.charge.unit_price * pieces
    if line.amount == amount:
        return False
    if pieces != line.charge.quantity:
        line.units = pieces
    line.amount = amount
    return True
