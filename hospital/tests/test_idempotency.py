"""CO-5: a form that is sent twice has one effect."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from hospital.models import FormKey, Invitation


def invite(client, alpha, key, name="Ada Nurse", email="ada@example.org"):
    with alpha.acting():
        from hospital.models import Role

        role = Role.objects.get(key="reception")
    return client.post(f"{alpha.url}/people/invite/", {"form_key": key, "name": name, "email": email, "role": role.pk})


def test_a_double_submit_gets_the_first_answer(alpha):
    client, key = alpha.client("admin"), uuid.uuid4()
    first, second = invite(client, alpha, key), invite(client, alpha, key)
    assert (first.status_code, second.status_code) == (302, 302)
    assert second.headers["Location"] == first.headers["Location"]
    with alpha.acting():
        assert Invitation.objects.count() == 1


def test_the_same_key_with_other_contents_is_refused(alpha):
    client, key = alpha.client("admin"), uuid.uuid4()
    invite(client, alpha, key)
    assert invite(client, alpha, key, name="Somebody Else").status_code == 422
    with alpha.acting():
        assert Invitation.objects.count() == 1


def test_a_refused_form_frees_its_key(alpha):
    client, key = alpha.client("admin"), uuid.uuid4()
    assert invite(client, alpha, key, email="no address").status_code == 422
    assert invite(client, alpha, key).status_code == 302


def test_two_clicks_at_the_same_moment_have_one_effect(alpha):
    key = uuid.uuid4()
    alpha.client("admin").get(f"{alpha.url}/people/")

    def click(_):
        try:
            return invite(alpha.client("admin"), alpha, key).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(click, range(8)))
    assert set(codes) == {302}
    with alpha.acting():
        assert Invitation.objects.count() == 1


def test_the_key_of_one_person_says_nothing_about_anothers(alpha, beta):
    key = uuid.uuid4()
    assert invite(alpha.client("admin"), alpha, key).status_code == 302
    assert invite(beta.client("admin"), beta, key).status_code == 302
    with alpha.acting():
        assert FormKey.objects.count() == 1
