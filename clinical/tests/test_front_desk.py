"""Step one of the journey: found or registered, a visit with a token, and nothing for anybody else."""

from datetime import date

import pytest
from django.utils import timezone

from clinical.models import Patient, Visit
from clinical.tests.wards import a_patient, a_visit
from hospital.models import AuditEntry
from hospital.tests.asking import queries

NEW = {
    "given_name": "Amara",
    "family_name": "Okafor",
    "sex": "female",
    "birth_date": "1990-03-12",
    "phone": "(212) 555-0142",
    "complaint": "Cough",
    "priority": "routine",
}
HX = {"HX-Request": "true"}


def test_reception_registers_a_patient_and_opens_a_visit_in_one_step(alpha):
    answer = alpha.client("reception").post(f"{alpha.url}/patients/new/", {**NEW, "then": "visit"})
    with alpha.acting():
        visit = Visit.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"{alpha.url}/visits/{visit.pk}/")
        assert (visit.patient.name, visit.patient.phone, visit.token) == ("Amara Okafor", "+12125550142", "E-001")
        assert visit.registered_by == alpha.reception


def test_with_htmx_the_browser_is_led_on(alpha):
    answer = alpha.client("reception").post(f"{alpha.url}/patients/new/", {**NEW, "then": "visit"}, headers=HX)
    with alpha.acting():
        assert answer["HX-Redirect"].endswith(f"/visits/{Visit.objects.get().pk}/")


def test_reception_can_register_a_patient_without_a_visit(alpha):
    alpha.client("reception").post(f"{alpha.url}/patients/new/", {**NEW, "complaint": "", "then": "patient"})
    with alpha.acting():
        assert (Patient.objects.count(), Visit.objects.count()) == (1, 0)


def test_an_age_becomes_an_estimated_day_of_birth(alpha):
    details = {**NEW, "birth_date": "", "age": "34", "then": "patient"}
    alpha.client("reception").post(f"{alpha.url}/patients/new/", details)
    with alpha.acting():
        patient = Patient.objects.get()
        assert patient.birth_date_estimated
        assert patient.birth_date == date(timezone.now().year - 34, 1, 1)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("birth_date", "2999-01-01", "still to come"),
        ("birth_date", "1066-01-01", "Nobody lives longer"),
        ("birth_date", "yesterday", "Write the day with its month and year"),
        ("phone", "call my wife", "not a telephone number"),
        ("sex", "banana", "one of those that are offered"),
        ("complaint", "", "required"),
        ("given_name", "x" * 121, "at most 120"),
    ],
)
def test_a_mistake_is_answered_at_its_field_and_nothing_is_registered(alpha, field, value, words):
    answer = alpha.client("reception").post(f"{alpha.url}/patients/new/", {**NEW, field: value, "then": "visit"})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with alpha.acting():
        assert not Patient.objects.exists()


def test_what_is_wrong_with_the_visit_is_summed_up_with_the_rest(alpha):
    form = {**NEW, "phone": "12", "complaint": "", "then": "visit"}
    answer = alpha.client("reception").post(f"{alpha.url}/patients/new/", form)
    summary = answer.content.decode().partition("data-error-summary")[2].partition("</ul>")[0]
    assert "Telephone" in summary and "Reason for the visit" in summary


def test_nobody_is_registered_without_a_name(alpha):
    nameless = {**NEW, "given_name": " ", "family_name": "", "then": "visit"}
    answer = alpha.client("reception").post(f"{alpha.url}/patients/new/", nameless)
    assert answer.status_code == 422
    assert "Write one name at least." in answer.content.decode()


def test_a_duplicate_is_named_on_save_and_never_blocks(alpha):
    with alpha.acting():
        known = a_patient()
    client = alpha.client("reception")
    asked = client.post(f"{alpha.url}/patients/new/", {**NEW, "then": "visit"})
    page = asked.content.decode()
    assert asked.status_code == 422
    assert "same name, same date of birth" in page
    assert known.number in page
    client.post(f"{alpha.url}/patients/new/", {**NEW, "seen": str(known.pk), "then": "visit"})
    with alpha.acting():
        assert Patient.objects.count() == 2


def test_a_duplicate_is_named_while_somebody_types(alpha, beta):
    for hospital in (alpha, beta):
        with hospital.acting():
            a_patient(document_number=f"ID-{hospital.mark}")
    answer = alpha.client("reception").get(
        f"{alpha.url}/patients/duplicates/",
        {"given_name": "Amara", "family_name": "Okafor", "birth_date": "12", "phone": "1"},
    )
    assert answer.content.decode().count("same name") == 1


def test_the_same_form_sent_twice_registers_once(alpha):
    client = alpha.client("reception")
    form = {**NEW, "then": "visit", "form_key": "0190c3a0-0000-7000-8000-000000000001"}
    answers = [client.post(f"{alpha.url}/patients/new/", form) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    with alpha.acting():
        assert Patient.objects.count() == 1


def test_the_front_desk_finds_patients_and_offers_their_visit(alpha, beta):
    with beta.acting():
        a_patient(given_name="Amara", family_name="Elsewhere")
    with alpha.acting():
        visit = a_visit()
    page = alpha.client("reception").get(f"{alpha.url}/front-desk/find/", {"q": "okafro"}).content.decode()
    assert "Amara Okafor" in page
    assert str(visit.pk) in page
    assert "Elsewhere" not in page
    assert "Register “okafro”" in page


def test_the_front_desk_shows_who_is_here_and_each_filter_its_own(alpha):
    with alpha.acting():
        waiting, paid = a_visit(paid=False), a_visit()
        gone = a_visit()
        gone.cancel("Went home", by=None)
        paid.examine(by=None, symptoms="", findings="", vitals={})
    client = alpha.client("reception")

    def shown(query: str) -> set:
        page = client.get(f"{alpha.url}/front-desk/?show={query}").content.decode()
        return {visit for visit in (waiting, paid, gone) if f'id="visit-{visit.pk}"' in page}

    assert shown("open") == shown("nonsense") == {waiting, paid}
    assert shown("owing") == shown("examination") == {waiting}
    assert shown("consultation") == {paid}
    assert shown("over") == {gone}


def test_an_existing_patient_gets_a_visit_and_the_open_one_is_mentioned(alpha):
    with alpha.acting():
        first = a_visit()
        patient = first.patient
    client = alpha.client("reception")
    url = f"{alpha.url}/patients/{patient.pk}/visits/new/"
    assert first.number in client.get(url).content.decode()
    answer = client.post(url, {"complaint": "Fever", "priority": "urgent"})
    with alpha.acting():
        visit = Visit.objects.get(priority="urgent")
        assert answer["Location"].endswith(f"/visits/{visit.pk}/")


def test_the_token_prints_no_name(alpha):
    with alpha.acting():
        visit = a_visit()
    page = alpha.client("reception").get(f"{alpha.url}/visits/{visit.pk}/token/").content.decode()
    assert "E-001" in page
    assert "Okafor" not in page


def test_edits_of_two_receptionists_are_merged(alpha):
    with alpha.acting():
        patient = a_patient()
    first, second = alpha.client("reception"), alpha.client("reception", "Second")
    url = f"{alpha.url}/patients/{patient.pk}/edit/"
    opened = fields_of(second.get(url).context["form"])
    assert (
        first.post(
            url, {**fields_of(first.get(url).context["form"]), "city": "Lagos", "family_name": "Bello"}
        ).status_code
        == 302
    )
    merged = second.post(url, {**opened, "email": "amara@example.com"})
    assert merged.status_code == 302
    with alpha.acting():
        now = Patient.objects.get(pk=patient.pk)
        assert (now.city, now.family_name, now.email) == ("Lagos", "Bello", "amara@example.com")
    asked = second.post(url, {**opened, "family_name": "Eze"})
    assert asked.status_code == 409
    assert [(conflict.mine, conflict.theirs) for conflict in asked.context["form"].conflicts] == [("Eze", "Bello")]
    assert "Bello" in asked.content.decode()


@pytest.mark.parametrize(("day", "words"), [("0001-01-01", "Check the year"), ("9999-12-31", "still to come")])
def test_a_day_of_death_that_no_calendar_holds_is_refused(alpha, day, words):
    with alpha.acting():
        patient = a_patient()
    url = f"{alpha.url}/patients/{patient.pk}/death/"
    answered = alpha.client("reception").post(url, {"day": day, "said_by": "Dr. Ng"})
    assert answered.status_code == 422 and words in answered.content.decode()


def fields_of(form) -> dict[str, str]:
    """The fields of an edit form as the browser sends them."""
    values = {name: form._as_text(name, form.theirs[name]) for name in form.fields}
    return {**values, **{f"opened-{name}": value for name, value in values.items()}, "version": str(form.version_now)}


STAFF = ("reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "billing", "admin")
PAGES = {
    "front-desk/": {"reception", "admin"},
    "front-desk/find/": {"reception", "admin"},
    "patients/": STAFF,
    "patients/new/": {"reception", "admin"},
    "patients/{patient}/": STAFF,
    "patients/{patient}/edit/": {"reception", "admin"},
    "patients/{patient}/visits/new/": {"reception", "admin"},
    "visits/{visit}/": STAFF,
    "visits/{visit}/token/": {"reception", "admin"},
    "visits/{visit}/cancel/": {"reception", "admin"},
    "visits/{visit}/leave/": {"reception", "admin"},
    "visits/{visit}/reopen/": {"admin"},
    "visits/{visit}/override/": {"reception", "checker_doctor", "main_doctor", "admin"},
    "visits/{visit}/assign/": {"reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "admin"},
    "visits/{visit}/move/": {"reception", "checker_doctor", "lab_technician", "main_doctor", "pharmacy", "admin"},
    "visits/{visit}/examine/": {"checker_doctor", "main_doctor", "admin"},
    "examination/": {"checker_doctor", "main_doctor", "admin"},
    "search/": STAFF,
    "board/": {"reception", "board", "admin"},
}


@pytest.mark.parametrize("address", PAGES)
def test_each_page_opens_for_its_roles_and_for_nobody_else(alpha, beta, address):
    with alpha.acting():
        visit = a_visit()
        path = address.format(patient=visit.patient_id, visit=visit.pk)
    for role in (*STAFF, "board"):
        answer = alpha.client(role).get(f"{alpha.url}/{path}")
        assert answer.status_code == (200 if role in PAGES[address] else 403), role
    if "{" in address:
        assert beta.client("admin").get(f"{beta.url}/{path}").status_code == 404
    assert beta.client("admin").get(f"{alpha.url}/{path}").status_code == 404


def test_opening_a_patient_is_written_down(alpha):
    with alpha.acting():
        visit = a_visit()
    alpha.client("pharmacy").get(f"{alpha.url}/patients/{visit.patient_id}/")
    with alpha.acting():
        line = AuditEntry.objects.filter(action="view", patient_id=visit.patient_id).first()
        assert (line.person_id, line.role) == (alpha.pharmacy.pk, "pharmacy")


def test_reception_sees_neither_symptoms_nor_findings_nor_vitals(alpha):
    with alpha.acting():
        visit = a_visit()
        visit.examine(by=None, symptoms="Blood in stool", findings="Mass", vitals={"8867-4": 97})
    for path in (f"visits/{visit.pk}/", f"patients/{visit.patient_id}/"):
        page = alpha.client("reception").get(f"{alpha.url}/{path}").content.decode()
        assert "Blood in stool" not in page
        assert "Mass" not in page
        assert "Vital signs" not in page


def test_the_number_of_queries_does_not_grow_with_the_visits(alpha):
    pages = {
        "reception": ["front-desk/", "patients/", "patients/?q=amara", "front-desk/find/?q=amara"],
        "checker_doctor": ["examination/"],
        "board": ["board/"],
    }
    with alpha.acting():
        for number in range(5):
            a_visit(a_patient(given_name=f"Amara {number}"))
    before = counts(alpha, pages)
    with alpha.acting("reception") as acting:
        for number in range(40):
            place = a_visit(a_patient(given_name=f"Amara {number}")).place
            if number % 4 == 0:
                place.call(to="1", by=acting.person)
    assert counts(alpha, pages) == before


def counts(hospital, pages: dict[str, list[str]]) -> dict[str, int]:
    clients = {role: hospital.client(role) for role in pages}
    return {
        path: len(queries(clients[role], f"{hospital.url}/{path}")) for role, paths in pages.items() for path in paths
    }


def test_the_search_box_finds_patients_and_places_of_the_own_role(alpha):
    with alpha.acting():
        a_patient()
    reception, pharmacy = alpha.client("reception"), alpha.client("pharmacy")
    assert "Amara Okafor" in reception.get(f"{alpha.url}/search/", {"q": "P-000001"}, headers=HX).content.decode()
    assert "Front desk" in reception.get(f"{alpha.url}/search/", {"q": "front"}).content.decode()
    assert "front-desk" not in pharmacy.get(f"{alpha.url}/search/", {"q": "front"}, headers=HX).content.decode()


def test_the_wall_board_shows_tokens_and_rooms_and_no_names(alpha):
    with alpha.acting("checker_doctor") as acting:
        visit, _ = a_visit(), a_visit(a_patient(given_name="Bola"))
        visit.place.call(to="Room 2", by=acting.person)
    page = alpha.client("board").get(f"{alpha.url}/board/").content.decode()
    assert "E-001" in page
    assert "Room 2" in page
    assert "E-002" in page
    assert not any(name in page for name in ("Amara", "Okafor", "Bola", "Cough", visit.number))
