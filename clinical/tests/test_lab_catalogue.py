"""The catalogue that a laboratory begins with, and the pages on which its administrator keeps it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from clinical import lab_catalogue
from clinical.models import LabTest, ReferenceRange
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
        rows = sorted((row for row in entry.ranges if row.sex in ("any", sex)), key=lambda row: row.age_from)
        for former, later in pairwise(rows):
            assert former.age_to is not None
            assert former.age_to <= later.age_from


def test_the_administrator_finds_and_changes_a_test_with_its_ranges(alpha):
    with alpha.acting("admin"):
        test = potassium()
    client = alpha.client("admin")
    assert "Potassium" in client.get(f"{alpha.url}/admin/clinical/labtest/?q=potass").content.decode()
    page = client.get(f"{alpha.url}/admin/clinical/labtest/{test.pk}/change/").content.decode()
    assert 'value="6.5000"' in page


def test_answers_that_are_no_list_of_answers_are_refused(alpha):
    body = {
        "code": "X",
        "name": "X",
        "group": "x",
        "kind": "coded",
        "specimen": "serum",
        "decimals": "0",
        "is_active": "on",
    }
    body |= {"ranges-TOTAL_FORMS": "0", "ranges-INITIAL_FORMS": "0"}
    client = alpha.client("admin")
    for options in ("[]", '{"code": "a"}', '[{"code": "a"}]', '["a"]', "a"):
        answer = client.post(f"{alpha.url}/admin/clinical/labtest/add/", {**body, "options": options})
        assert answer.status_code == 200, options
    good = '[{"code": "a", "label": "A"}]'
    assert client.post(f"{alpha.url}/admin/clinical/labtest/add/", {**body, "options": good}).status_code == 302
    with alpha.acting():
        assert LabTest.objects.get().options == [{"code": "a", "label": "A"}]


def test_the_other_hospital_does_not_find_it(alpha, beta):
    with alpha.acting("admin"):
        test = potassium()
    assert beta.client("admin").get(f"{beta.url}/admin/clinical/labtest/{test.pk}/change/").status_code == 302
    assert "Potassium" not in beta.client("admin").get(f"{beta.url}/admin/clinical/labtest/").content.decode()
