"""The page that says who may open a restricted chart, and what others are told instead of it."""

from __future__ import annotations

import pytest

from clinical.models import ChartGrant, Patient
from clinical.tests.wards import a_patient


@pytest.fixture
def ada(alpha):
    with alpha.acting("reception"):
        return a_patient(given_name="Ada", family_name="Lovelace")


def at(hospital, patient, part: str = "") -> str:
    return f"{hospital.url}/patients/{patient.pk}/access/{part}"


def restricted(hospital, patient) -> None:
    hospital.client("admin").post(at(hospital, patient), {"reason": "Works here"})


def test_a_chart_is_restricted_granted_opened_ended_and_open_again(alpha, ada):
    admin, doctor = alpha.client("admin"), alpha.client("main_doctor")
    restricted(alpha, ada)
    page = doctor.get(f"{alpha.url}/patients/{ada.pk}/")
    assert page.status_code == 403
    assert "is restricted" in page.content.decode()
    assert "Lovelace" not in page.content.decode()
    admin.post(at(alpha, ada, "grants/"), {"person": alpha.main_doctor.pk, "reason": "Treats her"})
    assert "Ada Lovelace" in doctor.get(f"{alpha.url}/patients/{ada.pk}/").content.decode()
    with alpha.acting():
        grant = ChartGrant.objects.get(patient=ada)
    admin.post(f"{alpha.url}/chart-grants/{grant.pk}/end/", {"reason": "Goes on elsewhere"})
    assert doctor.get(f"{alpha.url}/patients/{ada.pk}/").status_code == 403
    admin.post(at(alpha, ada), {"reason": "Left the house"})
    assert "Ada Lovelace" in doctor.get(f"{alpha.url}/patients/{ada.pk}/").content.decode()


def test_an_administrator_is_led_to_who_may_open_it_and_reads_no_name_there(alpha, ada):
    restricted(alpha, ada)
    admin = alpha.client("admin")
    assert at(alpha, ada) in admin.get(f"{alpha.url}/patients/{ada.pk}/").content.decode()
    page = admin.get(at(alpha, ada)).content.decode()
    assert "Works here" in page
    assert "Lovelace" not in page


def test_what_is_missing_is_said_beside_the_field(alpha, ada):
    admin = alpha.client("admin")
    assert admin.post(at(alpha, ada), {"reason": ""}).status_code == 422
    restricted(alpha, ada)
    assert admin.post(at(alpha, ada, "grants/"), {"person": alpha.main_doctor.pk, "reason": ""}).status_code == 422
    with alpha.acting():
        assert not ChartGrant.objects.exists()
        assert Patient.objects.get(pk=ada.pk).is_restricted


def test_nobody_else_restricts_or_grants(alpha, beta, ada):
    for role in ("main_doctor", "reception"):
        assert alpha.client(role).get(at(alpha, ada)).status_code == 403
        assert alpha.client(role).post(at(alpha, ada, "grants/")).status_code == 403
    assert beta.client("admin").get(at(beta, ada)).status_code == 404
