"""What else happens to specimens: labels, racks, one to discard, one that is rejected as a whole; a panel, a pregnancy, new ranges."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from billing.demo.clock import Clock
from billing.demo.day import Day
from clinical.measure import Limits
from clinical.models import LabCondition, LabTest, Panel, PatientCondition, RangeEdition, Specimen, Visit
from hospital.tenancy import acting_for

RACKS = ("R1", "R2")
S = Specimen.Status


class Tubes:
    """After the day is played."""

    def __init__(self, day: Day, clock: Clock, now: datetime) -> None:
        self.day, self.clock, self.now = day, clock, now

    def go_round(self) -> None:
        self.clock.at = self.now
        self.change_ranges()
        self.order_a_panel()
        self.keep()
        self.reject_one()
        self.print_labels()

    def change_ranges(self) -> None:
        """A new analyser gives potassium a narrower range from tomorrow on."""
        with self.day.as_("admin") as by:
            test = LabTest.objects.get(code="K")
            names = ("sex", "age_from_hours", "age_to_hours", "low", "high", "critical_low", "critical_high", "source")
            rows = [{name: getattr(row, name) for name in names} for row in test.ranges.filter(edition=None)]
            for row in rows:
                if row["high"] == Decimal("5.0"):
                    row["high"] = Decimal("5.1")
            possible = Limits(test.absolute_low, test.absolute_high)
            begins = self.now + timedelta(days=1)
            RangeEdition.make(test, rows, by=by, valid_from=begins, reason="New analyser", possible=possible)

    def order_a_panel(self) -> None:
        """For a woman in week 30 who waits for the doctor."""
        with self.day.as_("main_doctor") as by:
            waiting = Visit.objects.filter(ended_at=None, patient__sex="female", status__in=("checked", "lab_pending"))
            visit = waiting.select_related("patient").order_by("-registered_at").first()
            if visit is None or not visit.patient.birth_date:
                return
            PatientCondition.record(
                visit.patient, LabCondition.objects.get(code="pregnant"), 30, self.now.date(), by=by
            )
            visit.order_tests([], panels=[Panel.objects.get(code="FBC")], priority="urgent", by=by)

    def keep(self) -> None:
        """What is done stands in racks; the oldest is thrown away."""
        with acting_for(self.day.tenant):
            done = Specimen.objects.filter(status=S.RECEIVED).exclude(
                orders__status__in=("received", "in_progress", "resulted")
            )
            tubes = list(done.distinct().order_by("serial")[:12])
        with self.day.as_("lab_technician") as by:
            for at, tube in enumerate(tubes):
                tube.store(RACKS[at % 2], f"{'ABCDEF'[at // 2]}{at % 6 + 1}", by=by)
            for tube in tubes[:2]:
                tube.discard(by=by)

    def reject_one(self) -> None:
        with self.day.as_("lab_technician") as by:
            tubes = list(Specimen.objects.filter(status=S.COLLECTED).order_by("serial"))
            for tube in tubes[1:][-1:]:  # one stays to be received
                tube.reject("clotted", by=by)

    def print_labels(self) -> None:
        with self.day.as_("lab_technician") as by:
            for tube in Specimen.objects.filter(status=S.EXPECTED).order_by("serial")[:2]:
                tube.print_label(by=by)
