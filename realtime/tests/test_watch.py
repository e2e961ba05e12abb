"""Moments of a revocation that no test on sockets can hit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from django.conf import settings

from clinical.models import Patient, Visit
from hospital.context import current
from hospital.models import Person
from hospital.tests.databases import database_url, owner
from hospital.tests.hospital import Hospital
from realtime import outlet, paint
from realtime.connection import Connection
from realtime.doorkeeper import LOG_IN, Asker, Identity, identify_all
from realtime.hub import Hub
from realtime.log import Log
from realtime.models import Event
from realtime.outlet import Message
from realtime.revocation import Watch
from realtime.tests.listening import cursor_of
from realtime.tests.test_socket import grant


class Socket:
    """A connection that came through the real door, and, as its outlet, what was written to it."""

    def __init__(self, hospital: Hospital, name: str, role: str = "admin") -> None:
        key = hospital.client(role, name).cookies[settings.SESSION_COOKIE_NAME].value
        asker = Asker(hospital.tenant.slug, key)
        [identity] = identify_all([asker])
        assert isinstance(identity, Identity)
        self.sent: list[str] = []
        self.codes: list[int] = []
        self.connection = Connection(asker, identity, self)

    def write(self, message: Message) -> int:
        self.sent.append(message.text)
        return 0

    def close(self, code: int) -> None:
        self.codes.append(code)

    @property
    def heard(self) -> str:
        return "".join(self.sent)


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
    with psycopg.connect(database_url("owner")) as slow:
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


async def test_who_comes_in_while_others_are_looked_up_is_looked_up_too(alpha, watched):
    vera, wanda = watched
    watch = watch_over(vera)
    Person.objects.filter(pk=wanda.connection.person_id).update(is_active=False)
    watch.due = {vera.connection}
    looking = asyncio.ensure_future(watch.identify_again(set(watch.due)))
    await asyncio.sleep(0)
    watch.due.add(wanda.connection)
    await looking
    assert watch.due == {wanda.connection}


async def test_notes_that_may_be_gone_are_not_relied_upon(alpha, watched):
    vera, _ = watched
    watch = watch_over(vera)
    await watch.check()
    Person.objects.filter(pk=vera.connection.person_id).update(is_active=False)
    with owner() as database:
        database.execute("DELETE FROM hospital_authchange")
    watch.checked_at -= 3600
    await watch.check()
    assert vera.codes == [LOG_IN]
    await watch.database.close()


# --- a turn of the hub ------------------------------------------------------------------------------------


@pytest.fixture
async def hub(alpha) -> AsyncIterator[Hub]:
    hub = Hub()
    yield hub
    for task in hub.tasks:
        task.cancel()
    await asyncio.gather(*hub.tasks, return_exceptions=True)
    await hub.log.close()


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.fixture
def made(monkeypatch) -> tuple[list[str], list[bytes]]:
    """The roles that something was rendered for, and the messages that were framed."""
    roles: list[str] = []
    messages: list[bytes] = []
    render, framed = paint.render, outlet.framed
    monkeypatch.setattr(paint, "render", lambda *given: roles.append(current().role.key) or render(*given))
    monkeypatch.setattr(outlet, "framed", lambda data: messages.append(data) or framed(data))
    return roles, messages


@pytest.mark.parametrize("times", [1, 3])
async def test_what_many_hear_is_rendered_and_framed_once_for_each_role(alpha, hub, made, monkeypatch, times):
    """Also if it happens to the same thing more than once in a turn."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    visit, hears = visit_of(alpha), {"checker_doctor": 3, "reception": 2}
    sockets = [Socket(alpha, f"{role} {number}", role) for role, many in hears.items() for number in range(many)]
    await join(hub, alpha, *sockets)
    event = {"name": "visit:created", "object_id": visit.pk, "roles": list(hears)}
    with alpha.acting():
        level = dict.fromkeys(hears, "info")
        Event.objects.bulk_create([Event(tenant=alpha.tenant, loudness=level, **event) for _ in range(times)])
    await until(lambda: all(f'id="visit-{visit.pk}' in socket.heard.replace("\\", "") for socket in sockets))
    roles, messages = made
    assert sorted(roles) == sorted(hears)
    assert sum(b'"events"' in message for message in messages) == len(hears)
    assert [socket.heard.count('"visit:created"') for socket in sockets] == [times] * len(sockets)


def visit_of(hospital: Hospital) -> Visit:
    with hospital.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ida", family_name="Quist", sex="female")
        return Visit.register(patient, complaint="Cough", by=acting.person)


async def join(hub: Hub, hospital: Hospital, *sockets: Socket) -> None:
    for socket in sockets:
        hub.enter(socket.connection)
        hub.resume(socket.connection, *split(cursor_of(hospital)))
    await until(lambda: all("head" in socket.heard for socket in sockets))


def split(cursor: str) -> tuple[str, int]:
    epoch, seq = cursor.split(":")
    return epoch, int(seq)


async def test_what_is_rendered_late_does_not_reach_who_lost_the_right_meanwhile(alpha, watched, hub):
    """It would show what the object has become since."""
    vera, wanda = watched
    await join(hub, alpha, vera, wanda)
    slow = threading.Event()
    paint.thread.submit(slow.wait, 60)
    membership = grant(alpha, "Before")
    await until(lambda: paint.thread._work_queue.qsize() > 0)
    Person.objects.filter(pk=vera.connection.person_id).update(is_active=False)
    Person.objects.filter(pk=membership.person_id).update(name="Afterwards")
    slow.set()
    await until(lambda: "Afterwards" in wanda.heard)
    assert (vera.codes, wanda.codes) == ([LOG_IN], [])
    assert str(membership.pk) not in vera.heard


class Broken:
    """As if the server under us had an error."""

    def __init__(self) -> None:
        self.is_cut_off = False

    def write(self, message: Message) -> int:
        if "events" in message.text or "resync" in message.text:
            raise RuntimeError
        return 0

    def close(self, code: int) -> None:
        pass

    def abort(self) -> None:
        self.is_cut_off = True


async def test_an_error_on_one_socket_leaves_nobody_without_what_happened(alpha, watched, hub):
    others = [Socket(alpha, f"Vera {number}") for number in range(6)]
    broken = Socket(alpha, "Bruno")
    broken.connection.outlet = broken_outlet = Broken()
    await join(hub, alpha, *others)
    hub.enter(broken.connection)
    hub.resume(broken.connection, *split(cursor_of(alpha)))
    stream = hub.streams[alpha.tenant.pk]
    await until(lambda: not stream.waiting)
    membership = grant(alpha)
    await until(lambda: broken_outlet.is_cut_off)
    assert all(str(membership.pk) in other.heard or "resync" in other.heard for other in others)
