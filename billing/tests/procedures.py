"""What is done to a patient, for tests of what it costs."""

from __future__ import annotations

from decimal import Decimal

from billing.models import Charge, Kind
from clinical.models import Procedure, Visit
from clinical.models.history import PRICE_LIST


def standing(seen: Visit) -> list[tuple[str, Decimal]]:
    rows = Charge.objects.open().filter(visit=seen, kind=Kind.PROCEDURE)
    return sorted(rows.values_list("code", "amount"))


def record(hospital, seen: Visit, code: str) -> Procedure:
    with hospital.acting("main_doctor") as acting:
        return Procedure.record(seen.patient, by=acting.person, text="As written", code=code, system=PRICE_LIST)
