"""The steps of a test at the bench: which button each status offers, and what it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clinical.models import LabOrder
from hospital.models import Person

S = LabOrder.Status


@dataclass(frozen=True)
class Step:
    verb: str
    label: str
    icon: str
    status: str
    done: str

    def take(self, orders: Iterable[LabOrder], *, by: Person | None) -> None:
        for order in orders:
            getattr(order, self.verb)(by=by)


STEPS = (
    Step("collect", "Collect", "test-pipe", S.REQUESTED, "collected"),
    Step("receive", "Receive", "package-import", S.COLLECTED, "received"),
    Step("begin", "Start", "player-play", S.RECEIVED, "started"),
    Step("release", "Release", "circle-check", S.RESULTED, "released"),
)
BY_VERB = {step.verb: step for step in STEPS}
BY_STATUS = {step.status: step for step in STEPS}
REJECTABLE = (S.COLLECTED, S.RECEIVED, S.IN_PROGRESS)


def offered(orders: Iterable[LabOrder]) -> list[tuple[Step, int]]:
    """The steps that some of these orders can take, and how many can."""
    statuses = [order.status for order in orders]
    return [(step, statuses.count(step.status)) for step in STEPS if step.status in statuses]
