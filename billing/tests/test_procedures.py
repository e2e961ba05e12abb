"""What is done to a patient is charged once, by its code: biopsies, services of appointments, procedures in the chart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.claims import drafting, scrubber, sending
from billing.models import Authorisation, Charge, Discount, JournalLine, Kind, Package, Price, ProcedureCode
from billing.procedures import EXCISION
from billing.tests.authorisations import granted
from billing.tests.claims import a_note, a_payer, furnish, insure
from billing.tests.procedures import record, standing
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
from hospital.workflow import moved

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
