"""The list of whose rights may have changed: what is noted, who may write it, when it is forgotten."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.db import ProgrammingError, connection, transaction
from django.db.models import F

from hospital.models import AuthChange, Membership, Person, Role, Session, Tenant
from hospital.models.session import EVERYBODY
from hospital.tasks import forget_auth_changes
from hospital.tests.databases import owner
from hospital.tests.test_sessions import IDLE, key_of


def subjects_of(hospital, work) -> set:
    """Whom the database would have looked at again after this."""
    with hospital.acting(), connection.cursor() as cursor:
        work()
        cursor.execute("SELECT subject FROM hospital_authchange WHERE xact = pg_current_xact_id()::text::bigint")
        return {row[0] for row in cursor.fetchall()}


def test_the_database_notes_whose_rights_may_have_changed(alpha):
    person, tenant, client = alpha.reception, alpha.tenant, alpha.client("reception")
    sessions, people = Session.objects.filter(session_key=key_of(client)), Person.objects.filter(pk=person.pk)
    cases = [
        (lambda: Membership.objects.filter(person=person).update(is_active=False), {person.pk}),
        (lambda: Role.objects.filter(key="reception").update(position=9), {tenant.pk}),
        (lambda: Role.objects.get(key="reception").allow_exactly({"clinical.view_patient"}), {tenant.pk}),
        (lambda: Tenant.objects.filter(pk=tenant.pk).update(is_active=False), {tenant.pk}),
        (lambda: people.update(password="x"), {person.pk}),
        (lambda: people.update(is_active=False), {person.pk}),
        (lambda: sessions.update(session_data="x"), {person.pk}),
        (lambda: sessions.update(expire_date=F("expire_date") - IDLE), {person.pk}),
        (lambda: sessions.update(person=alpha.admin), {person.pk, alpha.admin.pk}),
        (lambda: sessions.delete(), {alpha.admin.pk}),
    ]
    assert alpha.admin
    assert [subjects_of(alpha, work) for work, _ in cases] == [noted for _, noted in cases]


def test_the_database_does_not_note_what_changes_no_right(alpha):
    person, client = alpha.reception, alpha.client("reception")
    sessions = Session.objects.filter(session_key=key_of(client))
    for work in (
        lambda: Tenant.objects.filter(pk=alpha.tenant.pk).update(name="Another name"),
        lambda: Person.objects.filter(pk=person.pk).update(name="Ida"),
        lambda: sessions.update(expire_date=F("expire_date") + IDLE, agent="x"),
    ):
        assert subjects_of(alpha, work) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO hospital_authchange (xact, subject) VALUES (1, gen_random_uuid())",
        "UPDATE hospital_authchange SET subject = gen_random_uuid()",
        "TRUNCATE hospital_authchange",
        "SELECT auth_changed(gen_random_uuid())",
    ],
)
def test_the_application_cannot_write_the_list_itself(alpha, statement):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_all_factors_at_once_are_noted_too(alpha):
    Authenticator.objects.create(user=alpha.reception, type="totp", data={"secret": "x"})
    with owner() as database, database.transaction(force_rollback=True):
        database.execute("TRUNCATE mfa_authenticator")
        found = database.execute(
            "SELECT subject FROM hospital_authchange WHERE xact = pg_current_xact_id()::text::bigint"
        )
        assert (alpha.reception.pk,) in found.fetchall()


def test_a_table_of_organisations_that_is_emptied_concerns_everybody():
    """To empty it would empty all that belong to it, which are noted by themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'hospital_tenant'::regclass AND tgtype & 32 > 0")
        assert ("auth_emptied",) in cursor.fetchall()


def test_a_line_is_as_old_as_its_change_and_not_as_its_statement(alpha):
    person = alpha.reception
    with alpha.acting(), connection.cursor() as cursor:
        cursor.execute("UPDATE hospital_person SET is_active = false FROM pg_sleep(0.2) WHERE id = %s", [person.pk])
        cursor.execute(
            "SELECT at >= now() + interval '0.2 s' FROM hospital_authchange"
            " WHERE xact = pg_current_xact_id()::text::bigint"
        )
        assert cursor.fetchall() == [(True,)]


def test_old_lines_of_the_list_are_forgotten(alpha):
    assert alpha.reception and AuthChange.objects.exists()
    with owner() as database:
        database.execute(
            "INSERT INTO hospital_authchange VALUES (DEFAULT, 1, %s, now() - interval '25 h')", [EVERYBODY]
        )
    forget_auth_changes()
    assert AuthChange.objects.exists() and not AuthChange.objects.filter(xact=1).exists()
