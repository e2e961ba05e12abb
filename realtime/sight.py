"""What a page may show of presence: a signed word of who looks at what, made where the right to look was just checked.

It is good for two minutes, and only until somebody's rights may have changed who holds it; the page renews it at an
address that checks the right again. On another person's socket, in another hospital or in another role it is worth nothing.

All times are the database's: the servers' own clocks may differ by minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from django.core import signing

from hospital.context import current
from realtime.clock import database_clock
from realtime.connection import Connection

GOOD_FOR = 120  # seconds
SALT = "realtime.sight.3"

doubted: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()  # since when older words count no more


@dataclass(frozen=True)
class Sight:
    """`parts` are those that this role may know of: to edit one, or to see who does."""

    tenant_id: UUID
    person_id: UUID
    subject_id: UUID
    role: str
    name: str
    title: str
    parts: frozenset[str]
    at: float

    def counts_for(self, connection: Connection) -> bool:
        since = doubted.get(connection, 0.0)
        was_put_back = since - database_clock.time() > GOOD_FOR  # then all older words are from the future too
        return self.at > since or was_put_back


def doubt(connection: Connection, since: float) -> None:
    """What the holder may see has perhaps become less: only later words count."""
    doubted[connection] = since


def token_for(subject_id: UUID, parts: Iterable[str]) -> str:
    """For the acting person, whose right to see the subject the caller has checked. Nobody in particular gets none."""
    acting = current()
    if acting.person is None or acting.role is None:
        return ""
    ids = [acting.tenant.pk.hex, acting.person.pk.hex, subject_id.hex]
    who = [acting.role.key, acting.person.name, acting.role.title]
    return signing.dumps([*ids, *who, database_clock.time(), sorted(parts)], salt=SALT)


def read(token: str, connection: Connection) -> Sight | None:
    """Nothing, if it is forged, too old, or was given to somebody else."""
    try:
        tenant, person, subject, role, name, title, at, parts = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    sight = Sight(UUID(tenant), UUID(person), UUID(subject), role, name, title, frozenset(parts), at)
    is_fresh = abs(database_clock.time() - at) <= GOOD_FOR  # nor was the database's clock put back since
    given_to = (sight.tenant_id, sight.person_id, sight.role)
    return sight if is_fresh and given_to == (connection.tenant_id, connection.person_id, connection.role) else None
