"""The first statement of every outermost transaction names the tenant, the person and the request.

Row-level security and the audit triggers read these settings. They are local to the transaction, and are set
before any savepoint, so that rolling a savepoint back cannot undo them and a pooled connection cannot keep them.
"""

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql import base

from hospital.context import Acting, current_or_none

ASK = "SELECT set_config('app.tenant', %s, true), set_config('app.person', %s, true), set_config('app.role', %s, true), set_config('app.request', %s, true)"


def settings_of(acting: Acting | None) -> tuple[str, str, str, str]:
    if acting is None:
        return ("", "", "", "")
    person = str(acting.person.pk) if acting.person else ""
    return (str(acting.tenant.pk), person, acting.role.key if acting.role else "", acting.request_id)


class Undo:
    """Does nothing after the commit, and `undo` after a rollback."""

    def __init__(self, undo: Callable[[], Any]) -> None:
        self.undo = undo

    def __call__(self) -> None:
        pass


def on_rollback(undo: Callable[[], Any]) -> None:
    """Run this if what is open now (the transaction, or only this savepoint) is rolled back.

    For what no database undoes: a file that was written. A process that is killed runs nothing.
    """
    connections[DEFAULT_DB_ALIAS].on_commit(Undo(undo))


class DatabaseWrapper(base.DatabaseWrapper):
    def savepoint_rollback(self, sid: str) -> None:
        hooks = self.run_on_commit
        super().savepoint_rollback(sid)
        self._undo(hooks)

    def rollback(self) -> None:
        hooks = self.run_on_commit
        super().rollback()
        self._undo(hooks)

    def _undo(self, hooks: list[tuple]) -> None:
        kept = {id(hook) for _, hook, *_ in self.run_on_commit}
        for _, hook, *_ in reversed(hooks):
            if isinstance(hook, Undo) and id(hook) not in kept:
                hook.undo()

    def set_autocommit(self, autocommit: bool, *args: Any, **kwargs: Any) -> None:
        super().set_autocommit(autocommit, *args, **kwargs)
        if not autocommit:
            self.tell()

    def tell(self) -> None:
        """Name the acting context inside the open transaction."""
        self.connection.execute(ASK, settings_of(current_or_none()))
