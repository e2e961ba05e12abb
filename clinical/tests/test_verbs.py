"""A verb asks for the permission itself, whoever calls it: a view that forgot to would change nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from billing.models import Account, Charge, Payment
from clinical.models import QueuePlace, Visit
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.wards import a_visit
from hospital.workflow import Refused

VERBS = {
    "override_gate": lambda visit, by: visit.override_gate("Bleeding", by=by),
    "assign_checker": lambda visit, by: visit.assign_checker(by, by=by),
    "assign_doctor": lambda visit, by: visit.assign_doctor(by, by=by),
    "call": lambda visit, by: visit.place.call(to="Room 1", by=by),
    "uncall": lambda visit, by: visit.place.uncall(by=by),
    "call_next": lambda visit, by: QueuePlace.call_next("examination", to="Room 1", by=by),
    "move_to_queue": lambda visit, by: visit.place.move_to_queue("pharmacy", by=by),
    "undo": lambda visit, by: visit.place.undo(by=by),
    "take": lambda visit, by: Payment.take(visit, Decimal(1), method="cash", by=by),
    "waive": lambda visit, by: Account(visit).waive("Hardship", by=by),
    "waive a charge": lambda visit, by: Charge.objects.get().waive("Hardship", by=by),
    "set_price": lambda visit, by: Charge.objects.get().set_price(Decimal(1), by=by),
    "finish_consultation": lambda visit, by: visit.finish_consultation(by=by),
}


@pytest.mark.parametrize("name", VERBS)
def test_a_role_without_the_permission_is_refused_by_the_verb(alpha, name):
    with alpha.acting():
        visit = a_visit()
    with alpha.acting("board") as acting, pytest.raises(PermissionDenied):
        VERBS[name](Visit.objects.get(pk=visit.pk), acting.person)


def test_a_result_is_corrected_only_by_the_laboratory(alpha):
    with alpha.acting():
        test = potassium()
    _, [order] = ordered(alpha, test)
    worked(alpha, order, "resulted")
    with alpha.acting("reception") as acting, pytest.raises(PermissionDenied):
        order.enter_result("4.9", by=acting.person)


@pytest.mark.parametrize("end", [Visit.cancel, Visit.leave])
def test_nobody_passes_the_gate_of_a_visit_that_is_over(alpha, end):
    with alpha.acting("reception") as acting:
        visit = a_visit()
        end(visit, "Went home", by=acting.person)
        with pytest.raises(Refused, match="nothing waits for a payment any more"):
            visit.override_gate("Bleeding", by=acting.person)
