"""System checks: what would otherwise be a convention."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connection

from hospital.db.fence import is_tenant_model
from hospital.tenancy import TenantKey, TenantModel


def register_all() -> None:
    checks.register(tenant_keys, checks.Tags.models)
    checks.register(application_role, checks.Tags.database)
    checks.register(fenced_tables, checks.Tags.database)


def tenant_keys(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A key between tenant tables is a TenantKey, and there is no automatic join table."""
    found: list[checks.CheckMessage] = []
    for model in apps.get_models():
        if not issubclass(model, TenantModel):
            continue
        for field in model._meta.local_fields:
            if field.many_to_one and is_tenant_model(field.related_model) and not isinstance(field, TenantKey):
                found.append(checks.Error("Use TenantKey for a key to a tenant model.", obj=field, id="hospital.E001"))
        for field in model._meta.local_many_to_many:
            through = field.remote_field.through
            if through is not None and through._meta.auto_created:
                found.append(
                    checks.Error("Write the join table as a tenant model of its own.", obj=field, id="hospital.E002")
                )
    return found


def application_role(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """The application must not be able to pass row-level security, or every isolation test is falsely green."""
    if "default" not in (databases or ()):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid) FROM pg_roles WHERE rolname = current_user"
        )
        superuser, bypasses, owns = cursor.fetchone()
    reasons = [
        reason
        for wrong, reason in (
            (superuser, "is a superuser"),
            (bypasses, "bypasses row-level security"),
            (owns, "owns tables"),
        )
        if wrong
    ]
    return [checks.Error(f"The application's database role {reason}.", id="hospital.E003") for reason in reasons]


def fenced_tables(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every table of every tenant model, and every other table that has a tenant_id, is fenced."""
    if "default" not in (databases or ()):
        return []
    with connection.cursor() as cursor:
        cursor.execute(UNFENCED)
        return [
            checks.Error(f"Table {table}: {reason}.", hint="Add a Fence in a migration.", id="hospital.E004")
            for table, reason in cursor.fetchall()
        ]


UNFENCED = """
WITH tenant_table AS (
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND EXISTS
        (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
), keyed AS (
    SELECT k.conrelid, k.conname, k.conkey, k.contype, k.confrelid FROM pg_constraint k
)
SELECT relname, 'row-level security is not enabled and forced' FROM tenant_table WHERE NOT (relrowsecurity AND relforcerowsecurity)
UNION ALL
SELECT relname, 'there is no restrictive policy for ' || word FROM tenant_table t,
    (VALUES ('r', 'reading'), ('a', 'inserting'), ('w', 'updating'), ('d', 'deleting')) AS command (letter, word)
    WHERE NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND NOT p.polpermissive AND p.polcmd IN ('*', letter::"char")
        AND coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') LIKE '%app.tenant%')
UNION ALL
SELECT t.relname, 'the key ' || k.conname || ' does not contain tenant_id' FROM tenant_table t
    JOIN keyed k ON k.conrelid = t.oid AND k.contype = 'f' JOIN tenant_table target ON target.oid = k.confrelid
    WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (k.conkey))
UNION ALL
SELECT t.relname, 'the unique index ' || i.indexrelid::regclass || ' does not contain tenant_id' FROM tenant_table t
    JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
    WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (i.indkey))
    AND NOT (i.indnatts = 1 AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0] AND (a.attname = 'id' AND a.atttypid = 'uuid'::regtype OR a.attname = 'group_id')))
"""
