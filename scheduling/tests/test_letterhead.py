"""A letter about a visit says from which house it comes, and how that is reached."""

from __future__ import annotations

from clinical.models import BiopsyTelling
from clinical.tests.pathology import codes, reported, reviewed
from scheduling.models import Location


def test_a_letter_names_the_house_its_telephone_and_where_the_patient_lives(alpha):
    found = codes(alpha)
    report = reported(alpha, found["NEVUS"])
    with alpha.acting():
        patient = report.biopsy.patient
        patient.line, patient.postal_code, patient.city = "8 Mill Lane", "62704", "Springfield"
        patient.save()
        Location.objects.create(name="Closed house", address="1 Nowhere", is_active=False)
        Location.objects.create(name="Dermatology", address="4 River Street", phone="+1 217 555 0199")
    biopsy = reviewed(alpha, found["NEVUS"], report)
    with alpha.acting("main_doctor") as acting:
        letter = BiopsyTelling.write(biopsy, "Your biopsy", "Call us.", by=acting.person)
    page = alpha.client("main_doctor").get(f"{alpha.url}/biopsies/tellings/{letter.pk}/print/").content.decode()
    for words in ("Dermatology", "4 River Street", "Telephone +1 217 555 0199", "8 Mill Lane", "62704 Springfield"):
        assert words in page, words
    assert "1 Nowhere" not in page
