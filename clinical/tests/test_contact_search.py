"""A patient is found by the telephone of whoever is called about them."""

from clinical.models import Patient, PatientContact
from clinical.tests.wards import a_patient


def test_the_telephone_of_a_contact_finds_the_patient_until_it_is_no_contact_any_more(alpha, beta):
    with alpha.acting("reception") as acting:
        patient = a_patient()
        contact = PatientContact.record(patient, by=acting.person, name="Ines", phone="+14155550137")
        for typed in ("(415) 555-0137", "+1 415 555 0137"):
            assert list(Patient.objects.search(typed)) == [patient], typed
        assert list(Patient.objects.search("415 555 0138")) == []
    with beta.acting("reception"):
        assert list(Patient.objects.search("+14155550137")) == []
    with alpha.acting("reception") as acting:
        contact.end("Moved away", by=acting.person)
        assert list(Patient.objects.search("+14155550137")) == []
