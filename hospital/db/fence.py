"""What makes a table a tenant table in the database: row-level security, composite keys, and the audit trigger.

`makemigrations` adds a `Fence` for every new tenant model and key by itself (hospital/management/commands).
hospital/checks.py and hospital/tests/test_catalogue.py prove that no table was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard

from django.conf import settings
from django.db import models
from django.db.migrations.operations.base import Operation

TENANT = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid)"


class Fence(Operation):
    """Fence these models. Safe to run again for a model that got a new key.

    `audit=False` is for logs that would only record themselves; `also_visible` is SQL that lets more rows be *read*.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, names: list[str], audit: bool = True, also_visible: str = "") -> None:
        self.names, self.audit, self.also_visible = names, audit, also_visible

    def deconstruct(self) -> tuple[str, list, dict]:
        options = {"audit": False} if not self.audit else {}
        return "Fence", [self.names], options | ({"also_visible": self.also_visible} if self.also_visible else {})

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        found = [to_state.apps.get_model(app_label, name) for name in self.names]
        for make in (self.security, self.unique, self.keys):
            for model in found:
                for statement in make(model):
                    schema_editor.execute(statement, None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass  # the tables go away with their CreateModel

    def describe(self) -> str:
        return f"Fence {', '.join(self.names)}"

    def security(self, model: type[models.Model]) -> Iterator[str]:
        table = quote(model._meta.db_table)
        seen = f"({TENANT} OR {self.also_visible})" if self.also_visible else TENANT
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        for name in ("anybody", "tenant", "tenant_reads", "tenant_inserts", "tenant_updates", "tenant_deletes"):
            yield f"DROP POLICY IF EXISTS {name} ON {table}"
        yield f"CREATE POLICY anybody ON {table} USING (true) WITH CHECK (true)"
        if self.also_visible:
            yield f"CREATE POLICY tenant_reads ON {table} AS RESTRICTIVE FOR SELECT USING ({seen})"
            yield f"CREATE POLICY tenant_inserts ON {table} AS RESTRICTIVE FOR INSERT WITH CHECK ({TENANT})"
            yield f"CREATE POLICY tenant_updates ON {table} AS RESTRICTIVE FOR UPDATE USING ({TENANT}) WITH CHECK ({TENANT})"
            yield f"CREATE POLICY tenant_deletes ON {table} AS RESTRICTIVE FOR DELETE USING ({TENANT})"
        else:
            yield f"CREATE POLICY tenant ON {table} AS RESTRICTIVE USING ({TENANT}) WITH CHECK ({TENANT})"
        yield f"DROP TRIGGER IF EXISTS audit ON {table}"
        if self.audit:
            yield f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_row()"

    def unique(self, model: type[models.Model]) -> Iterator[str]:
        yield unless_there(model, f"{model._meta.db_table}_in_tenant", "UNIQUE (tenant_id, id)")

    def keys(self, model: type[models.Model]) -> Iterator[str]:
        for field in model._meta.local_fields:
            target = field.related_model
            if field.many_to_one and is_tenant_model(target):
                yield unless_there(
                    model,
                    f"{model._meta.db_table}_{field.column}_in_tenant",
                    f"FOREIGN KEY (tenant_id, {quote(str(field.column))}) REFERENCES {quote(target._meta.db_table)} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED",
                )


def is_tenant_model(model: type[models.Model] | None) -> TypeGuard[type[models.Model]]:
    return model is not None and any(field.name == "tenant" for field in model._meta.local_fields)


def unless_there(model: type[models.Model], name: str, definition: str) -> str:
    """Add a constraint once. Names are cut to what PostgreSQL keeps."""
    name, table = name[:63], model._meta.db_table
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}' AND conrelid = '{table}'::regclass) THEN "
        f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(name)} {definition}; END IF; END $$"
    )


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Grant(Operation):
    """Give the application's role what it needs in this schema, now and for tables to come, and nothing else."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        role = quote(settings.DATABASES["default"]["USER"])
        for statement in (
            f"GRANT USAGE ON SCHEMA public TO {role}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        ):
            schema_editor.execute(statement, None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass

    def describe(self) -> str:
        return "Grant the application its rights"


class Withhold(Operation):
    """Take rights on one model's table from the application: `Withhold("AuditEntry", ["INSERT", "UPDATE", "DELETE"])`."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, name: str, rights: list[str]) -> None:
        self.name, self.rights = name, rights

    def deconstruct(self) -> tuple[str, list, dict]:
        return "Withhold", [self.name, self.rights], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        role = settings.DATABASES["default"]["USER"]
        schema_editor.execute(f"REVOKE {', '.join(self.rights)} ON {quote(table)} FROM {quote(role)}", None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass

    def describe(self) -> str:
        return f"Withhold {', '.join(self.rights)} on {self.name} from the application"
