from datetime import date

import pytest
from django.core.exceptions import ValidationError

from clinical.models import Patient
from clinical.names import fold
from clinical.tests.wards import a_patient


def found(text: str) -> list[str]:
    return [patient.name for patient in Patient.objects.search(text)]


def test_patients_are_numbered_without_gaps_in_each_hospital(alpha, beta):
    with alpha.acting("reception"):
        assert [a_patient().number for _ in range(3)] == ["P-000001", "P-000002", "P-000003"]
    with beta.acting("reception"):
        assert a_patient().number == "P-000001"


def test_a_telephone_is_kept_as_e164_in_the_region_of_the_hospital(alpha):
    with alpha.acting("reception"):
        patient = a_patient(phone="(212) 555-0142")
        assert patient.phone == "+12125550142"
        assert patient.phone_as_written == "(212) 555-0142"
        assert a_patient(phone="+44 20 7946 0958").phone_as_written == "+44 20 7946 0958"


def test_what_is_no_telephone_is_refused_in_words(alpha):
    with alpha.acting("reception"), pytest.raises(ValidationError, match="not a telephone number"):
        a_patient(phone="ask the wife")


def test_names_of_any_script_are_folded():
    assert fold("Éloïse  O'Brien-Łukasz") == "eloise o brien lukasz"
    assert fold("ÅSE Straße") == "ase strasse"
    assert fold("Мария Ёлкина") == "мария елкина"
    assert fold("김 민준") == "김 민준"
    assert fold("प्रिया") == fold("प्रिया")


def test_one_name_is_enough(alpha):
    with alpha.acting("reception"):
        assert a_patient(given_name="", family_name="Suharto").name == "Suharto"


@pytest.mark.parametrize(
    "text", ["amara", "OKAFOR", "okafor amara", "okafro", "amra okafor", "Ókafor", "1", "P-000001", "p000001", "12125550142", "212 555 0142", "5550142", "1990-03-12", "12/03/1990", "12 Mar 1990", "March 12, 1990", "12.3.1990", "AB-12 345"]
)  # fmt: skip
def test_a_patient_is_found_by_what_somebody_remembers(alpha, text):
    with alpha.acting("reception"):
        a_patient(phone="(212) 555-0142", document_number="AB 12-345")
        a_patient(given_name="Bob", family_name="Stone", birth_date=date(1950, 1, 1))
        assert found(text) == ["Amara Okafor"]


@pytest.mark.parametrize("text", ["", "   ", "zzzzzz", "99", "1991-03-12", "31/02/1990", "%", "_", "\\"])
def test_nobody_is_found_by_what_fits_nobody(alpha, text):
    with alpha.acting("reception"):
        a_patient()
        assert found(text) == []


def test_a_number_does_not_find_everybody_whose_telephone_has_that_digit(alpha):
    with alpha.acting("reception"):
        a_patient()
        a_patient(given_name="Bob", phone="(212) 555-0111")
        assert found("P-000001") == found("000001") == ["Amara Okafor"]


def test_the_best_match_comes_first(alpha):
    with alpha.acting("reception"):
        a_patient(given_name="Joanna", family_name="Smithson")
        a_patient(given_name="Anna", family_name="Smith")
        assert found("anna smith")[0] == "Anna Smith"


def test_a_whole_word_comes_before_the_beginning_of_one_and_both_before_what_is_only_like_it(alpha):
    with alpha.acting("reception"):
        for given, family in (("Ada", "Ngozi"), ("Zoe", "Ng"), ("Bo", "Fang"), ("Al", "Ngosi")):
            a_patient(given_name=given, family_name=family)
        assert found("ng") == ["Zoe Ng", "Al Ngosi", "Ada Ngozi"]
        assert found("ngozi") == ["Ada Ngozi", "Al Ngosi"]


def test_a_telephone_that_begins_so_comes_first(alpha):
    with alpha.acting("reception"):
        a_patient(given_name="Ada", phone="+44 20 1212 5550")
        a_patient(given_name="Zoe", phone="(212) 555-0142")
        assert found("+1 212 55") == ["Zoe Okafor", "Ada Okafor"]


def test_a_search_never_leaves_the_hospital(alpha, beta):
    with alpha.acting("reception"):
        a_patient(phone="(212) 555-0142")
    with beta.acting("reception"):
        assert found("amara") == found("1") == found("2125550142") == found("1990-03-12") == []
        assert Patient.duplicates_of("Amara", "Okafor", date(1990, 3, 12), "+12125550142") == []


def test_a_changed_name_is_found_and_the_former_is_not(alpha):
    with alpha.acting("reception") as acting:
        patient = a_patient()
        patient.change(by=acting.person, family_name="Bello", phone="212 555 0199")
        assert found("bello") == ["Amara Bello"]
        assert found("okafor") == []
        assert patient.phone == "+12125550199"
        assert patient.version == 2


@pytest.mark.parametrize(
    ("described", "reasons"),
    [
        (
            {"given_name": "Amara", "family_name": "Okafor", "birth_date": date(1990, 3, 12)},
            ["same name", "same date of birth"],
        ),
        ({"given_name": "Okafor", "family_name": "Amara"}, ["same name"]),
        (
            {"given_name": "Amarah", "family_name": "Okafor", "birth_date": date(1990, 3, 12)},
            ["similar name", "same date of birth"],
        ),
        (
            {"given_name": "Amara", "family_name": "Okafor", "birth_date": date(1990, 12, 3)},
            ["same name", "day and month of birth exchanged"],
        ),
        (
            {"given_name": "Amarra", "family_name": "Okafor", "phone": "+12125550142"},
            ["similar name", "same telephone"],
        ),
        ({"given_name": "Jane", "family_name": "Doe", "document_number": "ab12345"}, ["same identity document"]),
    ],
)
def test_a_probable_duplicate_is_named_with_reasons(alpha, described, reasons):
    with alpha.acting("reception"):
        patient = a_patient(phone="(212) 555-0142", document_number="AB 12-345")
        [(other, score, given)] = Patient.duplicates_of(**described)
        assert (other, given) == (patient, reasons)
        assert 50 <= score <= 100


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"given_name": "A"},
        {"given_name": "Chidi", "family_name": "Okafor", "phone": "+12125550142"},
        {"given_name": "Bob", "family_name": "Stone", "birth_date": date(1990, 3, 12)},
        {"given_name": "Amara", "family_name": "Okafor", "birth_date": date(1961, 7, 1)},
    ],
)
def test_a_relative_and_a_namesake_are_not_duplicates(alpha, described):
    with alpha.acting("reception"):
        a_patient(phone="(212) 555-0142")
        assert Patient.duplicates_of(**described) == []


def test_a_patient_is_no_duplicate_of_itself(alpha):
    with alpha.acting("reception"):
        patient = a_patient()
        assert Patient.duplicates_of("Amara", "Okafor", exclude=patient) == []
