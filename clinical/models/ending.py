"""What ends with a visit: what was given stays given, what the laboratory has begun goes on, and the rest is called off."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinical.models.laboratory import LabOrder
    from clinical.models.prescription_line import PrescriptionLine
    from clinical.models.visit import Visit

AT_PHARMACY = ("active", "dispensing")
OPEN_PRESCRIPTION = ("draft", *AT_PHARMACY)


@dataclass(frozen=True)
class UnderWay:
    """What somebody must know who ends a visit in the middle."""

    given: list[PrescriptionLine]
    tests: list[LabOrder]

    @classmethod
    def of(cls, visit: Visit) -> UnderWay:
        from clinical.models.prescription_line import PrescriptionLine

        lines = PrescriptionLine.objects.filter(prescription__visit=visit, prescription__status__in=AT_PHARMACY)
        tests = visit.lab_orders.open().exclude(status="requested")
        return cls(list(lines.filter(dispensed__gt=0).select_related("medicine")), list(tests.select_related("test")))

    def __bool__(self) -> bool:
        return bool(self.given or self.tests)

    @property
    def stamp(self) -> str:
        """Changes with what was given and with what the laboratory has: whoever confirms it has seen this."""
        seen = (
            sorted((str(line.pk), line.dispensed) for line in self.given),
            sorted(str(one.pk) for one in self.tests),
        )
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]

    @property
    def words(self) -> str:
        given = [f"{line.dispensed} of {line.quantity} {line.medicine} given" for line in self.given]
        tests = [f"{one.test} {one.get_status_display().lower()}" for one in self.tests]
        return ", ".join([*given, *tests])


def call_off(visit: Visit, why: str) -> None:
    """The caller holds the visit."""
    for order in visit.lab_orders.filter(status="requested"):
        order.cancel(why, by=None)
    for prescription in visit.prescriptions.filter(status__in=OPEN_PRESCRIPTION):
        prescription.call_off(why)
