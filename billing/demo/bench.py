"""What else happens at a bench: rules for the delta check, a repeated test, a test that is late, a correction, a call."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from billing.demo.clock import Clock
from billing.demo.day import Day
from clinical.models import CriticalCall, DeltaRule, LabOrder, LabTest
from hospital.tenancy import acting_for

RULES = (
    ("K", Decimal("1.0"), 25),
    ("NA", Decimal(8), None),
    ("HB", Decimal(2), None),
    ("CREA", None, 50),
    ("WBC", None, 40),
    ("PLT", None, 50),
    ("GLU", Decimal(150), None),
)
LATE = timedelta(minutes=12)
FALLS_TO = Decimal("0.55")


class Bench:
    """After the day is played."""

    def __init__(self, day: Day, clock: Clock, now: datetime) -> None:
        self.day, self.clock, self.now = day, clock, now

    def work(self) -> None:
        self.clock.at = self.now
        self.set_rules()
        self.be_late()
        self.correct_one()
        self.call()
        self.repeat_one()

    def set_rules(self) -> None:
        with acting_for(self.day.tenant):
            tests = {test.code: test for test in LabTest.objects.all()}
            for code, absolute, percent in RULES:
                if code in tests:
                    DeltaRule.objects.create(test=tests[code], absolute=absolute, percent=percent, within_days=90)

    def be_late(self) -> None:
        """A target that was promised at the counter, and is over."""
        with acting_for(self.day.tenant):
            if order := LabOrder.objects.filter(status="collected").order_by("accession").first():
                order.due_at = self.now - LATE
                order.save(update_fields=["due_at"])

    def correct_one(self) -> None:
        """Seen by the doctor who ordered it, who finds it under the corrected results."""
        with self.day.as_("lab_technician") as by:
            numbers = LabOrder.objects.filter(status="reviewed", result__flag="", test__code__in=("CREA", "K"))
            if order := numbers.select_related("test", "result", "visit", "patient").order_by("released_at").last():
                order.correct("1.9" if order.test.code == "CREA" else "5.4", "Read from a neighbouring tube", by=by)

    def call(self) -> None:
        with self.day.as_("lab_technician") as by:
            critical = LabOrder.objects.filter(status__in=("released", "reviewed"), result__flag__startswith="critical")
            if order := critical.select_related("result").order_by("released_at").first():
                called = order.ordered_by.name if order.ordered_by else "the doctor on duty"
                CriticalCall.record(order, called=called, read_back=str(order.result), by=by)

    def repeat_one(self) -> None:
        """The same test again on the same day, far from the first value: it waits for a reason."""
        with acting_for(self.day.tenant):
            first = LabOrder.objects.filter(
                status="released", visit__status="lab_pending", result__value_number__isnull=False
            )
            compared = first.filter(test__delta_rules__isnull=False)
            order = compared.select_related("visit", "test", "result").order_by("accession").first()
        former = order.result.value_number if order and order.result else None
        if order is None or former is None:
            return
        with self.day.as_("checker_doctor") as by:
            again = order.visit.order_tests([order.test], by=by, priority="stat")[0]
        with self.day.as_("lab_technician") as by:
            again.collect(by=by)
            again.receive(by=by)
            again.enter_result(str(round(former * FALLS_TO, order.test.decimals)), by=by)
