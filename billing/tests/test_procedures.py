"""What is done to a patient is charged once, by its code: biopsies, services of appointments, procedures in the chart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing.claims import drafting, scrubber, sending
from billing.models import Account, Authorisation, Charge, Discount, JournalLine, Kind, Package, Price, ProcedureCode
from billing.procedures import EXCISION, WAIVED_ALREADY
from billing.tests.authorisations import granted
from billing.tests.claims import a_note, a_payer, furnish, insure
from billing.tests.till import price
from billing.verify import faults
from billing.views.claim_codes import uncoded
from billing.x12 import claim as x12
from billing.x12.contents import understood
from clinical.models import Biopsy, Procedure, Visit
from clinical.models.biopsy_taking import TIME_OUT
from clinical.models.history import PRICE_LIST
from clinical.tests.pathology import a_laboratory
from clinical.tests.wards import a_patient, a_visit
from hospital.tests.databases import somebody_waits_for
from hospital.workflow import moved
from realtime.tests.server import wait_until
from scheduling.models import Appointment
from scheduling.tests.desks import Desk, a_type

SPOT = {"site": "upper_back", "laterality": "left", "x": "80", "y": "110", "question": "Melanoma?"}


def ordered(hospital, seen: Visit, kind: str = "punch") -> Biopsy:
    laboratory = a_laboratory(hospital)
    with hospital.acting("main_doctor") as acting:
        return Biopsy.order(seen, by=acting.person, specimens=["A", "B"], laboratory=laboratory, kind=kind, **SPOT)


def take(hospital, seen: Visit, kind: str = "punch") -> Biopsy:
    biopsy = ordered(hospital, seen, kind)
    with hospital.acting("main_doctor") as acting:
        by = acting.person
        biopsy.identify(seen.patient.number, seen.patient.birth_date, by=by)
        biopsy.take_time_out(TIME_OUT, together_with="Nurse Ray", by=by)
        for part in biopsy.specimens:
            part.print_label(by=by)
        biopsy.collect("Room 3", by=by)
    return biopsy


def standing(seen: Visit) -> list[tuple[str, Decimal]]:
    rows = Charge.objects.open().filter(visit=seen, kind=Kind.PROCEDURE)
    return sorted(rows.values_list("code", "amount"))


@pytest.fixture
def seen(alpha) -> Visit:
    with alpha.acting("reception"):
        return a_visit(a_patient())


# --- biopsies -------------------------------------------------------------------------------


def test_a_biopsy_is_charged_when_it_is_taken_and_not_when_it_is_ordered(alpha, seen):
    with alpha.acting():
        price("120", Kind.PROCEDURE, "11104")
    ordered(alpha, seen)
    with alpha.acting():
        assert standing(seen) == []
    biopsy = take(alpha, seen)
    with alpha.acting():
        charge = seen.charges.get(kind=Kind.PROCEDURE)
        assert (charge.source_id, charge.amount, str(charge)) == (biopsy.pk, 120, "Punch biopsy of the skin")
        assert JournalLine.objects.filter(charge=charge, account__key="procedure").exists()
        assert list(faults()) == []


def test_the_move_that_is_told_twice_charges_once(alpha, seen):
    biopsy = take(alpha, seen)
    with alpha.acting():
        moved.send(Biopsy, instance=biopsy, before="ordered", after="collected", by=None, reason="")
        moved.send(Biopsy, instance=biopsy, before="lost", after="collected", by=None, reason="")
        assert seen.charges.filter(kind=Kind.PROCEDURE).count() == 1


def test_a_biopsy_that_is_cancelled_before_it_is_taken_costs_nothing(alpha, seen):
    biopsy = ordered(alpha, seen)
    with alpha.acting("main_doctor") as acting:
        biopsy.cancel("The patient does not want it", by=acting.person)
        assert standing(seen) == []


@pytest.mark.parametrize(
    ("kinds", "codes"),
    [
        (("shave", "shave", "shave"), ["11102", "11103", "11103"]),
        (("punch", "punch"), ["11104", "11105"]),
        (("incisional", "incisional"), ["11106", "11107"]),
        (("shave", "punch"), ["11103", "11104"]),
        (("punch", "shave", "incisional"), ["11103", "11105", "11106"]),
    ],
)
def test_one_biopsy_of_a_session_is_the_first_and_the_others_are_further_ones(alpha, seen, kinds, codes):
    for kind in kinds:
        take(alpha, seen, kind)
    with alpha.acting():
        assert [code for code, _ in standing(seen)] == codes
        assert list(faults()) == []


def test_an_excision_has_a_code_of_our_own_and_needs_a_price(alpha, seen):
    take(alpha, seen, "excisional")
    with alpha.acting():
        charge = seen.charges.get(kind=Kind.PROCEDURE)
        assert (charge.code, charge.needs_price) == (EXCISION, True)
        assert drafting.by_itself(charge).procedure == "", "nobody knows its size yet"


def test_the_insurers_price_counts_before_the_price_for_all(alpha, seen):
    with alpha.acting("billing"):
        payer = a_payer()
        insure(seen.patient, payer)
        price("120", Kind.PROCEDURE, "11104")
        Price.objects.create(
            kind=Kind.PROCEDURE, code="11104", amount=Decimal(90), valid_from=date(2020, 1, 1), payer=payer
        )
    take(alpha, seen)
    with alpha.acting():
        assert standing(seen) == [("11104", 90)]


def test_a_package_has_procedures(alpha, seen):
    with alpha.acting("billing") as acting:
        price("120", Kind.PROCEDURE, "11104")
        package = Package.objects.create(name="Mole check", amount=Decimal(100))
        package.items.create(kind=Kind.PROCEDURE, code="11104")
    take(alpha, seen)
    with alpha.acting("billing") as acting:
        package.apply(seen, by=acting.person)
        assert seen.charges.with_balance().get(kind=Kind.PROCEDURE).rest == 100


# --- the chart ------------------------------------------------------------------------------


def in_chart(hospital, seen: Visit, **fields: str) -> int:
    page = f"{hospital.url}/patients/{seen.patient_id}/chart/procedures/new/"
    return hospital.client("main_doctor").post(page, {"text": "Wart frozen", **fields}).status_code


def test_a_procedure_that_is_recorded_as_done_here_is_charged_and_history_is_not(alpha, seen):
    assert in_chart(alpha, seen, done="1982-06") == 302
    with alpha.acting():
        assert standing(seen) == []
        price("70", Kind.PROCEDURE, "17110")
    assert in_chart(alpha, seen, code="17110", done="1982-06") == 422
    assert in_chart(alpha, seen, code="17110") == 302
    with alpha.acting():
        assert standing(seen) == [("17110", 70)]
        assert str(seen.charges.get(kind=Kind.PROCEDURE)) == "Wart frozen"


def test_nothing_is_charged_without_a_visit_nor_for_what_a_record_brought(alpha, seen):
    with alpha.acting() as acting:
        Procedure.record(
            seen.patient, by=acting.person, text="Laser", code="96920", system=PRICE_LIST, fhir_id="elsewhere"
        )
        assert standing(seen) == []
        seen.leave("Went home", by=None)
    assert in_chart(alpha, seen, code="17110") == 422


def test_a_procedure_that_was_entered_in_error_or_coded_otherwise_is_taken_back(alpha, seen):
    with alpha.acting("main_doctor") as acting:
        row = Procedure.record(seen.patient, by=acting.person, text="Wart frozen", code="17110", system=PRICE_LIST)
        row.change(by=acting.person, note="Left hand")
        assert [code for code, _ in standing(seen)] == ["17110"]
        row.change(by=acting.person, code="17111")
        assert [code for code, _ in standing(seen)] == ["17111"]
        row.take_back(by=acting.person, because="Another patient's")
        assert standing(seen) == []
        last = seen.charges.filter(kind=Kind.PROCEDURE).order_by("sequence").last()
        assert (last.cancel_reason, last.cancelled_by) == ("The procedure was entered in error.", acting.person)
        assert list(faults()) == []


# --- appointments ---------------------------------------------------------------------------


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha)


def completed(alpha, desk: Desk, service: str):
    with alpha.acting():
        kind = a_type("Laser", service=service, needs_room=False)
        desk.doctor.offer_exactly([kind])
    appointment = desk.due(type=kind, provider=desk.doctor)
    with alpha.acting():
        appointment.check_in(by=None)
        for status in ("in_room", "with_provider", "completed"):
            appointment.move_to(status, by=None)
    return appointment


def test_check_out_says_what_it_will_charge(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    page = f"{alpha.url}/appointments/{appointment.pk}/check-out/"
    words = "With the check-out, Laser is charged"
    assert words not in alpha.client("reception").get(page).content.decode(), "it is charged already"
    with alpha.acting() as acting:
        appointment.undo_complete(by=acting.person)
    assert "nobody has set its price yet" in alpha.client("reception").get(page).content.decode()
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    shown = alpha.client("reception").get(page).content.decode()
    assert words in shown and "$75.00" in shown
    record(alpha, appointment.visit, "96920")
    assert words not in alpha.client("reception").get(page).content.decode(), "the chart has it"


def waive(hospital, source: Procedure | Appointment) -> None:
    with hospital.acting("admin") as acting:
        Charge.objects.get(source_id=source.pk).waive("Hardship", by=acting.person)


def test_what_was_waived_is_not_asked_for_again_by_the_appointment(alpha, desk):
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    with alpha.acting() as acting:
        appointment.undo_complete(by=acting.person)
    row = record(alpha, seen, "96920")
    waive(alpha, row)
    page = f"{alpha.url}/appointments/{appointment.pk}/check-out/"
    assert "With the check-out" not in alpha.client("reception").get(page).content.decode()
    with alpha.acting() as acting:
        appointment.complete(by=acting.person)
        row.change(by=acting.person, note="Left hand")
        assert (standing(seen), Account(seen).due) == ([], 0)


def test_what_was_waived_is_not_asked_for_again_by_the_chart(alpha, desk):
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    waive(alpha, appointment)
    record(alpha, seen, "96920")
    with alpha.acting():
        assert (standing(seen), Account(seen).due) == ([], 0)
        assert seen.charges.get(source_id=appointment.pk).cancelled_at is None


@pytest.fixture
def waived(alpha, desk) -> Appointment:
    """Completed, its service charged and waived."""
    with alpha.acting():
        price("75", Kind.PROCEDURE, "96920")
    appointment = completed(alpha, desk, "96920")
    waive(alpha, appointment)
    return appointment


def test_a_waived_service_stands_for_one_row_of_the_chart_and_the_others_are_charged(alpha, waived):
    seen = waived.visit
    for _ in range(2):
        record(alpha, seen, "96920")
    with alpha.acting():
        assert (standing(seen), Account(seen).due) == ([("96920", 75)], 75)
        assert list(faults()) == []
    assert WAIVED_ALREADY in alpha.client("billing").get(f"{alpha.url}{seen.get_absolute_url()}").content.decode()


def test_what_was_waived_stays_so_when_the_check_out_is_taken_back_as_long_as_the_chart_has_it(alpha, waived):
    seen = waived.visit
    rows = [record(alpha, seen, "96920") for _ in range(2)]
    page = f"{alpha.url}/appointments/{waived.pk}/check-out/"
    with alpha.acting() as acting:
        waived.undo_complete(by=acting.person)
        assert (standing(seen), Account(seen).due) == ([("96920", 75)], 75)
        rows[1].take_back(by=acting.person, because="Written twice")
        assert (standing(seen), Account(seen).due) == ([], 0)
    assert "With the check-out" not in alpha.client("reception").get(page).content.decode()
    with alpha.acting() as acting:
        waived.complete(by=acting.person)
        assert (standing(seen), Account(seen).due) == ([], 0)
        waived.undo_complete(by=acting.person)
        rows[0].take_back(by=acting.person, because="Nothing was done")
        assert not seen.charges.live().filter(kind=Kind.PROCEDURE).exists()
        assert list(faults()) == []


@pytest.mark.parametrize("wrong", [0, 1])
def test_of_two_rows_one_is_taken_back_and_the_waived_service_stands_for_the_other(alpha, waived, wrong):
    seen = waived.visit
    rows = [record(alpha, seen, "96920") for _ in range(2)]
    with alpha.acting("main_doctor") as acting:
        rows[wrong].take_back(by=acting.person, because="Written twice")
        assert (standing(seen), Account(seen).due) == ([], 0)
        rows[1 - wrong].change(by=acting.person, code="17110")
        assert [code for code, _ in standing(seen)] == ["17110"]
        assert list(faults()) == []


def test_a_row_that_changes_its_code_frees_the_waived_service_for_the_next(alpha, waived):
    seen = waived.visit
    rows = [record(alpha, seen, "96920") for _ in range(2)]
    with alpha.acting("main_doctor") as acting:
        rows[0].change(by=acting.person, code="17110")
        assert [code for code, _ in standing(seen)] == ["17110"]
        rows[0].change(by=acting.person, code="96920")
        assert [code for code, _ in standing(seen)] == ["96920"]
        assert list(faults()) == []


def test_a_row_that_a_waived_service_stands_for_is_not_charged_in_a_later_visit(alpha, waived):
    seen = waived.visit
    row = record(alpha, seen, "96920")
    with alpha.acting("reception"):
        Visit.objects.get(pk=seen.pk).leave("Went home", by=None)
        later = a_visit(seen.patient)
    with alpha.acting("main_doctor") as acting:
        row.change(by=acting.person, note="Left hand")
        assert (standing(seen), standing(later)) == ([], [])


def test_a_service_stays_what_it_was_when_the_appointment_was_completed(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    row = record(alpha, seen, "17110")
    with alpha.acting() as acting:
        appointment.type.service = "96921"
        appointment.type.save(update_fields=["service"])
        row.change(by=acting.person, note="Left hand")
        assert [code for code, _ in standing(seen)] == ["17110", "96920"]
        appointment.type.service = "99213"
        appointment.type.save(update_fields=["service"])
        row.change(by=acting.person, note="Right hand")
        assert [code for code, _ in standing(seen)] == ["17110", "96920"]


def test_a_service_that_had_no_code_is_not_charged_long_afterwards(alpha, desk):
    appointment = completed(alpha, desk, "")
    seen = appointment.visit
    row = record(alpha, seen, "17110")
    with alpha.acting() as acting:
        Visit.objects.get(pk=seen.pk).leave("Went home", by=None)
        appointment.type.service = "96920"
        appointment.type.save(update_fields=["service"])
        row.change(by=acting.person, note="Left hand")
        assert [code for code, _ in standing(seen)] == ["17110"]


def test_a_slip_in_the_price_list_does_not_hold_up_the_work(alpha, seen):
    with alpha.acting():
        price("9999999999", Kind.TEST, "X")
        row = Charge.arise(seen, kind=Kind.TEST, code="X", text="X", source_id=seen.pk, quantity=200)
        assert (row.needs_price, row.amount) == (True, 0)


def test_a_discount_that_goes_with_its_charge_is_named_on_the_account(alpha, seen):
    with alpha.acting("main_doctor") as acting:
        price("70", Kind.PROCEDURE, "17110")
        row = Procedure.record(seen.patient, by=acting.person, text="Wart frozen", code="17110", system=PRICE_LIST)
    with alpha.acting("admin") as acting:
        Discount.of(seen.charges.get(code="17110"), Decimal(15), "Staff", by=acting.person)
    with alpha.acting("main_doctor") as acting:
        row.change(by=acting.person, code="17111")
    with alpha.acting("billing"):
        where = f"{alpha.url}{seen.get_absolute_url()}"
    assert "$15.00 had been let off of it." in alpha.client("billing").get(where).content.decode()


def test_the_service_of_an_appointment_is_charged_when_it_is_completed(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    with alpha.acting():
        assert [code for code, _ in standing(appointment.visit)] == ["96920"]
        appointment.move_to("with_provider", by=None)
        assert standing(appointment.visit) == []
        appointment.move_to("completed", by=None)
        assert [code for code, _ in standing(appointment.visit)] == ["96920"]


@pytest.mark.parametrize("service", ["", "99213", "11104", "consultation"])
def test_what_is_charged_otherwise_is_not_charged_with_the_appointment(alpha, desk, service):
    appointment = completed(alpha, desk, service)
    with alpha.acting():
        assert standing(appointment.visit) == []


def record(hospital, seen: Visit, code: str) -> Procedure:
    with hospital.acting("main_doctor") as acting:
        return Procedure.record(seen.patient, by=acting.person, text="As written", code=code, system=PRICE_LIST)


def test_what_the_chart_says_takes_the_place_of_the_service_in_either_order(alpha, desk):
    appointment = completed(alpha, desk, "96920")
    seen = appointment.visit
    first = record(alpha, seen, "96920")
    with alpha.acting() as acting:
        assert [str(row) for row in seen.charges.open().filter(kind=Kind.PROCEDURE)] == ["As written"]
        appointment.undo_complete(by=acting.person)
        appointment.complete(by=acting.person)
        assert [code for code, _ in standing(seen)] == ["96920"]
    second = record(alpha, seen, "96920")  # done twice
    with alpha.acting() as acting:
        assert [code for code, _ in standing(seen)] == ["96920", "96920"]
        second.take_back(by=acting.person, because="Written twice")
        assert [code for code, _ in standing(seen)] == ["96920"]
        first.take_back(by=acting.person, because="It was the appointment's")
        assert [str(row) for row in seen.charges.open().filter(kind=Kind.PROCEDURE)] == ["Laser"]
        assert list(faults()) == []


@pytest.mark.parametrize("chart_first", [True, False])
def test_a_biopsy_is_charged_once_although_the_chart_has_its_code_too(alpha, seen, chart_first):
    if chart_first:
        record(alpha, seen, "11104")
    take(alpha, seen)
    if not chart_first:
        record(alpha, seen, "11104")
    with alpha.acting():
        assert [code for code, _ in standing(seen)] == ["11104"]
        assert "biopsy" in str(seen.charges.open().get(kind=Kind.PROCEDURE))


def test_check_out_waits_for_the_visit_before_it_holds_the_appointment(alpha, desk):
    """A visit that ends holds them in this order. The other order would be a deadlock of two clicks at one moment."""
    appointment = completed(alpha, desk, "96920")
    with alpha.acting() as acting:
        appointment.undo_complete(by=acting.person)

    client = alpha.client("reception")

    def check_out() -> int:
        try:
            return client.post(
                f"{alpha.url}/appointments/{appointment.pk}/check-out/", {"at": "with_provider"}
            ).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with alpha.acting(), transaction.atomic():
            appointment.visit.lock()
            waiting = pool.submit(check_out)
            wait_until(lambda: somebody_waits_for(connection), 30, "check-out does not wait for the visit")
            list(Appointment.objects.select_for_update(of=("self",), nowait=True).filter(pk=appointment.pk))
        assert waiting.result(30) == 302


# --- the claim ------------------------------------------------------------------------------


@pytest.fixture
def claim(alpha):
    """Of a visit in which a biopsy was taken by a mapped code, and one more by its own."""
    furnish(alpha)
    with alpha.acting("billing"):
        price("120", Kind.PROCEDURE, "11104")
        price("60", Kind.PROCEDURE, "11105")
        ProcedureCode.objects.create(kind=Kind.PROCEDURE, code="11104", procedure="11104", modifiers=["59"])
    note = a_note(alpha)
    with alpha.acting():
        seen = Visit.objects.get(pk=note.visit_id)
        seen.patient.refresh_from_db()
    take(alpha, seen)
    take(alpha, seen)
    with alpha.acting("billing") as acting:
        return drafting.begin(note, by=acting.person)


def test_the_claim_asks_for_procedures_with_the_diagnoses_of_the_note(alpha, claim):
    with alpha.acting("billing") as acting:
        lines = list(claim.current.lines.order_by("position"))
        found = [(line.procedure, line.modifiers, line.units, line.amount, line.pointers) for line in lines]
        assert found[1:] == [("11104", ["59"], 1, 120, [1]), ("11105", [], 1, 60, [1])]
        findings = {one.rule for one in scrubber.scrub(claim, by=acting.person)}
        assert findings == {"lacks_25"}, "a visit beside a procedure"
        scrubber.make_ready(claim, by=acting.person)
        (batch,) = sending.submit([claim], by=acting.person)
    sending.write(alpha.tenant, batch.pk)
    with alpha.acting("billing"):
        text = batch.files.get().text
        assert "SV1*HC:11104:59*120*UN*1***1~" in text and "SV1*HC:11105*60*UN*1***1~" in text
        (read,) = next(understood(text).of(x12.ClaimFile)).claims
        assert [line.procedure.code for line in read.lines] == ["99213", "11104", "11105"]


def test_what_is_taken_back_leaves_the_claim(alpha, claim):
    with alpha.acting("billing") as acting:
        seen = claim.visit
        price("50", Kind.PROCEDURE, "96920")
        row = Procedure.record(seen.patient, by=None, text="Laser", code="96920", system=PRICE_LIST)
        drafting.gather(claim)
        assert claim.current.lines.filter(procedure="96920").exists()
        row.take_back(by=None, because="Not done")
        scrubber.scrub(claim, by=acting.person)
        assert not claim.current.lines.filter(procedure="96920").exists()


def test_an_authorisation_counts_the_units_of_a_procedure(alpha, claim):
    row = granted(alpha, policy=claim.policy, code="11104", service="Biopsy of the skin", units=2)
    with alpha.acting("billing") as acting:
        scrubber.scrub(claim, by=acting.person)
        scrubber.make_ready(claim, by=acting.person)
        assert claim.current.lines.get(procedure="11104").authorisation == "AUTH-77"
        assert Authorisation.objects.get(pk=row.pk).used == 1


def test_the_page_of_codes_asks_for_the_code_of_an_own_procedure_only(alpha):
    with alpha.acting("billing"):
        price("120", Kind.PROCEDURE, "11104")
        price("400", Kind.PROCEDURE, EXCISION)
        assert [one["code"] for one in uncoded()] == [EXCISION]
