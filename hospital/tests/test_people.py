import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from hospital import outbox, roles
from hospital.apps import make_permissions
from hospital.models import AuditEntry, Invitation, Letter, Membership, Person, Role, SignIn
from hospital.tenancy import acting_for
from hospital.tests.databases import owner
from hospital.tests.hospital import PASSWORD
from hospital.workflow import Refused


@pytest.fixture
def invitation(alpha):
    """The address of an invitation as pharmacy that the administrator sent."""

    def send(email: str, role: str = "pharmacy") -> str:
        mail.outbox = []
        with alpha.acting():
            role_id = Role.objects.get(key=role).pk
        answer = alpha.client("admin").post(
            f"{alpha.url}/people/invite/", {"name": "Nadia Novak", "email": email, "role": role_id}
        )
        assert answer.status_code == 302
        outbox.send_all()
        own = next(message for message in mail.outbox if email in message.to)
        return re.search(r"https?://[^/]+(/accounts/invitation/\S+)", own.body)[1]

    return send


def test_an_invited_person_sets_a_password_and_is_in(alpha, invitation):
    email = f"nadia@{alpha.mark}.example"
    address, client = invitation(email), Client()
    assert b"Pharmacy" in client.get(address).content
    answer = client.post(address, {"name": "Nadia Novak", "password": "a long and quiet river"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{alpha.url}/")
    assert client.get(f"{alpha.url}/").status_code == 302
    with alpha.acting():
        assert Role.objects.held_by(Person.objects.get(email=email)).get().key == "pharmacy"


def test_an_invitation_works_once_and_for_seven_days(alpha, invitation):
    address = invitation(f"nadia@{alpha.mark}.example")
    Client().post(address, {"name": "Nadia", "password": "a long and quiet river"})
    assert Client().get(address).status_code == 404
    late = invitation(f"late@{alpha.mark}.example")
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        assert Client().get(late).status_code == 404


def test_a_withdrawn_invitation_is_over(alpha, invitation):
    address = invitation(f"nadia@{alpha.mark}.example")
    with alpha.acting():
        pk = Invitation.objects.first().pk
    alpha.client("admin").post(f"{alpha.url}/people/invitations/{pk}/withdraw/")
    assert Client().get(address).status_code == 404


@pytest.mark.parametrize("password", ["short", "password1234", "111111111111"])
def test_a_weak_password_is_refused_in_words(alpha, invitation, password):
    email = f"nadia@{alpha.mark}.example"
    page = Client().post(invitation(email), {"name": "Nadia", "password": password})
    assert page.status_code == 422 and not Person.objects.filter(email=email).exists()


def test_somebody_with_an_account_has_to_log_in_to_accept(alpha, beta, invitation):
    address = invitation(beta.reception.email)
    assert Client().post(address, {"name": "Thief", "password": "a long and quiet river"}).status_code == 422
    assert beta.client("admin").post(address).status_code == 422
    assert beta.client("reception").post(address).status_code == 302
    with alpha.acting():
        assert Membership.objects.filter(person=beta.reception, role__key="pharmacy").exists()


def test_the_secret_of_an_invitation_is_stored_nowhere(alpha, invitation):
    secret = invitation(f"nadia@{alpha.mark}.example").rstrip("/").split("/")[-1]
    with alpha.acting():
        rows = [*Invitation.objects.values(), *Letter.objects.values(), *AuditEntry.objects.values()]
    assert secret not in str(rows) and len(rows) > 2


def test_people_log_in_with_e_mail_and_password_and_begin_at_their_roles_page(alpha):
    client = Client()
    answer = client.post("/accounts/login/", {"login": alpha.pharmacy.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get(answer.headers["Location"]).headers["Location"] == f"{alpha.url}/"
    assert client.get(f"{alpha.url}/").headers["Location"] == f"{alpha.url}/dispensing/"


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(alpha):
    answers = [
        Client().post("/accounts/login/", {"login": email, "password": "wrong and wrong again"})
        for email in (alpha.pharmacy.email, f"nobody@{alpha.mark}.example")
    ]
    words = [re.sub(rb"<input[^>]*>|X-CSRFToken[^}]+|data-now=\S+", b"", answer.content) for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 200] and words[0] == words[1]


def test_nobody_can_sign_up(alpha):
    answer = Client().post(
        "/accounts/signup/", {"email": f"new@{alpha.mark}.example", "password1": "a long and quiet river"}
    )
    assert not Person.objects.filter(email=f"new@{alpha.mark}.example").exists() and answer.status_code in (200, 404)


def test_passwords_are_kept_as_argon2(alpha):
    assert alpha.reception.password.startswith("argon2$argon2id$")


def test_somebody_who_works_in_two_hospitals_chooses(alpha, beta):
    with beta.acting():
        Membership.grant(alpha.reception, "reception")
    page = alpha.client("reception").get("/")
    assert page.status_code == 200
    assert alpha.tenant.name in page.content.decode() and beta.tenant.name in page.content.decode()


def test_the_first_request_is_a_sign_in_and_log_out_ends_it(alpha):
    client = alpha.client("reception")
    client.get(f"{alpha.url}/")
    client.get(f"{alpha.url}/")
    with alpha.acting():
        assert [str(row.person) for row in SignIn.now_here()] == ["Reception"]
    client.post("/accounts/logout/")
    with alpha.acting():
        assert not SignIn.now_here().exists()


def test_a_suspended_hospital_cannot_be_entered(alpha):
    client = alpha.client("admin")
    with alpha.acting():
        alpha.tenant.is_active = False
        alpha.tenant.save()
    assert client.get(f"{alpha.url}/people/").status_code == 404


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_an_unsafe_request_without_a_token_is_refused(alpha, headers):
    """IN-6."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alpha.admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post(f"{alpha.url}/people/invite/", {"name": "x", "email": "x@example.org"}, headers=headers)
    assert answer.status_code == 403 and b"Nothing was changed" in answer.content


def test_pages_are_never_cached_and_carry_a_strict_policy(alpha):
    answer = alpha.client("admin").get(f"{alpha.url}/people/")
    assert answer.headers["Cache-Control"] == "no-store" or "no-store" in answer.headers["Cache-Control"]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_a_huge_body_is_refused_before_it_is_read(alpha):
    answer = alpha.client("admin").post(
        f"{alpha.url}/people/invite/", b"x", content_type="application/octet-stream", CONTENT_LENGTH=300 * 1024 * 1024
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_log_in_leads_nowhere_else(alpha, next_page):
    """IN-8."""
    answer = Client().post(
        f"/accounts/login/?next={next_page}", {"login": alpha.pharmacy.email, "password": PASSWORD, "next": next_page}
    )
    assert answer.headers.get("Location", "/").startswith("/") and "evil" not in answer.headers.get("Location", "")


def test_of_two_who_open_an_invitation_at_once_one_is_in(alpha, invitation):
    email = f"nadia@{alpha.mark}.example"
    address = invitation(email)

    def accept(_):
        try:
            return Client().post(address, {"name": "Nadia", "password": "a long and quiet river"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(accept, range(4))) == [302, 404, 404, 404]


def test_an_invitation_that_was_accepted_cannot_be_withdrawn(alpha, invitation):
    Client().post(invitation(f"nadia@{alpha.mark}.example"), {"name": "Nadia", "password": "a long and quiet river"})
    with alpha.acting():
        pk = Invitation.objects.get().pk
    assert alpha.client("admin").post(f"{alpha.url}/people/invitations/{pk}/withdraw/").status_code == 409
    with alpha.acting():
        assert Invitation.objects.get().withdrawn_at is None


def end(alpha, person):
    with alpha.acting():
        pk = Membership.objects.get(person=person).pk
    return alpha.client("admin").post(f"{alpha.url}/people/memberships/{pk}/end/")


def test_the_last_administrator_stays(alpha):
    assert end(alpha, alpha.admin).status_code == 409
    other = alpha.person("admin", "Second Admin")
    assert end(alpha, alpha.reception).status_code == 302
    assert end(alpha, alpha.admin).status_code == 302
    with alpha.acting(), pytest.raises(Refused):
        Membership.objects.get(person=other).end()


def test_nor_can_the_administration_pages_end_the_last_administrator(alpha):
    client = alpha.client("admin")
    with alpha.acting():
        pk = Membership.objects.get(person=alpha.admin).pk
    page = client.post(f"{alpha.url}/admin/hospital/membership/{pk}/change/", {})
    assert page.status_code == 200 and b"Nobody else may administer" in page.content
    with alpha.acting():
        assert Membership.objects.get(pk=pk).is_active


def test_somebody_who_was_deactivated_is_out_at_the_next_request(alpha):
    client = alpha.client("reception")
    assert client.get(f"{alpha.url}/front-desk/").status_code == 200
    alpha.reception.is_active = False
    alpha.reception.save()
    answer = client.get(f"{alpha.url}/front-desk/")
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/login/")


def test_people_log_in_while_valkey_is_away_and_guesses_are_counted_all_the_same(alpha):
    away = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0", "KEY_PREFIX": alpha.mark}}
    with override_settings(CACHES=away):
        right, wrong = ({"login": alpha.pharmacy.email, "password": word} for word in (PASSWORD, "wrong and wrong"))
        assert Client().post("/accounts/login/", right).status_code == 302
        pages = [Client().post("/accounts/login/", wrong, REMOTE_ADDR="192.0.2.9") for _ in range(7)]
        assert {page.status_code for page in pages} == {200}
        assert b"Too many failed" in pages[-1].content and b"Too many failed" not in pages[0].content


def test_nobody_is_invited_as_an_administrator_by_leaving_the_role_alone(alpha):
    client = alpha.client("admin")
    assert '<option value="" selected>Choose a role</option>' in client.get(f"{alpha.url}/people/").content.decode()
    answer = client.post(
        f"{alpha.url}/people/invite/", {"name": "Nadia Novak", "email": "nadia@example.org", "role": ""}
    )
    assert answer.status_code == 422


@pytest.fixture
def brought(monkeypatch):
    """A release with one permission more, which the pharmacy of a new tenant would have."""
    changed = [replace(role, permissions=(*role.permissions, "clinical.fly")) for role in roles.ROLES]
    kept = [new if new.key == "pharmacy" else old for new, old in zip(changed, roles.ROLES, strict=True)]
    monkeypatch.setitem(roles.PERMISSIONS, "clinical.fly", "fly")
    monkeypatch.setattr(roles, "ROLES", tuple(kept))
    yield "clinical.fly"
    with owner() as database:
        held = "(SELECT id FROM auth_permission WHERE codename = 'clinical.fly')"
        database.execute(f"DELETE FROM guardian_groupobjectpermission WHERE permission_id IN {held}")
        database.execute("DELETE FROM auth_permission WHERE codename = 'clinical.fly'")


def holders(hospital, name: str) -> set[str]:
    with hospital.acting():
        return {role.key for role in Role.objects.all() if name in role.permissions}


def test_what_a_release_brings_is_given_to_the_roles_that_have_it_in_a_new_tenant(alpha, beta, brought):
    make_permissions("owner", apps)
    assert holders(alpha, brought) == holders(beta, brought) == {"pharmacy"}


def test_a_permission_that_was_taken_away_stays_away_at_the_next_release(alpha, brought):
    make_permissions("owner", apps)
    with alpha.acting():
        role = Role.objects.get(key="pharmacy")
        role.allow_exactly(role.permissions - {brought})
    make_permissions("owner", apps)
    assert holders(alpha, brought) == set()


# --- an account that is deactivated ---------------------------------------------------------------------


def let(hospital, action: str, *people: Person) -> str:
    """What the administration page says to an administrator who does this to these people."""
    fields = {"action": action, "_selected_action": [person.pk for person in people]}
    page = hospital.client("admin").post(f"{hospital.url}/admin/hospital/person/", fields, follow=True)
    return page.content.decode()


def may_log_in(person: Person) -> bool:
    who = {"login": person.email, "password": PASSWORD}
    return Client().post("/accounts/login/", who).status_code == 302 and Person.objects.get(pk=person.pk).is_active


def test_an_administrator_deactivates_an_account_and_activates_it_again(alpha):
    client = alpha.client("reception")
    client.get(f"{alpha.url}/")
    assert "Reception is deactivated." in let(alpha, "deactivate", alpha.reception)
    assert client.get(f"{alpha.url}/front-desk/").status_code == 302 and not may_log_in(alpha.reception)
    assert "Reception may log in again." in let(alpha, "activate", alpha.reception)
    assert may_log_in(alpha.reception)
    assert client.get(f"{alpha.url}/front-desk/").status_code == 302, "what was open before stays closed"
    with alpha.acting():
        lines = AuditEntry.objects.filter(table="hospital_person", row_id=alpha.reception.pk).order_by("id")
        assert [(line.action, line.person_id) for line in lines] == [
            ("deactivated", alpha.admin.pk),
            ("activated", alpha.admin.pk),
        ]


@pytest.mark.parametrize("action", ["deactivate", "activate"])
def test_whoever_works_for_another_organisation_too_is_none_of_its_business(alpha, beta, action):
    with beta.acting():
        Membership.grant(alpha.reception, "reception")
    was = action == "deactivate"
    Person.objects.filter(pk=alpha.reception.pk).update(is_active=was)
    said = let(alpha, action, alpha.reception)
    assert "The account of Reception stays." in said and beta.mark not in said
    assert Person.objects.get(pk=alpha.reception.pk).is_active == was


@pytest.mark.parametrize("action", ["deactivate", "activate"])
def test_nor_is_a_stranger_or_whoever_has_left(alpha, beta, action):
    with alpha.acting():
        Membership.grant(alpha.reception, "reception").end()
    was, both = action == "deactivate", (alpha.reception, beta.reception)
    Person.objects.filter(pk__in=[person.pk for person in both]).update(is_active=was)
    said = let(alpha, action, *both)
    assert "Reception does not work here." in said and beta.mark not in said
    assert {Person.objects.get(pk=person.pk).is_active for person in both} == {was}


def test_a_membership_elsewhere_that_was_ended_is_no_obstacle(alpha, beta):
    with beta.acting():
        Membership.grant(alpha.reception, "reception").end()
    assert "is deactivated" in let(alpha, "deactivate", alpha.reception)


def test_nobody_deactivates_the_own_account(alpha):
    assert alpha.person("admin", "Second Admin")
    assert "This account is your own" in let(alpha, "deactivate", alpha.admin)
    assert Person.objects.get(pk=alpha.admin.pk).is_active


def test_of_two_administrators_who_deactivate_each_other_the_second_stays(alpha):
    second = alpha.person("admin", "Second Admin")
    with alpha.acting("admin"):
        second.set_active(False)
    with acting_for(alpha.tenant, second), pytest.raises(Refused, match="Nobody else may administer"):
        alpha.admin.set_active(False)


def test_other_roles_deactivate_nobody(alpha):
    fields = {"action": "deactivate", "_selected_action": [alpha.pharmacy.pk]}
    assert alpha.client("reception").post(f"{alpha.url}/admin/hospital/person/", fields).status_code == 403
    assert Person.objects.get(pk=alpha.pharmacy.pk).is_active
