"""The catalogue that a laboratory begins with, and the pages on which its administrator keeps it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from clinical import lab_catalogue
from clinical.models import LabTest, Panel, ReferenceRange
from clinical.tests.laboratories import potassium

ENTRIES = lab_catalogue.CATALOGUE


def test_it_is_installed_once_and_never_overwrites(alpha, beta):
    with alpha.acting("admin"):
        assert lab_catalogue.install() == len(ENTRIES)
        LabTest.objects.filter(code="K").update(name="Kalium")
        assert lab_catalogue.install() == 0
        assert LabTest.objects.get(code="K").name == "Kalium"
    with beta.acting("admin"):
        assert not LabTest.objects.exists()


def test_every_entry_would_be_accepted_on_its_page(alpha):
    with alpha.acting("admin"):
        lab_catalogue.install()
        for row in (*LabTest.objects.all(), *ReferenceRange.objects.all()):
            row.full_clean()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_the_limits_of_an_entry_stand_in_their_order(entry):
    for row in entry.ranges:
        low, high = (float(limit) if limit else None for limit in entry.possible)
        limits = [low, row.critical[0], row.low, row.high, row.critical[1], high]
        known = [float(limit) for limit in limits if limit is not None]
        assert known == sorted(known), row
        assert row.source in lab_catalogue.SOURCES


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_no_two_ranges_of_an_entry_fit_the_same_patient(entry):
    for sex in ("female", "male"):
        rows = sorted(
            (row for row in entry.ranges if row.sex in ("any", sex) and not row.condition), key=lambda row: row.age_from
        )
        for former, later in pairwise(rows):
            assert former.age_to is not None
            assert former.age_to <= later.age_from


BODY = {
    "code": "X",
    "name": "X",
    "group": "x",
    "kind": "coded",
    "specimen": "serum",
    "decimals": "0",
    "minutes_routine": "60",
    "minutes_urgent": "30",
    "minutes_stat": "20",
    "is_active": "on",
    "version": "0",
}


def new_test(alpha, **fields):
    return alpha.client("admin").post(f"{alpha.url}/lab-catalogue/tests/new/", BODY | fields)


def test_the_administrator_finds_and_changes_a_test(alpha):
    with alpha.acting("admin"):
        test = potassium()
    client = alpha.client("admin")
    assert "Potassium" in client.get(f"{alpha.url}/lab-catalogue/?q=potass").content.decode()
    address = f"{alpha.url}/lab-catalogue/tests/{test.pk}/"
    page = client.get(address).content.decode()
    assert 'value="mmol/L"' in page
    body = BODY | {
        "code": "K",
        "name": "Kalium",
        "group": "Chemistry",
        "kind": "numeric",
        "unit": "mmol/L",
        "version": "1",
    }
    assert client.post(address, body | {"bench": "Chemistry"}).status_code == 302
    with alpha.acting():
        test.refresh_from_db()
    assert (test.name, test.bench, test.target_minutes("stat")) == ("Kalium", "Chemistry", 20)


def test_answers_are_written_one_a_line(alpha):
    for options in ("", "positive", "a | ", "a | A | bad", "| A"):
        assert new_test(alpha, options=options).status_code == 422, options
    assert new_test(alpha, options="neg | Negative\npos | Positive | abnormal critical").status_code == 302
    with alpha.acting():
        test = LabTest.objects.get()
    first, second = test.options
    assert (first["code"], first["abnormal"]) == ("neg", False)
    assert (second["label"], second["abnormal"], second["critical"]) == ("Positive", True, True)
    page = alpha.client("admin").get(f"{alpha.url}/lab-catalogue/tests/{test.pk}/")
    assert "neg | Negative\npos | Positive | abnormal critical</textarea>" in page.content.decode()


def test_a_unit_that_ucum_does_not_have_is_refused_with_words(alpha):
    answer = new_test(alpha, kind="numeric", unit="mg%dl")
    assert answer.status_code == 422
    assert "no unit of UCUM" in answer.content.decode()
    assert new_test(alpha, kind="numeric", unit="10*3/uL").status_code == 302


def test_a_panel_keeps_the_order_of_its_tests_and_refuses_codes_that_are_not_there(alpha):
    with alpha.acting("admin"):
        lab_catalogue.install()
        assert [test.code for test in Panel.objects.get(code="BMP").tests()][:3] == ["NA", "K", "CL"]
    client, address = alpha.client("admin"), f"{alpha.url}/lab-catalogue/panels/new/"
    body = {"code": "MINE", "name": "Mine", "is_active": "on", "version": "0"}
    refused = client.post(address, body | {"members": "K, QQQ"})
    assert refused.status_code == 422 and "There is no test QQQ" in refused.content.decode()
    assert client.post(address, body | {"members": "TSH, k"}).status_code == 302
    with alpha.acting():
        assert [test.code for test in Panel.objects.get(code="MINE").tests()] == ["TSH", "K"]


def test_only_who_manages_the_laboratory_sees_the_catalogue(alpha):
    for role in ("lab_technician", "main_doctor", "reception"):
        assert alpha.client(role).get(f"{alpha.url}/lab-catalogue/").status_code == 403


def test_a_code_is_ours_or_a_loinc(alpha):
    with alpha.acting("admin"):
        lab_catalogue.install()
        assert LabTest.by_code("hb").code == "HB"
        assert LabTest.by_code("718-7").code == "HB"
        assert LabTest.by_code("nothing") is None


def test_the_other_hospital_does_not_find_it(alpha, beta):
    with alpha.acting("admin"):
        test = potassium()
    client = beta.client("admin")
    for tail in ("", "ranges/"):
        assert client.get(f"{beta.url}/lab-catalogue/tests/{test.pk}/{tail}").status_code == 404
    assert "Potassium" not in client.get(f"{beta.url}/lab-catalogue/").content.decode()
