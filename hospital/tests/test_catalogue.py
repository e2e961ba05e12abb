"""TI-15: what the database's own catalogue says about the fences."""

import pytest
from django.apps import apps
from django.core import checks
from django.db import connection, transaction

from hospital.checks import application_role, fenced_tables, tenant_keys
from hospital.tenancy import TenantModel
from hospital.tests.databases import owner


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_every_tenant_table_is_fenced():
    assert fenced_tables(None, ["default"]) == []
    assert tenant_keys(None) == []


def test_every_tenant_model_is_known_to_the_database():
    tables = {row[0] for row in rows("SELECT relname FROM pg_class WHERE relforcerowsecurity")}
    assert {model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)} <= tables


def test_the_catalogue_check_finds_a_table_that_was_forgotten():
    with owner() as database:
        database.execute("CREATE TABLE forgotten (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, code text UNIQUE)")
        try:
            found = {message.msg for message in fenced_tables(None, ["default"])}
        finally:
            database.execute("DROP TABLE forgotten")
    assert {
        "Table forgotten: row-level security is not enabled and forced.",
        "Table forgotten: there is no restrictive policy for reading.",
        "Table forgotten: the unique index forgotten_code_key does not contain tenant_id.",
    } <= found


def test_the_application_is_no_superuser_and_owns_nothing():
    assert application_role(None, ["default"]) == []
    assert rows(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ) == [(False, False, False, False)]


def test_a_privileged_role_would_be_reported(settings, monkeypatch):
    """The premise of the check: the owner of the tables does not pass it."""
    from django.db import connections

    monkeypatch.setattr("hospital.checks.connection", connections["owner"])
    assert [message.id for message in application_role(None, ["default"])] == ["hospital.E003"]


def test_no_view_or_materialised_view_passes_the_fence():
    assert rows(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind IN ('v', 'm')"
    ) == [] or all(
        "security_invoker=true" in (options or [])
        for (options,) in rows(
            "SELECT reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind = 'v'"
        )
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET action = 'x'",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "DROP TABLE {}",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "INSERT INTO {} (id) VALUES (gen_random_uuid())",
    ],
)
def test_the_application_cannot_touch_the_audit_log(alpha, statement):
    """AU-4."""
    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError), alpha.acting(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("hospital_auditentry"))


def test_the_application_cannot_switch_the_audit_off(alpha):
    from django.db import ProgrammingError

    for statement in (
        "SET session_replication_role = replica",
        "ALTER TABLE hospital_role DISABLE TRIGGER audit",
        "ALTER TABLE hospital_role DISABLE ROW LEVEL SECURITY",
        "SET ROLE hospital_owner",
    ):
        with pytest.raises(ProgrammingError), alpha.acting(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_system_checks_find_nothing():
    assert [message for message in checks.run_checks(databases=["default"]) if message.level >= checks.WARNING] == []
