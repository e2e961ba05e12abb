"""The one primary button of a visit, for whoever looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import reverse

from clinical.models import QueuePlace, Visit
from hospital.context import current

S = Visit.Status
OPEN = tuple(status for status in S if status not in Visit.OVER)


@dataclass(frozen=True)
class Step:
    label: str
    url: str
    icon: str
    beside: bool = False  # opens in the panel beside the list


def next_step(visit: Visit) -> Step:
    """What the acting role does next with this visit; who has nothing to do opens it."""
    return next(steps(visit))


def steps(visit: Visit) -> Iterator[Step]:
    may = current().may
    here = visit.get_absolute_url()
    owes = visit.payment in (Visit.Payment.UNPAID, Visit.Payment.PARTIAL)
    if visit.is_gated("consultation") and visit.status == S.REGISTERED and may("billing.take_payment"):
        yield payment(visit)
    if visit.status == S.REGISTERED and may("clinical.examine"):
        yield Step("Examine", reverse("clinical:examine", args=[visit.pk]), "stethoscope")
    if visit.status == S.LAB_PENDING and may("clinical.process_lab"):
        yield Step("Perform tests", reverse("clinical:lab_visit", args=[visit.pk]), "flask")
    if visit.status == S.DIAGNOSED and in_pharmacy(visit) and may("clinical.dispense"):
        yield Step("Dispense", f"{here}#prescriptions", "pill")
    if visit.status in (S.CHECKED, S.LAB_DONE, S.DIAGNOSED) and may("clinical.diagnose"):
        label = "Go on consulting" if visit.status == S.DIAGNOSED else "Consult"
        yield Step(label, reverse("clinical:consult", args=[visit.pk]), "clipboard-heart")
    if owes and (visit.is_open or visit.status == S.DONE) and may("billing.take_payment"):
        yield payment(visit)
    if visit.status == S.REGISTERED and may("clinical.create_visit"):
        yield Step("Print token", reverse("clinical:token", args=[visit.pk]), "printer")
    if visit.status == S.DONE and may("clinical.reopen_visit"):
        yield Step("Reopen", reverse("clinical:visit_reopen", args=[visit.pk]), "rotate-clockwise")
    if not visit.is_open and may("clinical.create_visit"):
        yield Step("New visit", reverse("clinical:visit_new", args=[visit.patient_id]), "plus")
    yield Step("Open", here, "chevron-right")


def payment(visit: Visit) -> Step:
    return Step("Take payment", reverse("billing:take_payment", args=[visit.pk]), "cash", beside=True)


def in_pharmacy(visit: Visit) -> bool:
    return visit.place is not None and visit.place.queue == QueuePlace.Queue.PHARMACY


@dataclass(frozen=True)
class Stop:
    """A station on the way through the house: done, now, to come, or passed by."""

    label: str
    icon: str
    state: str


STOPS = (
    ("examination", "Examination", "stethoscope"),
    ("laboratory", "Laboratory", "flask"),
    ("consultation", "Consultation", "clipboard-heart"),
    ("pharmacy", "Pharmacy", "pill"),
)


def way_of(visit: Visit, places: Iterable[QueuePlace]) -> list[Stop]:
    """Where the patient was, is, and may still come to."""
    been = {place.queue for place in places if place.undone_at is None}
    here = visit.place.queue if visit.place else ""
    first = Stop("Registration", "user-plus", "done")
    between = [Stop(label, icon, state_of(queue, here, been, visit)) for queue, label, icon in STOPS]
    end = "Done" if visit.is_open else visit.get_status_display()
    return [
        first,
        *between,
        Stop(end, "circle-check" if visit.status in (*OPEN, S.DONE) else "circle-x", "" if visit.is_open else "now"),
    ]


def state_of(queue: str, here: str, been: set[str], visit: Visit) -> str:
    if queue == here:
        return "now"
    if queue in been:
        return "done"
    order = [name for name, _, _ in STOPS]
    is_behind = not visit.is_open or (here and order.index(queue) < order.index(here))
    return "passed" if is_behind else ""
