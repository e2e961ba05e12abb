"""The machine of a visit: every step of the table, and no other."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from clinical.models import Examination, LabOrder, Observation, Prescription, Visit
from clinical.tests.dispensary import a_medicine, a_prescription, received
from clinical.tests.wards import a_patient, a_test, a_visit
from hospital.models import AuditEntry
from hospital.workflow import SYSTEM, IllegalMove, Refused

S = Visit.Status
PULSE, WEIGHT, HEIGHT = "8867-4", "29463-7", "8302-2"
EDGES = {(before, after) for before, steps in Visit.MOVES.items() for after in steps}
NO_EDGES = sorted({(before, after) for before in S.values for after in S.values} - EDGES)


def examined(visit, *tests, **vitals):
    return visit.examine(by=None, symptoms="Cough", findings="Clear lungs", vitals=vitals or {}, tests=tests)


def released(order):
    order.collect(by=None)
    order.receive(by=None)
    order.enter_result("7.2", by=None)
    order.release(by=None)


def in_status(status: str) -> Visit:
    """A visit that came to this status on the way that patients go."""
    visit = a_visit()
    if status == S.REGISTERED:
        return visit
    if status in (S.CANCELLED, S.LEFT):
        (visit.cancel if status == S.CANCELLED else visit.leave)("Changed plans", by=None)
        return visit
    examined(visit, *([a_test()] if status in (S.LAB_PENDING, S.LAB_DONE) else []))
    if status == S.LAB_DONE:
        released(visit.lab_orders.get())
        visit.refresh_from_db()
    if status in (S.DIAGNOSED, S.DONE):
        visit.move_to(S.DIAGNOSED, by=None)
    if status == S.DONE:
        visit.consultation_finished_at = timezone.now()
        visit.save()
        visit.settle()
    assert visit.status == status
    return visit


def test_the_table_is_the_one_of_the_product():
    assert {
        ("registered", "checked"),
        ("registered", "lab_pending"),
        ("checked", "lab_pending"),
        ("lab_pending", "lab_done"),
        ("lab_pending", "checked"),
        ("checked", "diagnosed"),
        ("lab_done", "diagnosed"),
        ("lab_done", "lab_pending"),
        ("diagnosed", "lab_pending"),
        ("diagnosed", "done"),
        ("done", "diagnosed"),
        *((open_one, end) for open_one in ("registered", "checked", "lab_pending", "lab_done", "diagnosed") for end in ("cancelled", "left")),
    } == EDGES  # fmt: skip


@pytest.mark.parametrize(("before", "after"), NO_EDGES)
def test_a_step_that_is_not_in_the_table_is_refused_and_names_the_legal_ones(alpha, before, after):
    with alpha.acting():
        visit = in_status(before)
        with pytest.raises(IllegalMove) as refused:
            visit.move_to(after, by=None)
        ways = Visit.MOVES.get(before, {})
        by_hand = [step for step, permission in ways.items() if permission != SYSTEM]
        assert all(S(step).label.lower() in str(refused.value) for step in by_hand or ways)
        assert Visit.objects.get(pk=visit.pk).status == before


@pytest.mark.parametrize(("before", "after"), sorted(EDGES))
def test_only_the_roles_of_the_table_take_a_step(alpha, before, after):
    by_hand = {
        "clinical.examine": {"checker_doctor", "main_doctor", "admin"},
        "clinical.order_tests": {"checker_doctor", "main_doctor", "admin"},
        "clinical.diagnose": {"main_doctor", "admin"},
        "clinical.close_visit": {"reception", "admin"},
        "clinical.reopen_visit": {"admin"},
        SYSTEM: set(),
    }[Visit.MOVES[before][after]]
    with alpha.acting():
        pk = in_status(before).pk
    for role in ("reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "billing", "admin"):
        with alpha.acting(role):
            visit = Visit.objects.get(pk=pk)
            assert (after in visit.moves()) == (role in by_hand), role
            if role not in by_hand:
                with pytest.raises(PermissionDenied if by_hand else IllegalMove):
                    visit.move_to(after, by=alpha.person(role))


def test_registering_opens_the_visit_with_a_number_and_a_token(alpha):
    with alpha.acting("reception") as acting:
        patient = a_patient()
        visits = [Visit.register(patient, complaint=" Cough ", by=acting.person) for _ in range(2)]
        assert [visit.number for visit in visits] == ["V-000001", "V-000002"]
        assert [visit.token for visit in visits] == ["E-001", "E-002"]
        assert (visits[0].status, visits[0].payment, visits[0].complaint) == (S.REGISTERED, "unpaid", "Cough")
        assert visits[0].registered_by == acting.person


def test_nobody_registers_a_visit_of_the_dead(alpha):
    with alpha.acting("reception") as acting:
        patient = a_patient(deceased_at=timezone.now())
        with pytest.raises(Refused, match="has died"):
            Visit.register(patient, complaint="", by=acting.person)


def test_an_examination_without_tests_makes_the_visit_checked(alpha):
    with alpha.acting():
        visit = a_visit()
    with alpha.acting("checker_doctor") as acting:
        visit = Visit.objects.get(pk=visit.pk)
        visit.examine(by=acting.person, symptoms="Cough", findings="Clear", vitals={PULSE: Decimal(120)})
        assert (visit.status, visit.checker, visit.place.queue) == (S.CHECKED, acting.person, "consultation")
        pulse = Observation.objects.get(visit=visit)
        assert (pulse.value, pulse.unit, pulse.flag, pulse.recorded_by) == ("120", "/min", "high", acting.person)


def test_an_examination_with_tests_sends_the_visit_to_the_laboratory(alpha):
    with alpha.acting():
        visit = a_visit()
        examined(visit, a_test("HB"), a_test("CRP"))
        assert (visit.status, visit.place.queue) == (S.LAB_PENDING, "laboratory")
        assert {order.test.code for order in visit.lab_orders.all()} == {"HB", "CRP"}


def test_a_visit_is_examined_once(alpha):
    with alpha.acting():
        visit = a_visit()
        examined(visit)
        with pytest.raises(IllegalMove):
            examined(visit)
        assert Examination.objects.filter(visit=visit).count() == 1


def test_an_examination_can_be_amended_and_keeps_what_it_was(alpha):
    with alpha.acting():
        examination = examined(a_visit(), **{WEIGHT: Decimal(70), HEIGHT: Decimal(175), PULSE: Decimal(70)})
        assert examination.vitals["39156-5"] == Decimal("22.9")
        examination.amend(by=None, symptoms="Cough", findings="Wheeze", vitals={WEIGHT: Decimal(80), PULSE: None})
        assert examination.vitals == {WEIGHT: 80, HEIGHT: 175, "39156-5": Decimal("26.1")}
        lines = AuditEntry.objects.filter(table="clinical_examination", row_id=examination.pk, action="update")
        assert lines.get().before["findings"] == "Clear lungs"


def test_the_last_release_finishes_the_laboratory_by_itself(alpha):
    with alpha.acting():
        visit = a_visit()
        examined(visit, a_test("HB"), a_test("CRP"))
        first, second = visit.lab_orders.all()
        released(first)
        assert Visit.objects.get(pk=visit.pk).status == S.LAB_PENDING
        released(second)
        visit = Visit.objects.get(pk=visit.pk)
        assert (visit.status, visit.place.queue) == (S.LAB_DONE, "consultation")


def test_a_cancelled_last_test_finishes_the_laboratory_too(alpha):
    with alpha.acting():
        visit = a_visit()
        examined(visit, a_test("HB"), a_test("CRP"))
        first, second = visit.lab_orders.all()
        released(first)
        second.cancel("Not needed", by=None)
        assert Visit.objects.get(pk=visit.pk).status == S.LAB_DONE


def test_when_every_test_is_cancelled_the_visit_is_checked(alpha):
    with alpha.acting():
        visit = a_visit()
        examined(visit, a_test())
        visit.lab_orders.get().cancel("Not needed", by=None)
        visit = Visit.objects.get(pk=visit.pk)
        assert (visit.status, visit.place.queue) == (S.CHECKED, "consultation")


def test_more_tests_after_the_diagnosis_need_a_reason(alpha):
    with alpha.acting():
        visit = in_status(S.DIAGNOSED)
        with pytest.raises(Refused, match="Say why"):
            visit.order_tests([a_test()], by=None)
        visit.order_tests([a_test("CRP")], by=None, reason="Fever returned")
        assert visit.status == S.LAB_PENDING


def test_more_tests_may_follow_while_others_are_pending(alpha):
    with alpha.acting():
        visit = in_status(S.LAB_PENDING)
        visit.order_tests([a_test("CRP")], by=None)
        assert (visit.status, visit.lab_orders.count()) == (S.LAB_PENDING, 2)


def test_an_order_without_a_test_is_refused(alpha):
    with alpha.acting(), pytest.raises(Refused, match="at least one test"):
        in_status(S.CHECKED).order_tests([], by=None)


def test_a_finished_consultation_without_prescription_is_done(alpha):
    with alpha.acting():
        visit = in_status(S.DIAGNOSED)
        visit.settle()
        assert visit.status == S.DIAGNOSED
        visit.consultation_finished_at = timezone.now()
        visit.save()
        visit.settle()
        assert visit.status == S.DONE
        assert visit.ended_at is not None
        assert visit.place is None


@pytest.mark.parametrize("status", [S.REGISTERED, S.CHECKED, S.LAB_PENDING, S.LAB_DONE, S.DIAGNOSED])
@pytest.mark.parametrize(("verb", "end"), [("cancel", S.CANCELLED), ("leave", S.LEFT)])
def test_an_open_visit_ends_with_a_reason(alpha, status, verb, end):
    with alpha.acting():
        visit = in_status(status)
        with pytest.raises(Refused, match="Say why"):
            getattr(visit, verb)("  ", by=None)
        getattr(visit, verb)("Went home", by=None)
        assert (visit.status, visit.end_reason, visit.place) == (end, "Went home", None)
        assert not LabOrder.objects.filter(visit=visit, status="requested").exists()


def test_a_finished_visit_is_opened_again_with_a_reason(alpha):
    with alpha.acting():
        visit = in_status(S.DONE)
    with alpha.acting("reception") as acting, pytest.raises(PermissionDenied):
        Visit.objects.get(pk=visit.pk).reopen("Forgot a drug", by=acting.person)
    with alpha.acting("admin") as acting:
        visit = Visit.objects.get(pk=visit.pk)
        with pytest.raises(Refused, match="Say why"):
            visit.reopen("", by=acting.person)
        visit.reopen("Forgot a drug", by=acting.person)
        assert (visit.status, visit.ended_at, visit.place.queue) == (S.DIAGNOSED, None, "consultation")


def test_assigning_a_person_never_changes_the_status(alpha):
    with alpha.acting("admin") as acting:
        visit = in_status(S.REGISTERED)
        visit.assign_checker(alpha.checker_doctor, by=acting.person)
        visit.assign_doctor(alpha.main_doctor, by=acting.person)
        visit = Visit.objects.get(pk=visit.pk)
        assert (visit.status, visit.checker, visit.doctor) == (S.REGISTERED, alpha.checker_doctor, alpha.main_doctor)


@pytest.mark.parametrize("payment", ["unpaid", "partial"])
def test_who_has_not_paid_is_not_examined(alpha, payment):
    with alpha.acting():
        visit = a_visit(paid=False)
        visit.set_payment(payment)
        with pytest.raises(Refused, match=r"not paid|partly paid"):
            examined(visit)
        with pytest.raises(Refused, match=r"not paid|partly paid"):
            visit.order_tests([a_test()], by=None)
        assert Visit.objects.get(pk=visit.pk).status == S.REGISTERED


@pytest.mark.parametrize("payment", ["paid", "waived"])
def test_paid_and_waived_pass_the_gate(alpha, payment):
    with alpha.acting():
        visit = a_visit(paid=False)
        visit.set_payment(payment)
        examined(visit)
        assert visit.status == S.CHECKED


def test_an_emergency_passes_the_gate_with_a_reason(alpha):
    with alpha.acting("checker_doctor") as acting:
        visit = a_visit(paid=False)
        with pytest.raises(Refused, match="Say why"):
            visit.override_gate(" ", by=acting.person)
        visit.override_gate("Chest pain", by=acting.person)
        visit.examine(by=acting.person, symptoms="Chest pain", findings="", vitals={})
        assert (visit.status, visit.payment, visit.gate_override_by) == (S.CHECKED, "unpaid", acting.person)


@pytest.mark.parametrize("gate", ["nothing", "laboratory", "pharmacy"])
def test_the_hospital_chooses_what_must_be_paid_before(alpha, gate):
    alpha.tenant.require_payment_before = gate
    with alpha.acting():
        visit = a_visit(paid=False)
        examined(visit)
        for step in ("consultation", "laboratory", "pharmacy"):
            assert visit.is_gated(step) == (step == gate)


def test_a_touched_visit_counts_its_version(alpha):
    with alpha.acting():
        visit = a_visit()
        before = visit.version
        visit.touch()
        assert Visit.objects.get(pk=visit.pk).version == before + 1


def test_the_same_payment_again_changes_nothing(alpha):
    with alpha.acting():
        visit = a_visit()
        before = visit.version
        visit.set_payment("paid")
        assert visit.version == before


def test_what_nobody_has_begun_ends_with_the_visit(alpha):
    with alpha.acting():
        pills, drops = a_medicine("A"), a_medicine("B")
        received(pills, 20)
        untouched, begun = a_prescription((pills, 5)), a_prescription((pills, 5), (drops, 1))
        begun.lines.get(medicine=pills).dispense(2, by=None, reason="Half now")
        for prescription in (untouched, begun):
            Visit.objects.get(pk=prescription.visit_id).leave("Went home", by=None)
        assert set(untouched.lines.values_list("status", flat=True)) == {"cancelled"}
        assert set(begun.lines.values_list("status", "dispensed")) == {("cancelled", 2), ("cancelled", 0)}
        assert set(Prescription.objects.values_list("status", flat=True)) == {"cancelled", "partly"}
        assert not Prescription.objects.at_pharmacy().exists()
        assert set(Visit.objects.values_list("status", flat=True)) == {S.LEFT}
