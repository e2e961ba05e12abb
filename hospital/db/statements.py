"""Statements of migrations: those that a later one edits, and those that are carried out in each tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def edited(statement: str, *changes: tuple[str, str]) -> str:
    """With each change made. One that finds nothing to change is an error: a guard would silently stay as it was."""
    for former, now in changes:
        if former not in statement:
            raise ValueError(f"There is nothing like this to change in the statement: {former}")
        statement = statement.replace(former, now)
    return statement


def in_each_tenant(*statements: str) -> Callable[[Any, Any], None]:
    """For `RunPython`: row-level security shows the owner nothing either, unless a tenant is open."""

    def carry_out(apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT id FROM hospital_tenant")
            for (tenant,) in cursor.fetchall():
                cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant)])
                for statement in statements:
                    cursor.execute(statement)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SELECT set_config('app.tenant', '', true)")

    return carry_out
