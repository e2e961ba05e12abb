"""The first statement of every outermost transaction names the tenant, the person and the request.

Row-level security and the audit triggers read these settings. They are local to the transaction, and are set
before any savepoint, so that rolling a savepoint back cannot undo them and a pooled connection cannot keep them.
"""

from typing import Any

from django.db.backends.postgresql import base

from hospital.context import Acting, current_or_none

ASK = "SELECT set_config('app.tenant', %s, true), set_config('app.person', %s, true), set_config('app.role', %s, true), set_config('app.request', %s, true)"


def settings_of(acting: Acting | None) -> tuple[str, str, str, str]:
    if acting is None:
        return ("", "", "", "")
    person = str(acting.person.pk) if acting.person else ""
    return (str(acting.tenant.pk), person, acting.role.key if acting.role else "", acting.request_id)


class DatabaseWrapper(base.DatabaseWrapper):
    def set_autocommit(self, autocommit: bool, *args: Any, **kwargs: Any) -> None:
        super().set_autocommit(autocommit, *args, **kwargs)
        if not autocommit:
            self.tell()

    def tell(self) -> None:
        """Name the acting context inside the open transaction."""
        self.connection.execute(ASK, settings_of(current_or_none()))
