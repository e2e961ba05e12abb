"""System checks: what would otherwise be a convention."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connection

from hospital.tenancy import TenantKey, TenantModel


def register_all() -> None:
    checks.register(tenant_keys, checks.Tags.models)
    checks.register(application_role, checks.Tags.database)


def tenant_keys(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A key between tenant tables is a TenantKey, and there is no automatic join table."""
    found: list[checks.CheckMessage] = []
    for model in apps.get_models():
        if not issubclass(model, TenantModel):
            continue
        for field in model._meta.local_fields:
            if field.many_to_one and issubclass(field.related_model, TenantModel) and not isinstance(field, TenantKey):
                found.append(checks.Error("Use TenantKey for a key to a tenant model.", obj=field, id="hospital.E001"))
        for field in model._meta.local_many_to_many:
            if field.remote_field.through._meta.auto_created:
                found.append(checks.Error("Write the join table as a tenant model of its own.", obj=field, id="hospital.E002"))
    return found


def application_role(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """The application must not be able to pass row-level security, or every isolation test is falsely green."""
    if "default" not in (databases or ()):
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls, EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid) FROM pg_roles WHERE rolname = current_user")
        superuser, bypasses, owns = cursor.fetchone()
    reasons = [reason for wrong, reason in ((superuser, "is a superuser"), (bypasses, "bypasses row-level security"), (owns, "owns tables")) if wrong]
    return [checks.Error(f"The application's database role {reason}.", id="hospital.E003") for reason in reasons]
