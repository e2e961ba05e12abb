"""What need not be asked by itself: BEGIN, who acts, savepoints. They go to the server together with the next statement.

A request opens a transaction, names its tenant, and opens and closes several savepoints. Each of these would be a
way to the server and back, for an answer that says nothing. The order stays as it was written, and what is never
followed by a statement is never sent: a transaction in which nothing was asked, a savepoint around nothing.
"""

from __future__ import annotations

from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import quote

BEGIN = "BEGIN"
NAMES = ("app.tenant", "app.person", "app.role", "app.request")
TELL = "SELECT set_config("


class Ahead(list[str]):
    """Statements that wait for the next one."""

    @property
    def begins(self) -> bool:
        return self[:1] == [BEGIN]

    @property
    def tells(self) -> bool:
        return any(one.startswith(TELL) for one in self)

    def begin(self) -> None:
        self.append(BEGIN)

    def tell(self, values: tuple[str, str, str, str]) -> None:
        """Who was named a moment ago and did nothing need not be named."""
        if self and self[-1].startswith(TELL):
            self.pop()
        said = (f"set_config('{name}', {quote(value)}, true)" for name, value in zip(NAMES, values, strict=True))
        self.append(f"SELECT {', '.join(said)}")

    def forget(self, statement: str) -> bool:
        """Whether it waited here."""
        waited = statement in self
        if waited:
            self.remove(statement)
        return waited

    def cut_after(self, statement: str) -> bool:
        """Forget what came after it. Whether it waited here."""
        if statement not in self:
            return False
        del self[self.index(statement) + 1 :]
        return True

    def take(self, statement: str = "") -> str:
        whole = "; ".join([*self, statement] if statement else self)
        self.clear()
        return whole


class Cursor(psycopg.ClientCursor[Any]):
    ahead: Ahead | None = None

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Self:
        if not self.ahead:
            return super().execute(query, params, **kwargs)
        asked, waited = self.mogrify(query, params), list(self.ahead)
        try:
            super().execute(self.ahead.take(asked), None, **kwargs)
        except BaseException:
            self.put_back(waited)
            raise
        self.set_result(-1)
        return self

    def put_back(self, waited: list[str]) -> None:
        """Where not even the beginning was understood, as in a statement with a wrong syntax, nothing has begun."""
        if self.ahead is not None and self.connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self.ahead[:] = waited

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        self.send_ahead()
        super().executemany(*args, **kwargs)

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        self.send_ahead()
        return super().copy(*args, **kwargs)

    def send_ahead(self) -> None:
        if self.ahead:
            super().execute(self.ahead.take())
