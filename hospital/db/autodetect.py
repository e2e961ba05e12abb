"""`makemigrations` fences new tenant tables by itself, so that nobody can forget it."""

from __future__ import annotations

from typing import Any, cast

from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.operations import AddField, CreateModel

from hospital.db.fence import Fence


class FencingAutodetector(MigrationAutodetector):
    def changes(self, *args: Any, **kwargs: Any) -> dict:
        changes = super().changes(*args, **kwargs)
        for migrations in changes.values():
            for migration in migrations:
                if names := sorted({name for operation in migration.operations for name in needs_fence(operation)}):
                    cast(list, migration.operations).append(Fence(names))
        return changes


def needs_fence(operation: Any) -> list[str]:
    if isinstance(operation, CreateModel) and any(name == "tenant" for name, _ in operation.fields):
        return [operation.name]
    # Where tables need one another, Django makes them first and adds their keys later, the tenant's among them.
    if isinstance(operation, AddField) and (
        operation.name == "tenant" or type(operation.field).__name__ == "TenantKey"
    ):
        return [operation.model_name]
    return []
