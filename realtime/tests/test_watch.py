"""Moments of a revocation that no test on sockets can hit."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings

from hospital.models import Person
from hospital.tests.hospital import Hospital
from hospital.tests.test_isolation import owner
from realtime.connection import Connection
from realtime.doorkeeper import LOG_IN, Asker, Identity, identify_all
from realtime.log import Log
from realtime.outlet import Plain
from realtime.revocation import Watch
from realtime.tests.test_revocation import at_the_database


class Socket:
    """A connection that came through the real door, and what was written to it."""

    def __init__(self, hospital: Hospital, name: str) -> None:
        key = hospital.client("admin", name).cookies[settings.SESSION_COOKIE_NAME].value
        asker = Asker(hospital.tenant.slug, key)
        [identity] = identify_all([asker])
        assert isinstance(identity, Identity)
        self.sent: list[dict] = []
        self.connection = Connection(asker, identity, Plain(self.send))

    async def send(self, message: dict) -> None:
        self.sent.append(message)

    @property
    def codes(self) -> list[int]:
        return [message["code"] for message in self.sent if message["type"] == "websocket.close"]


def watch_over(*sockets: Socket) -> Watch:
    open_ones = [socket.connection for socket in sockets]
    return Watch(Log(), lambda: open_ones, lambda connection: None)


@pytest.fixture
def watched(alpha, monkeypatch) -> tuple[Socket, Socket]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # the test itself asks the database between two looks
    return Socket(alpha, "Vera"), Socket(alpha, "Wanda")


async def test_what_changed_between_the_look_up_and_the_coming_in_counts(alpha, watched):
    vera, wanda = watched
    watch = watch_over()
    await watch.check()
    Person.objects.filter(pk=vera.connection.person_id).update(is_active=False)
    await watch.check()
    watch.enter(vera.connection)
    watch.enter(wanda.connection)
    await watch.check()
    assert (vera.codes, wanda.codes) == ([LOG_IN], [])
    await watch.database.close()


async def test_a_change_that_commits_after_a_later_one_is_not_passed_over(alpha, watched):
    """A cursor over numbers would have gone on to the later one already."""
    vera, wanda = watched
    watch = watch_over(vera, wanda)
    await watch.check()
    with psycopg.connect(**at_the_database()) as slow:
        slow.execute("UPDATE hospital_person SET is_active = false WHERE id = %s", [vera.connection.person_id])
        Person.objects.filter(pk=wanda.connection.person_id).update(is_active=False)
        await watch.check()
        assert (vera.codes, wanda.codes) == ([], [LOG_IN])
    await watch.check()
    assert vera.codes == [LOG_IN]
    await watch.database.close()


async def test_a_check_that_fails_raises_and_the_next_one_looks_at_everybody(alpha, watched):
    vera, _ = watched
    watch = watch_over(vera)
    await watch.check()
    connection = await watch.database._connected()
    await connection.close()
    Person.objects.filter(pk=vera.connection.person_id).update(is_active=False)
    with owner() as database:
        database.execute("DELETE FROM hospital_authchange")
    assert watch.is_sure
    with pytest.raises(psycopg.Error):
        await watch.check()
    assert not watch.is_sure
    await watch.check()
    assert vera.codes == [LOG_IN] and watch.is_sure
    await watch.database.close()
