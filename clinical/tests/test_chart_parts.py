"""The parts of the chart: recorded, changed, ended, taken back, filtered, printed, as they were."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from clinical.allergies import allergies_against
from clinical.course_plots import Together
from clinical.courses import courses_named
from clinical.models import (
    Allergy,
    Immunization,
    MedicationStatement,
    MedicineReview,
    Observation,
    Problem,
    Procedure,
)
from clinical.parts import ORDERS, PARTS
from clinical.past_life import KINDS_OF
from clinical.tests.dispensary import a_diagnosed_visit, a_medicine, a_prescription, load_codes
from clinical.tests.wards import a_patient
from hospital.tests.asking import queries
from hospital.tests.figures import has_figure

KEYS = {
    "problems": "problem",
    "allergies": "allergy",
    "medication": "medicine",
    "immunisations": "immunisation",
    "procedures": "procedure",
}
READ_ONLY = ("encounters", "orders", "documents", "results", "timeline", "print", "changes")
GIVEN: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "problems": (
        Problem,
        {"text": "Asthma", "onset": "1999-05", "clinical_status": "active", "severity": "severe", "verification": "confirmed", "rank": "1"},
        {"onset_said": "1999-05", "severity": "severe", "rank": 1},
    ),
    "allergies": (
        Allergy,
        {
            "substance": "Amoxicillin",
            "allergen_class": "penicillins",
            "category": "medication",
            "criticality": "high",
            "verification": "confirmed",
            "manifestation_1": "Hives",
            "severity_1": "moderate",
            "manifestation_2": "Wheezing",
        },
        {"reaction": "Hives (moderate); Wheezing", "allergen_class": "penicillins"},
    ),
    "medication": (
        MedicationStatement,
        {"text": "Salbutamol inhaler", "dosage": "when short of breath", "source": "patient", "status": "active", "since": "2019"},
        {"authored_said": "2019", "source": "patient"},
    ),
    "immunisations": (
        Immunization,
        {"code": "115", "status": "completed", "given": "2024-03-02", "dose": "2", "lot": "L7", "site": "Left upper arm", "given_by": "Nurse Adeyemi"},
        {"text": "Tdap", "system": "http://hl7.org/fhir/sid/cvx", "lot": "L7"},
    ),
    "procedures": (Procedure, {"text": "Appendectomy", "done": "1982-06"}, {"performed_said": "1982-06"}),
}  # fmt: skip


@pytest.fixture
def amara(alpha):
    with alpha.acting():
        return a_patient()


def page_of(hospital, patient, page: str) -> str:
    return f"{hospital.url}/patients/{patient.pk}/chart/{page}"


def verb_of(hospital, part: str, row: Any, verb: str) -> str:
    return f"{hospital.url}/chart/{KEYS[part]}/{row.pk}/{verb}/"


def opened(client, url: str) -> dict[str, str]:
    """What the form of this page would send as it stands."""
    form = client.get(url).context["form"]
    fields = {name: form[name].value() for name in form.fields}
    hidden = {f"opened-{name}": form._opened_text(name) for name in form.fields}
    values = {name: "" if value in (None, False) else value for name, value in {**fields, **hidden}.items()}
    return {**values, "version": str(form.version_now)}


def record(hospital, patient, part: str, **more: str) -> Any:
    model, typed, _ = GIVEN[part]
    answer = hospital.client("main_doctor").post(page_of(hospital, patient, f"{part}/new/"), {**typed, **more})
    assert answer.status_code == 302, answer.context["form"].errors
    with hospital.acting():
        return model.objects.latest("id")


@pytest.mark.parametrize("part", GIVEN)
def test_what_is_recorded_stands_in_the_list_with_who_recorded_it(alpha, amara, part):
    row = record(alpha, amara, part)
    for name, value in GIVEN[part][2].items():
        assert getattr(row, name) == value
    assert row.recorded_by_id == alpha.main_doctor.pk
    page = alpha.client("checker_doctor").get(page_of(alpha, amara, f"{part}/")).content.decode()
    assert str(row) in page
    assert alpha.main_doctor.name in page
    paper = alpha.client("main_doctor").get(page_of(alpha, amara, "print/"), {"part": part}).content.decode()
    assert str(row) in paper


@pytest.mark.parametrize("part", GIVEN)
def test_two_who_change_a_row_at_once_are_merged_and_asked_where_both_changed_the_same(alpha, amara, part):
    row = record(alpha, amara, part)
    edit, client = verb_of(alpha, part, row, "edit"), alpha.client("main_doctor")
    mine, theirs = opened(client, edit), opened(client, edit)
    assert client.post(edit, {**theirs, "note": "Seen today"}).status_code == 302
    main = next(name for name in ("text", "substance") if name in mine)
    assert client.post(edit, {**mine, main: "Another name"}).status_code == 302
    with alpha.acting():
        row.refresh_from_db()
    assert (str(row), row.note) == ("Another name", "Seen today")
    asked = client.post(edit, {**mine, "note": "Not seen"})
    assert asked.status_code == 409
    assert "Seen today" in asked.content.decode()


@pytest.mark.parametrize("part", GIVEN)
def test_a_mistake_stays_to_be_read_with_its_reason_and_its_history(alpha, amara, part):
    row, client = record(alpha, amara, part), alpha.client("main_doctor")
    mistake = verb_of(alpha, part, row, "mistake")
    assert client.post(mistake, {"because": ""}).status_code == 422
    assert client.post(mistake, {"because": "Another patient's"}).status_code == 302
    assert client.post(mistake, {"because": "Again"}).status_code == 409
    everything = client.get(page_of(alpha, amara, f"{part}/")).content.decode()
    assert f'id="row-{row.pk}"' not in everything
    mistakes = client.get(page_of(alpha, amara, f"{part}/"), {"state": "mistake"}).content.decode()
    assert "Entered in error: Another patient" in mistakes
    history = client.get(verb_of(alpha, part, row, "history")).content.decode()
    assert "Recorded" in history
    assert "Changed" in history
    assert alpha.main_doctor.name in history


@pytest.mark.parametrize("part", ["problems", "allergies", "medication"])
def test_what_ends_stands_among_the_past(alpha, amara, part):
    row, client = record(alpha, amara, part), alpha.client("main_doctor")
    assert client.post(verb_of(alpha, part, row, "end"), {"on": "3000"}).status_code == 422
    assert client.post(verb_of(alpha, part, row, "end"), {"on": "2020", "because": "Better now"}).status_code == 302
    assert client.post(verb_of(alpha, part, row, "end"), {"because": "Again"}).status_code == 409
    past = client.get(page_of(alpha, amara, f"{part}/"), {"state": "past"}).content.decode()
    assert f'id="row-{row.pk}"' in past
    assert "Better now" in past
    assert (
        f'id="row-{row.pk}"' not in client.get(page_of(alpha, amara, f"{part}/"), {"state": "current"}).content.decode()
    )


@pytest.mark.parametrize("part", [*GIVEN, *READ_ONLY])
def test_only_those_who_read_the_chart_see_a_part_and_only_those_who_write_it_write(alpha, beta, amara, part):
    url = page_of(alpha, amara, f"{part}/")
    assert alpha.client("main_doctor").get(url).status_code == 200
    assert alpha.client("reception").get(url).status_code == 403
    assert beta.client("main_doctor").get(page_of(beta, amara, f"{part}/")).status_code == 404
    if part in GIVEN:
        assert alpha.client("pharmacy").post(f"{url}new/", GIVEN[part][1]).status_code == 403


def test_a_problem_takes_only_codes_that_there_are(alpha, amara):
    load_codes()
    client = alpha.client("main_doctor")
    new = page_of(alpha, amara, "problems/new/")
    typed = GIVEN["problems"][1]
    assert client.post(new, {**typed, "code": "Q999Z"}).status_code == 422
    assert "J45" in client.get(f"{alpha.url}/chart/codes/", {"q": "asthma"}).content.decode()
    assert client.post(new, {**typed, "code": "i10"}).status_code == 302
    with alpha.acting():
        assert (Problem.objects.get().code, Problem.objects.get().system) == (
            "I10",
            "http://hl7.org/fhir/sid/icd-10-cm",
        )


@pytest.mark.parametrize("typed", ["31-12-2020", "2020-13", "2020-02-30", "1700", "3000", "long ago"])
def test_a_day_that_cannot_be_is_refused_in_words(alpha, amara, typed):
    answer = alpha.client("main_doctor").post(
        page_of(alpha, amara, "problems/new/"), {**GIVEN["problems"][1], "onset": typed}
    )
    assert answer.status_code == 422
    assert answer.context["form"].errors["onset"]


def test_no_known_allergies_is_a_fact_and_not_the_same_as_never_asked(alpha, amara):
    client, banner = alpha.client("main_doctor"), page_of(alpha, amara, "")
    assert "Allergies not asked" in client.get(banner).content.decode()
    assert client.post(page_of(alpha, amara, "allergies/none/")).status_code == 302
    page = client.get(banner).content.decode()
    assert "No known allergies" in page
    assert "Allergies not asked" not in page
    record(alpha, amara, "allergies")
    assert "No known allergies</span>" not in client.get(banner).content.decode()
    assert client.post(page_of(alpha, amara, "allergies/none/")).status_code == 409


@pytest.mark.parametrize(
    ("substance", "group", "name", "atc", "warns"),
    [
        ("Something in hospital", "penicillins", "Piperacillin", "", True),
        ("Something in hospital", "penicillins", "Curam", "J01CR02", True),
        ("Something in hospital", "contrast", "Iohexol 300", "V08AB02", True),
        ("Something in hospital", "opioids", "Tramadol", "", True),
        ("Something in hospital", "penicillins", "Paracetamol", "N02BE01", False),
        ("Cefalexin", "", "Ceftriaxone", "J01DD04", True),
        ("Cefalexin", "", "Meropenem", "J01DH02", False),
        ("No known allergies", "", "Known remedy", "", False),
    ],
)
def test_a_class_of_the_table_speaks_against_its_medicines(alpha, amara, substance, group, name, atc, warns):
    with alpha.acting():
        if substance.startswith("No known"):
            allergy = Allergy.none_is_known(amara, by=None)
        else:
            allergy = Allergy.record(amara, by=None, substance=substance, allergen_class=group)
        assert bool(allergies_against(a_medicine(name=name, atc=atc), [allergy])) is warns


def test_medicines_are_reviewed_one_by_one_and_a_stop_needs_its_reason(alpha):
    with alpha.acting():
        visit = a_diagnosed_visit()
        line = a_prescription((a_medicine(), 10), visit=visit).lines.get()
        patient = visit.patient
    kept, stopped = record(alpha, patient, "medication"), record(alpha, patient, "medication", text="St John's wort")
    client, review = alpha.client("main_doctor"), page_of(alpha, patient, "medication/review/")
    said = {
        f"{kept.pk}-decision": "continue",
        f"{stopped.pk}-decision": "stop",
        f"{line.pk}-decision": "stop",
        f"{line.pk}-reason": "Nausea",
    }
    assert client.post(review, said).status_code == 422
    assert client.post(review, {**said, f"{stopped.pk}-reason": "Interacts"}).status_code == 302
    with alpha.acting():
        stopped.refresh_from_db()
        assert (stopped.status, stopped.closed_because) == ("stopped", "Interacts")
        assert MedicineReview.objects.count() == 3
    past = client.get(page_of(alpha, patient, "medication/"), {"state": "past"}).content.decode()
    assert f'id="row-{line.pk}"' in past
    assert "Nausea" in past
    assert f'id="row-{kept.pk}"' not in past


def test_vital_signs_outside_an_examination_are_read_in_other_units_and_flagged(alpha, amara):
    client, new = alpha.client("checker_doctor"), page_of(alpha, amara, "vitals/new/")
    at = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    assert client.post(new, {"at": at}).status_code == 422
    assert client.post(new, {"at": at, "temperature": "600"}).status_code == 422
    assert client.post(new, {"at": at, "temperature": "40 stones"}).status_code == 422
    assert client.post(new, {"at": at, "temperature": "101 F", "weight": "150 lb", "height": "170"}).status_code == 302
    with alpha.acting():
        rows = {row.text: row for row in Observation.objects.filter(patient=amara)}
    assert (rows["Temperature"].value_number, rows["Temperature"].flag) == (Decimal("38.3"), "high")
    assert (rows["Weight"].value_number, rows["Weight"].unit) == (Decimal("68.0"), "kg")
    assert rows["Body mass index"].value_number == Decimal("23.5")
    assert rows["Temperature"].high == Decimal("38.0")
    mistake = f"{alpha.url}/chart/measurement/{rows['Temperature'].pk}/mistake/"
    assert client.post(mistake, {"because": "Wrong patient"}).status_code == 302
    client.get(page_of(alpha, amara, ""))  # which says so
    page = client.get(page_of(alpha, amara, "results/")).content.decode()
    assert "Weight" in page
    assert not has_figure("38.3", page)


def some_measurements(
    patient: Any, names: tuple[str, ...] = ("8867-4", "8310-5", "29463-7", "59408-5", "9279-1")
) -> None:
    for days in (40, 30, 20, 10):
        values = dict(zip(names, map(Decimal, (70 + days, 37, 60 + days, 97, 15)), strict=False))
        Observation.take_vitals(patient, values, by=None, at=timezone.now() - timedelta(days=days))


def test_up_to_four_courses_share_a_plot_each_with_its_range_as_it_was(alpha, amara):
    with alpha.acting():
        some_measurements(amara)
        Observation.objects.filter(code="8867-4").update(low=Decimal(55))
        keys = ["8867-4|/min", "9279-1|/min", "8310-5|Cel", "29463-7|kg", "59408-5|%"]
        plot = Together(courses_named(amara, keys[:4]))
        assert [panel.unit for panel in plot.panels] == ["/min", "°C", "kg"]
        assert [len(list(panel.bands)) for panel in plot.panels] == [2, 1, 0]
        assert {point.low for point in plot.courses[0].points} == {Decimal(55)}
        assert len(plot.rows) == 16
    page = alpha.client("main_doctor").get(page_of(alpha, amara, "results/"), {"of": keys}).content.decode()
    assert page.count("data-plot") == 3
    assert "range 55\N{EN DASH}90" in page


def test_a_plot_is_narrowed_to_a_period(alpha, amara):
    with alpha.acting():
        some_measurements(amara)
    since = (timezone.localdate() - timedelta(days=25)).isoformat()
    asked = {"of": "8867-4|/min", "since": since}
    page = alpha.client("main_doctor").get(page_of(alpha, amara, "results/"), asked).content.decode()
    assert page.count("plot-dot") == 2
    asked = {"of": "8867-4|/min", "since": "9999-12-31", "until": "0001-01-01"}
    assert alpha.client("main_doctor").get(page_of(alpha, amara, "results/"), asked).status_code == 200


def test_the_timeline_is_narrowed_to_a_period_and_an_author(alpha, amara):
    record(alpha, amara, "problems")
    with alpha.acting("checker_doctor") as acting:
        Problem.record(amara, by=acting.person, text="Gout", onset_at=timezone.now(), onset_said="2026")
    client, url = alpha.client("main_doctor"), page_of(alpha, amara, "timeline/")
    by_me = client.get(url, {"by": alpha.main_doctor.name}).content.decode()
    assert "Asthma" in by_me
    assert "Gout" not in by_me
    lately = client.get(url, {"since": "2020-01-01"}).content.decode()
    assert "Gout" in lately
    assert "Asthma" not in lately


def test_the_chart_as_it_was_is_shown_read_only_with_what_changed_since(alpha, amara):
    row, client = record(alpha, amara, "problems"), alpha.client("main_doctor")
    with alpha.acting():
        then = timezone.localtime()
    later = f"{then:%Y-%m-%dT%H:%M:%S.%f}"
    client.post(
        verb_of(alpha, "problems", row, "edit"),
        {**opened(client, verb_of(alpha, "problems", row, "edit")), "text": "Bronchitis"},
    )
    assert "Bronchitis" in client.get(page_of(alpha, amara, "problems/")).content.decode()
    for page in ("", "problems/", "print/"):
        was = client.get(page_of(alpha, amara, page), {"at": later}).content.decode()
        assert "Asthma" in was, page
        assert "Bronchitis" not in was
        assert "As it was on" in was
        assert "Record problem" not in was
    changed = client.get(page_of(alpha, amara, "changes/"), {"at": later}).content.decode()
    assert "<del>Asthma</del>" in changed
    assert "<ins>Bronchitis</ins>" in changed
    before = (then - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    assert "Nothing was known then" in client.get(page_of(alpha, amara, ""), {"at": before}).content.decode()


def test_the_timeline_as_it_was_has_the_words_of_then_with_its_filters_and_on_paper(alpha, amara):
    row, client = record(alpha, amara, "problems"), alpha.client("main_doctor")
    record(alpha, amara, "procedures")
    with alpha.acting():
        some_measurements(amara)
        then = f"{timezone.localtime():%Y-%m-%dT%H:%M:%S.%f}"
    edit = verb_of(alpha, "problems", row, "edit")
    client.post(edit, {**opened(client, edit), "text": "Bronchitis"})
    with alpha.acting("main_doctor") as acting:
        Procedure.record(amara, by=acting.person, text="Splint", performed_at=timezone.now(), performed_said="2026")

    def seen(page: str, **asked: Any) -> str:
        return client.get(page_of(alpha, amara, page), asked).content.decode()

    now, past = seen("timeline/"), seen("timeline/", at=then)
    assert "Bronchitis" in now and "Splint" in now and "Asthma" not in now
    assert all(word in past for word in ("Asthma", "Appendectomy", "Vital signs", "110 /min", "As it was on"))
    assert "Bronchitis" not in past and "Splint" not in past and "data-live-on" not in past.partition('id="chart"')[2]
    only = seen("timeline/", at=then, kind="procedures")
    assert "Appendectomy" in only and "Asthma" not in only
    assert "Nothing fits" in seen("timeline/", at=then, q="zebra")
    assert "Appendectomy" not in seen("timeline/", at=then, by=alpha.main_doctor.name, q="asthma")
    assert "Asthma" not in seen("timeline/", at=then, until="1900-01-01")
    paper = seen("print/", at=then, part="timeline")
    assert "Asthma" in paper and "Bronchitis" not in paper
    assert "Bronchitis" in seen("print/", part="timeline")
    assert "Nothing was known then" in seen("timeline/", at="2001-01-01T10:00")


def test_every_row_of_a_part_has_its_place_in_the_timeline_of_then():
    models = {source.model for part in PARTS if part is not ORDERS for source in part.sources}
    assert models == set(KINDS_OF)


@pytest.mark.parametrize("at", ["yesterday", "3000-01-01T10:00", "0001-01-01T00:00", "9999-99-99"])
def test_an_odd_time_is_answered_in_words(alpha, amara, at):
    for page in ("", "problems/", "results/", "timeline/", "changes/", "print/"):
        assert alpha.client("main_doctor").get(page_of(alpha, amara, page), {"at": at}).status_code == 200


def test_paper_has_the_sections_and_the_time_that_were_chosen(alpha, amara):
    record(alpha, amara, "problems")
    record(alpha, amara, "procedures")
    client, url = alpha.client("main_doctor"), page_of(alpha, amara, "print/")
    assert "Appendectomy" not in client.get(url, {"part": "problems"}).content.decode()
    both = client.get(url, {"part": ["problems", "procedures"], "since": "1990-01-01"}).content.decode()
    assert "Asthma" in both
    assert "Appendectomy" not in both


@pytest.mark.parametrize("part", [*GIVEN, *READ_ONLY, ""])
def test_a_part_asks_as_often_for_many_rows_as_for_few(alpha, amara, part):
    def fill(count: int) -> None:
        with alpha.acting("main_doctor") as acting:
            for number in range(count):
                for model in (Problem, MedicationStatement, Immunization, Procedure):
                    model.record(amara, by=acting.person, text=f"Thing {number}")
                Allergy.record(amara, by=acting.person, substance=f"Thing {number}")
            some_measurements(amara)

    client, url = alpha.client("main_doctor"), page_of(alpha, amara, f"{part}/" if part else "")
    fill(2)
    few = len(queries(client, url))
    fill(12)
    assert len(queries(client, url)) <= few
