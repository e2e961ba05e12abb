"""The first words of every outermost transaction name the tenant, the person and the request.

Row-level security and the audit triggers read these settings. They are local to the transaction, and are set
before any savepoint, so that rolling a savepoint back cannot undo them and a pooled connection cannot keep them.

They travel with the first statement that asks for something, as BEGIN and savepoints do: see hospital/db/ahead.py.
"""

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql import base
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.backends.utils import debug_transaction
from psycopg.pq import TransactionStatus

from hospital.context import Acting, current_or_none
from hospital.db.ahead import Ahead, Cursor
from hospital.seals import refuse_masked


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


class Operations(DatabaseOperations):
    def adapt_json_value(self, value: Any, encoder: Any) -> Any:
        refuse_masked(value)
        return super().adapt_json_value(value, encoder)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = Operations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ahead = Ahead()

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "cursor_factory": Cursor}

    def create_cursor(self, name: str | None = None) -> Any:
        if name:
            self.send_ahead()
        cursor = super().create_cursor(name)
        if isinstance(cursor, Cursor):
            cursor.ahead = self.ahead
        return cursor

    def send_ahead(self) -> None:
        if self.ahead:
            with self.wrap_database_errors, self.connection.cursor() as cursor:
                cursor.execute(self.ahead.take())

    def tell(self) -> None:
        """Name the acting context inside the open transaction."""
        self.ahead.tell(settings_of(current_or_none()))

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

    def _set_autocommit(self, autocommit: bool) -> None:
        """For psycopg it is always on: the transaction is begun by our own word."""
        if not self.connection.autocommit:
            with self.wrap_database_errors:
                self.connection.autocommit = True
        self.ahead.clear()
        if not autocommit:
            self.ahead.begin()
            self.tell()

    def _savepoint(self, sid: str) -> None:
        self.ahead.append(self.ops.savepoint_create_sql(sid))

    def _savepoint_commit(self, sid: str) -> None:
        if self.ahead.forget(self.ops.savepoint_create_sql(sid)):
            return
        self.ahead.append(self.ops.savepoint_commit_sql(sid))
        if self.connection.pgconn.transaction_status == TransactionStatus.INERROR:
            self.send_ahead()  # and be refused: an error was passed over

    def _savepoint_rollback(self, sid: str) -> None:
        if not self.ahead.cut_after(self.ops.savepoint_create_sql(sid)):
            self.ahead.clear()
            self.ahead.append(self.ops.savepoint_rollback_sql(sid))
            self.send_ahead()

    def _commit(self) -> None:
        """Who acts counts for what is checked at COMMIT, too."""
        if self.ahead.tells and not self.ahead.begins:
            self.ahead.append("COMMIT")
            self.send_ahead()
        self.ahead.clear()
        with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
            self.connection.commit()

    def _rollback(self) -> None:
        self.ahead.clear()
        with debug_transaction(self, "ROLLBACK"), self.wrap_database_errors:
            self.connection.rollback()
