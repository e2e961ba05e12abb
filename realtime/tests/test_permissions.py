"""An event names roles; what a role may be told is decided by its permissions, which a tenant's admin may change."""

from __future__ import annotations

from clinical.models import Visit
from clinical.tests.wards import a_patient, a_visit
from hospital.models import Role
from realtime.tests.listening import Listener, cursor_of

SEES_VISITS = "clinical.view_visit"


def change(hospital, key: str, *, take: str = "", give: str = "") -> None:
    with hospital.acting("admin"):
        role = Role.objects.get(key=key)
        role.allow_exactly((set(role.permissions) - {take}) | ({give} - {""}))


def visit_of(hospital, family_name: str) -> Visit:
    """A visit of somebody with this name; its payment is an event that the whole hospital hears."""
    with hospital.acting("reception"):
        return a_visit(a_patient(family_name=family_name), complaint=f"{family_name} is ill")


def heard_since(page: Listener, hospital) -> str:
    """Everything that came since the last question. `Listener.see` refuses a gap in it."""
    page.until(lambda: page.cursor == cursor_of(hospital), 30)
    received, page.received = page.received, ""
    return received


def test_a_role_without_the_permission_hears_not_one_byte_until_it_has_it_again(site, alpha):
    with Listener(site, alpha, "lab_technician") as laboratory, Listener(site, alpha, "main_doctor") as doctor:
        for page in (laboratory, doctor):
            page.joined()
        visit_of(alpha, "Anders")
        assert all("Anders" in heard_since(page, alpha) for page in (laboratory, doctor))

        change(alpha, "lab_technician", take=SEES_VISITS)
        visit = visit_of(alpha, "Bergmann")
        assert "Bergmann" in heard_since(doctor, alpha)
        quiet = heard_since(laboratory, alpha)
        assert not any(str(word) in quiet for word in ("Bergmann", visit.pk, visit.patient_id, visit.number, "visit:"))

        change(alpha, "lab_technician", give=SEES_VISITS)
        visit_of(alpha, "Castellani")
        assert all("Castellani" in heard_since(page, alpha) for page in (laboratory, doctor))


def test_what_was_missed_without_the_permission_is_not_told_afterwards_either(site, alpha):
    before = cursor_of(alpha)
    visit = visit_of(alpha, "Bergmann")
    change(alpha, "lab_technician", take=SEES_VISITS)
    with Listener(site, alpha, "lab_technician", cursor=before) as page:
        page.joined()
        quiet = heard_since(page, alpha)
    assert not any(str(word) in quiet for word in ("Bergmann", visit.pk, visit.patient_id, "visit:"))
    change(alpha, "lab_technician", give=SEES_VISITS)
    with Listener(site, alpha, "lab_technician", cursor=before) as page:
        assert "Bergmann" in heard_since(page.joined(), alpha)


def test_the_other_hospital_decides_for_itself(site, alpha, beta):
    change(beta, "lab_technician", take=SEES_VISITS)
    with Listener(site, alpha, "lab_technician") as page:
        page.joined()
        visit_of(alpha, "Anders")
        assert "Anders" in heard_since(page, alpha)
