"""BEGIN, who acts, and savepoints travel with the next statement; what they promise stays."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import DatabaseError, InternalError, ProgrammingError, connection, transaction
from psycopg.pq import TransactionStatus

from hospital.models import Role
from hospital.tenancy import acting_for


class Left(Exception):
    """As when a block is left early."""


@pytest.fixture(autouse=True)
def database(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield
        connection.close()


def status() -> int:
    return connection.connection.pgconn.transaction_status


def setting(name: str = "app.tenant") -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [name])
        return cursor.fetchone()[0] or ""


def title_of(role: Role) -> str:
    return Role.objects.values_list("title", flat=True).get(pk=role.pk)


def test_a_block_in_which_nothing_is_asked_never_reaches_the_server(alpha):
    connection.ensure_connection()
    with acting_for(alpha.tenant), transaction.atomic():
        assert status() == TransactionStatus.IDLE
    with acting_for(alpha.tenant):
        assert setting() == str(alpha.tenant.pk) and status() == TransactionStatus.INTRANS
    assert status() == TransactionStatus.IDLE and setting() == ""


def test_an_inner_block_that_is_left_early_undoes_its_own_and_nothing_else(alpha):
    with acting_for(alpha.tenant):
        role = Role.objects.get(key="reception")
        role.title = "Kept"
        role.save()
        with pytest.raises(Left), transaction.atomic():
            Role.objects.filter(pk=role.pk).update(title="Undone")
            with transaction.atomic():
                Role.objects.filter(pk=role.pk).update(title="Undone too")
            raise Left
        assert title_of(role) == "Kept"
    with acting_for(alpha.tenant):
        assert title_of(role) == "Kept"


def test_an_inner_block_that_fails_before_it_asked_anything_leaves_the_outer_one_as_it_was(alpha):
    with acting_for(alpha.tenant):
        role = Role.objects.get(key="pharmacy")
        Role.objects.filter(pk=role.pk).update(title="Kept")
        with pytest.raises(Left), transaction.atomic(), transaction.atomic():
            raise Left
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        assert title_of(role) == "Kept"


def test_who_acts_is_as_before_when_an_inner_tenant_is_left_in_any_way(alpha, beta):
    with acting_for(alpha.tenant):
        for asks in (True, False):
            for fails in (True, False):
                try:
                    with acting_for(beta.tenant):
                        assert not asks or setting() == str(beta.tenant.pk)
                        if fails:
                            raise Left
                except Left:
                    pass
                assert setting() == str(alpha.tenant.pk)


def test_an_error_that_was_passed_over_ends_its_block(alpha):
    with acting_for(alpha.tenant):
        role = Role.objects.get(key="billing")
        before = role.title
        with pytest.raises(InternalError), transaction.atomic(), connection.cursor() as cursor:
            Role.objects.filter(pk=role.pk).update(title="Undone")
            with suppress(DatabaseError):
                cursor.execute("SELECT 1 / 0")
        assert title_of(role) == before


def test_what_follows_a_first_statement_that_nobody_understands_is_still_one_transaction(alpha):
    """The server refuses such a statement as a whole, with the BEGIN before it."""
    with pytest.raises(Left), acting_for(alpha.tenant):
        with connection.cursor() as cursor, suppress(ProgrammingError):
            cursor.execute("SELEKT")
        Role.objects.filter(key="billing").update(title="Undone")
        assert status() == TransactionStatus.INTRANS
        raise Left
    with acting_for(alpha.tenant):
        assert not Role.objects.filter(title="Undone").exists()


def test_what_is_checked_at_commit_knows_who_acts_then(alpha, beta):
    """The inner block is over, and the database learns that before it checks."""
    with connection.cursor() as cursor:
        cursor.execute(WITNESS)
    with transaction.atomic(), acting_for(alpha.tenant):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO witness VALUES ('')")
        with acting_for(beta.tenant):
            setting()
    with connection.cursor() as cursor:
        cursor.execute("SELECT said FROM witness")
        assert cursor.fetchall() == [("",), ("at commit ",)]
        cursor.execute("DROP TABLE witness")  # the application owns no tables: another test looks


WITNESS = """
    CREATE TEMPORARY TABLE witness (said text);
    CREATE FUNCTION pg_temp.witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.said = '' THEN INSERT INTO witness VALUES ('at commit ' || current_setting('app.tenant', true)); END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER witness AFTER INSERT ON witness DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION pg_temp.witness()
"""
