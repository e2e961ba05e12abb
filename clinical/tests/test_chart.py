"""The chart: who may open it, what it shows, that each opening is written down, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from clinical.chart import open_chart
from clinical.courses import courses_of, vitals_of
from clinical.models import Allergy, Observation, Patient, Problem
from clinical.templatetags.chart import age_in, day_said, said
from clinical.tests.laboratories import ordered, potassium, worked
from clinical.tests.records import a_life, an_observation, bundle, concept, take, written
from clinical.tests.wards import a_patient
from clinical.timeline import Timeline
from hospital.models import AuditEntry
from hospital.tests.asking import queries

PAGES = ("", "results/", "timeline/", "print/")
MOST = 12 + 9  # the page itself, and what the frame of every page asks
READERS = ("admin", "checker_doctor", "main_doctor")
OTHERS = ("reception", "lab_technician", "pharmacy", "billing", "board")


@pytest.fixture
def amara(alpha, tmp_path):
    take(alpha, written(tmp_path, bundle(*a_life())))
    with alpha.acting():
        return Patient.objects.get(fhir_id="p1")


def address(hospital, patient, page=""):
    return f"{hospital.url}/patients/{patient.pk}/chart/{page}"


@pytest.mark.parametrize("part", PAGES)
def test_doctors_read_the_chart_and_others_do_not(alpha, beta, amara, part):
    assert {role: alpha.client(role).get(address(alpha, amara, part)).status_code for role in READERS} == dict.fromkeys(
        READERS, 200
    )
    assert {role: alpha.client(role).get(address(alpha, amara, part)).status_code for role in OTHERS} == dict.fromkeys(
        OTHERS, 403
    )
    assert beta.client("main_doctor").get(address(beta, amara, part)).status_code == 404
    assert beta.client("main_doctor").get(address(alpha, amara, part)).status_code == 404


@pytest.mark.parametrize("part", PAGES)
def test_every_opening_is_written_down(alpha, amara, part):
    alpha.client("main_doctor").get(address(alpha, amara, part))
    with alpha.acting():
        line = AuditEntry.objects.filter(action="view", patient_id=amara.pk).first()
        assert line.person_id == alpha.main_doctor.pk


def test_a_page_that_fetches_itself_again_is_one_look_and_a_forged_refresh_is_noted(alpha, amara):
    client, refresh = alpha.client("main_doctor"), {"X-Live-Refresh": "1"}

    def looks() -> int:
        with alpha.acting():
            return AuditEntry.objects.filter(action="view", patient_id=amara.pk).count()

    client.get(address(alpha, amara), headers=refresh)
    assert looks() == 1  # nobody had opened it
    client.get(address(alpha, amara), headers=refresh)
    assert looks() == 1
    client.get(address(alpha, amara, "timeline/"), headers=refresh)
    alpha.client("checker_doctor").get(address(alpha, amara), headers=refresh)
    client.get(address(alpha, amara))
    assert looks() == 4
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        client.get(address(alpha, amara), headers=refresh)
    assert looks() == 5


def test_a_chart_of_another_hospital_is_not_opened_and_leaves_no_line(alpha, beta, amara):
    beta.client("main_doctor").get(address(beta, amara))
    with alpha.acting():
        assert not AuditEntry.objects.filter(action="view").exists()
    with beta.acting():
        assert not AuditEntry.objects.filter(action="view").exists()


def test_the_summary_shows_what_is_known(alpha, amara):
    page = alpha.client("main_doctor").get(address(alpha, amara)).content.decode()
    for words in (
        "Asthma",
        "May\N{NO-BREAK SPACE}1999",
        "Peanut",
        "Hives (severe)",
        "Salbutamol 100 µg inhaler",
        "1 puff, 2 times every day",
        "Influenza, seasonal",
        "Appendectomy",
        "Emergency room admission",
        "Dr. Ned Pagac",
        "131/84",
    ):
        assert words in page


def test_the_summary_shows_what_the_laboratory_measured_last(alpha, amara):
    with alpha.acting("admin"):
        test = potassium()
    worked(alpha, ordered(alpha, test, patient=amara)[1][0], "released", "5.9")
    page = alpha.client("main_doctor").get(address(alpha, amara)).content.decode()
    card = page.partition('id="chart-measured"')[2].partition("</section>")[0]
    assert "Potassium" in card and "5.9 mmol/L" in card and "High" in card


def test_the_banner_names_only_allergies_that_stand(alpha):
    with alpha.acting("main_doctor") as acting:
        patient = a_patient()
        Allergy.record(patient, by=acting.person, substance="Latex")
        Allergy.record(patient, by=acting.person, substance="Peanut", clinical_status="resolved")
        Allergy.record(patient, by=acting.person, substance="Bees", verification="entered-in-error")
        assert [str(one) for one in open_chart(patient.pk).allergies.all()] == ["Latex"]


def test_recording_an_allergy_counts_the_patients_version(alpha):
    with alpha.acting("main_doctor") as acting:
        patient = a_patient()
        allergy = Allergy.record(patient, by=acting.person, substance="Latex")
        allergy.change(by=acting.person, clinical_status="resolved")
        Problem.record(patient, by=acting.person, text="Asthma").change(by=acting.person, text="Bronchitis")
        patient.refresh_from_db()
        assert patient.version == 5


def test_the_timeline_is_one_life_in_order(alpha, amara):
    page = alpha.client("main_doctor").get(address(alpha, amara, "timeline/")).content.decode()
    order = [
        page.index(words)
        for words in ("Letter of 2015-03-02", "Influenza, seasonal", "Salbutamol", "Asthma", "Appendectomy")
    ]
    assert order == sorted(order)
    assert "61.25 kg" in page


def test_the_timeline_is_filtered_and_searched(alpha, amara):
    client = alpha.client("main_doctor")
    found = client.get(address(alpha, amara, "timeline/"), {"kind": "procedures"}).content.decode()
    assert "Appendectomy" in found
    assert "Influenza" not in found
    found = client.get(address(alpha, amara, "timeline/"), {"q": "rupture"}).content.decode()
    assert "Appendectomy" in found
    assert "Asthma" not in found
    assert "Nothing fits" in client.get(address(alpha, amara, "timeline/"), {"q": "zebra%_"}).content.decode()


@pytest.mark.parametrize(
    "query", [{"kind": "nonsense"}, {"page": "9999"}, {"page": "x"}, {"q": "x" * 5000}, {"q": "%"}]
)
def test_odd_questions_to_the_timeline_are_answered(alpha, amara, query):
    assert alpha.client("main_doctor").get(address(alpha, amara, "timeline/"), query).status_code == 200


def test_who_may_not_open_documents_does_not_see_them_in_the_timeline(alpha, amara):
    with alpha.acting("main_doctor") as acting:
        assert Timeline(amara, acting).counts["documents"] == 2
        acting.role.allow_exactly({"clinical.view_chart"})
        assert Timeline(amara, acting).counts["documents"] == 0


def test_the_counts_of_the_pills_are_those_of_the_entries(alpha, amara):
    with alpha.acting("main_doctor") as acting:
        whole = Timeline(amara, acting)
        for kind, count in whole.counts.items():
            assert len(Timeline(amara, acting, kind=kind)[:100]) == count
        assert len(whole[:1000]) == whole.count()


def test_results_show_a_plot_of_the_chosen_course(alpha, tmp_path, amara):
    more = [
        an_observation(
            id=f"w{year}", effectiveDateTime=f"{year}-01-02", valueQuantity={"value": 50 + year - 2000, "unit": "kg"}
        )
        for year in range(2000, 2010)
    ]
    take(alpha, written(tmp_path, bundle(*more)))
    client = alpha.client("main_doctor")
    page = client.get(address(alpha, amara, "results/"), {"of": "29463-7|kg"}).content.decode()
    assert "2 Jan 2003: 53 kg" in page
    assert "11 values" in page
    assert client.get(address(alpha, amara, "results/"), {"of": "nothing|kg"}).status_code == 404
    assert "Systolic" not in client.get(address(alpha, amara, "results/"), {"q": "weight"}).content.decode()


def test_a_vital_sign_in_another_unit_is_read_in_ours_and_what_cannot_be_read_stays_apart(alpha, tmp_path, amara):
    pounds = an_observation(id="lb", valueQuantity={"value": 135, "unit": "lb"})
    stones = an_observation(id="st", valueQuantity={"value": 9, "unit": "stones"})
    take(alpha, written(tmp_path, bundle(pounds, stones)))
    with alpha.acting():
        weights = {course.unit: course for course in courses_of(amara) if course.code == "29463-7"}
        assert set(weights) == {"kg", "stones"}
        assert sorted(round(point.value, 2) for point in weights["kg"].points) == [Decimal("61.23"), Decimal("61.25")]


def test_the_vitals_strip_flags_by_age_in_our_unit(alpha, tmp_path, amara):
    hot = an_observation(id="f", code=concept("Temperature", "8310-5"), valueQuantity={"value": 101, "unit": "[degF]"})
    take(alpha, written(tmp_path, bundle(hot)))
    with alpha.acting():
        strip = {one.label: one for one in vitals_of(amara)}
        assert (strip["Temperature"].value, strip["Temperature"].unit, strip["Temperature"].flag) == (
            "38.3",
            "°C",
            "high",
        )
        assert (strip["Blood pressure"].value, strip["Blood pressure"].flag) == ("131/84", "")
        Observation.objects.filter(code="8480-6").update(value_number=Decimal(185))
        assert {one.label: one.flag for one in vitals_of(amara)}["Blood pressure"] == "critical_high"


def test_a_date_is_said_as_exactly_as_it_is_known():
    at = datetime(1999, 5, 17, 18, 30, tzinfo=UTC)
    assert [said(at, "1999"), said(at, "1999-05"), said(at, "1999-05-17"), said(at, "1999-05-17T20:30:00+02:00")] == [
        "1999",
        "May 1999",
        "17 May 1999",
        "17 May 1999, 18:30",
    ]
    assert day_said(at, "1999-05-17T20:30:00+02:00") == "17\N{NO-BREAK SPACE}May\N{NO-BREAK SPACE}1999"
    assert said(None, "in childhood") == day_said(None, "in childhood") == "in childhood"


def test_a_year_of_the_timeline_names_the_age(alpha, amara):
    assert [age_in(amara, year) for year in (1989, 1990, 2000)] == ["", "birth", "turned 10"]


@pytest.mark.parametrize("part", PAGES)
def test_a_page_costs_the_same_with_ten_entries_and_with_a_thousand(alpha, tmp_path, amara, part):
    client = alpha.client("main_doctor")
    few = len(queries(client, address(alpha, amara, part)))
    many = [
        an_observation(
            id=f"x{n}",
            effectiveDateTime=f"{1990 + n % 20}-01-{1 + n % 28:02}",
            code=concept(f"Thing {n % 50}", f"{n % 50}-1"),
        )
        for n in range(1000)
    ]
    take(alpha, written(tmp_path, bundle(*many)))
    assert len(queries(client, address(alpha, amara, part))) == few <= MOST
