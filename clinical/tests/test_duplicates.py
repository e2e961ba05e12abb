"""The same person twice: what speaks for it, the list of pairs, and what a person says about them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from clinical.likeness import Description, likeness, sound_alike
from clinical.models import Merge, Patient, Policy, PossibleDuplicate
from clinical.pairs import find_duplicates
from clinical.tests.wards import a_patient

AMARA = {"given_name": "Amara", "family_name": "Okafor", "birth_date": date(1990, 3, 12)}


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"given_name": "Okafor", "family_name": "Amara"}, "same name"),
        ({"given_name": "Amára"}, "same name"),
        ({"given_name": "Amarra"}, "similar name"),
        ({"birth_date": date(1990, 12, 3)}, "day and month of birth exchanged"),
        ({"birth_date": date(1991, 3, 12)}, "one digit of the date of birth differs"),
        ({"birth_date": date(1990, 1, 1), "birth_date_estimated": True}, "about the same age"),
        ({"email": "A@example.org"}, "same e-mail"),
        ({"policies": frozenset({"nm1"})}, "same policy number"),
        ({"phone": "+12125550142"}, "same telephone"),
        ({"given_name": "Jane", "family_name": "Doe", "document_number": "AB-12"}, "same identity document"),
    ],
)
def test_each_reason_is_said_and_counts(alpha, other, reason):
    mine = Description(
        **AMARA, phone="+12125550142", document_number="ab 12", email="a@example.org", policies=frozenset({"nm1"})
    )
    score, reasons = likeness(mine, Description(**{**AMARA, **other}))
    assert reason in reasons
    assert score >= 50


def test_names_that_sound_alike_are_alike(alpha):
    with alpha.acting("reception"):
        assert sound_alike("catherine meyer", "katharine maier")
        assert not sound_alike("amara okafor", "chidi okafor")
        a_patient(given_name="Catherine", family_name="Meyer")
        [(_, _, reasons)] = Patient.duplicates_of("Katharine", "Maier", AMARA["birth_date"])
        assert reasons == ["name sounds alike", "same date of birth"]


def test_a_family_is_not_one_person(alpha):
    mine = Description("Amara", "Okafor", date(1990, 3, 12), "+12125550142", policies=frozenset({"nm1"}))
    child = Description("Chidi", "Okafor", date(2015, 7, 1), "+12125550142", policies=frozenset({"nm1"}))
    assert likeness(mine, child)[0] < 50


def test_200_registrations_at_once_have_200_numbers_and_every_double_is_flagged(alpha):
    """CO-7: none is merged by itself."""

    assert alpha.reception

    def register(_: int) -> None:
        try:
            with alpha.acting("reception"):
                a_patient()
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as desks:
        list(desks.map(register, range(200)))
    with alpha.acting("reception"):
        numbers = sorted(Patient.objects.values_list("mrn", flat=True))
        assert numbers == list(range(1, 201))
        flagged = set(PossibleDuplicate.objects.open().values_list("one_id", "other_id"))
        assert {pk for pair in flagged for pk in pair} == set(Patient.objects.values_list("pk", flat=True))
        assert not Merge.objects.exists()


def test_the_search_through_all_finds_what_became_alike_and_asks_once(alpha, beta):
    with alpha.acting("reception") as acting:
        one = a_patient()
        other = a_patient(given_name="Bob", family_name="Stone", birth_date=date(1950, 1, 1))
        assert not PossibleDuplicate.objects.exists()
        other.change(by=acting.person, given_name="Amara", family_name="Okafor", birth_date=one.birth_date)
        for patient in (one, other):
            Policy.record(patient, by=acting.person, insurer="Mutual", member_number="NM 1")
    assert find_duplicates(alpha.tenant) == 1
    assert find_duplicates(alpha.tenant) == find_duplicates(beta.tenant) == 0
    with alpha.acting("reception") as acting:
        pair = PossibleDuplicate.objects.get()
        assert pair.reasons == ["same policy number", "same name", "same date of birth"]
        pair.dismiss(by=acting.person)
    assert find_duplicates(alpha.tenant) == 0
    with alpha.acting("reception"):
        pair.refresh_from_db()
        assert (pair.status, pair.decided_by) == ("different", alpha.reception)


def test_whoever_may_not_merge_decides_nothing(alpha):
    with alpha.acting("reception"):
        a_patient(), a_patient()
        pair = PossibleDuplicate.objects.get()
    with alpha.acting("billing") as acting, pytest.raises(PermissionDenied):
        pair.dismiss(by=acting.person)


def test_the_list_counts_filters_and_leads_to_the_comparison(alpha, beta):
    with alpha.acting("reception"):
        one, other = a_patient(), a_patient()
        pair = PossibleDuplicate.objects.get()
    client, url = alpha.client("reception"), f"{alpha.url}/patients/possible-duplicates/"
    assert beta.client("reception").get(url).status_code == 404
    page = client.get(url)
    assert [(pill["label"], pill["count"]) for pill in page.context["pills"]] == [
        ("Open", 1),
        ("Different persons", 0),
        ("Merged", 0),
    ]
    compare = f"{alpha.url}/patients/{one.pk}/merge/?with={other.pk}"
    assert compare in page.content.decode()
    client.post(f"{url}{pair.pk}/step/", {"step": "different"})
    assert not client.get(url).context["page"].object_list
    assert client.get(url, {"status": "different"}).context["page"].object_list == [pair]
    client.post(f"{url}{pair.pk}/step/", {"step": "reopen"})
    made = client.post(compare, {"name": "source"})
    merge = client.get(made["Location"])
    assert merge.status_code == 200
    source = client.get(f"{alpha.url}/patients/{other.pk}/")
    assert source["Location"].endswith(f"/patients/{one.pk}/")
    client.post(f"{made['Location']}undo/")
    assert client.get(f"{alpha.url}/patients/{other.pk}/").status_code == 200


def test_two_records_are_compared_merged_and_taken_apart_by_hand(alpha, beta):
    with alpha.acting("reception"):
        source, survivor = a_patient(given_name="Amarra", city="Lagos"), a_patient()
    client, url = alpha.client("reception"), f"{alpha.url}/patients/{survivor.pk}/merge/?with={source.pk}"
    assert "Lagos" in client.get(url).content.decode()
    assert beta.client("reception").get(url).status_code == 404
    assert alpha.client("pharmacy").post(url).status_code == 403
    result = client.post(url, {"name": "source", "address": "survivor"})["Location"]
    with alpha.acting():
        survivor.refresh_from_db()
        assert (survivor.given_name, survivor.city) == ("Amarra", "")
    assert client.post(url).status_code == 409
    merges = f"{alpha.url}/patients/merges/"
    assert len(client.get(merges, {"state": "standing"}).context["page"]) == 1
    assert beta.client("reception").post(f"{result}undo/").status_code == 404
    client.post(f"{result}undo/")
    assert client.post(f"{result}undo/").status_code == 409
    with alpha.acting():
        survivor.refresh_from_db()
        assert survivor.given_name == "Amara"
    assert len(client.get(merges, {"state": "standing"}).context["page"]) == 0
    assert len(client.get(merges, {"state": "undone"}).context["page"]) == 1
