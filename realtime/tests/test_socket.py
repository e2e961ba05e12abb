"""From a committed change to exactly the right sockets, over a real server."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid

import pytest
import requests
from django.db import connection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hospital.models import Membership, Person, SignIn
from realtime.models import Event
from realtime.tests.listening import Listener, cookie_of, cursor_of, dial, without_keys


def grant(hospital, name: str = "Nora") -> Membership:
    """A change that the admin hears of, with a fragment."""
    person = Person.objects.create(email=f"{name}.{uuid.uuid4().hex}@example.org", name=name)
    with hospital.acting("admin"):
        return Membership.grant(person, "reception")


def say_again(hospital, membership: Membership, **fields) -> None:
    """A line of the log about a row, as a release with other declarations would write it."""
    given = {"name": "user:changed", "object_id": membership.pk, "roles": ["admin"], "loudness": {"admin": "info"}}
    with hospital.acting("admin"):
        Event.objects.bulk_create([Event(tenant=hospital.tenant, **given | fields)])


def sign_in_often(hospital, times: int) -> None:
    with hospital.acting("admin"):
        for _ in range(times):
            SignIn.objects.create(person=hospital.admin, role="admin")


def test_the_admin_sees_a_new_person_at_once(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        membership = grant(alpha)
        page.hears("user:changed")
        assert f'id="membership-{membership.pk}"' in page.html[-1]
        assert 'data-v="1"' in page.html[-1]
        assert f'action="{alpha.url}/people/' in page.html[-1]


def test_what_is_pushed_is_what_the_page_shows(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        grant(alpha)
        page.hears("user:changed")
        shown = requests.get(f"{site.url}{alpha.url}/people/", headers={"Cookie": page.cookie}, timeout=10).text
        assert without_keys(page.html[-1]) in without_keys(shown)


def test_other_roles_and_the_other_hospital_receive_not_one_byte_of_it(site, alpha, beta):
    with (
        Listener(site, alpha, "admin") as admin,
        Listener(site, alpha, "reception") as reception,
        Listener(site, beta, "admin") as stranger,
    ):
        for page in (admin, reception, stranger):
            page.joined()
        membership = grant(alpha)
        admin.hears("user:changed")
        for page in (reception, stranger):
            page.listen(1.5)
            assert page.events == page.html == []
            assert str(membership.pk) not in page.received
            assert "Nora" not in page.received


def test_a_page_that_was_away_gets_what_it_missed_once_and_newest(site, alpha):
    before = cursor_of(alpha)
    membership = grant(alpha)
    with alpha.acting("admin"):
        Membership.objects.get(pk=membership.pk).end()
    with Listener(site, alpha, "admin", cursor=before) as page:
        page.joined()
        assert [event["name"] for event in page.events] == ["user:changed", "user:changed"]
        assert len(page.html) == 1
        assert 'data-v="2"' in page.html[0]
        assert page.cursor == cursor_of(alpha)


def test_a_page_that_missed_nothing_is_sent_nothing(site, alpha):
    grant(alpha)
    with Listener(site, alpha, "admin") as page:
        page.joined()
        assert page.events == []


def test_a_page_may_ask_again_from_an_older_place(site, alpha):
    before = cursor_of(alpha)
    with Listener(site, alpha, "admin") as page:
        page.joined()
        grant(alpha)
        page.hears("user:changed")
        page.cursor = before
        page.say({"resume": before})
        page.hears("user:changed")
        grant(alpha, "Olaf")
        page.hears("user:changed")


def test_after_500_events_the_page_is_told_to_fetch_itself_again_and_stays_live(site, alpha):
    before = cursor_of(alpha)
    sign_in_often(alpha, 501)
    is_told_to_fetch_itself(site, alpha, before)


def is_told_to_fetch_itself(site, hospital, cursor: str) -> None:
    """A page that comes with this cursor gets no events, and is live from now on."""
    with Listener(site, hospital, "admin", cursor=cursor) as page:
        page.joined()
        assert page.messages[0] == {"resync": cursor_of(hospital)}
        assert page.events == []
        grant(hospital)
        page.hears("user:changed")


def test_500_events_are_still_replayed(site, alpha):
    before = cursor_of(alpha)
    sign_in_often(alpha, 500)
    with Listener(site, alpha, "admin", cursor=before) as page:
        page.joined()
        assert len(page.events) == 500


@pytest.mark.parametrize("cursor", ["{other}:1", "{epoch}:999999999", ""], ids=["epoch", "future", "none"])
def test_a_cursor_that_the_log_does_not_continue_means_resync(site, alpha, cursor):
    epoch = cursor_of(alpha).split(":")[0]
    with Listener(site, alpha, "admin", cursor=cursor.format(epoch=epoch, other=uuid.uuid4())) as page:
        page.joined()
        assert page.messages[0] == {"resync": cursor_of(alpha)}


def test_pages_that_join_while_others_write_miss_nothing_and_get_nothing_twice(site, alpha):
    """`Listener.see` refuses a gap and a repetition; each page joins with a cursor that is already behind."""
    cursor_of(alpha)
    stop, written = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            written.append(grant(alpha, f"N{len(written)}"))
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        pages = [join_late(site, alpha) for _ in range(12)]
    finally:
        stop.set()
        writer.join()
    for page, began in pages:
        page.until(lambda page=page: page.cursor == cursor_of(alpha))
        assert len(page.events) == page.seq - began
        page.disconnect()


def join_late(site, hospital) -> tuple[Listener, int]:
    page = Listener(site, hospital, "admin")
    began = page.seq
    time.sleep(0.03)
    page.connect()
    return page, began


def test_an_event_for_one_person_reaches_no_other_of_the_same_role(site, alpha):
    membership = grant(alpha)
    second = alpha.person("admin", "second")
    with Listener(site, alpha, "admin") as first_page, Listener(site, alpha, "admin", name="second") as second_page:
        first_page.joined()
        second_page.joined()
        say_again(alpha, membership, people=[second.pk], loudness={"admin": "critical"})
        assert second_page.hears("user:changed")["loudness"] == "critical"
        first_page.until(lambda: first_page.cursor == cursor_of(alpha))
        assert first_page.events == first_page.html == []
        assert str(membership.pk) not in first_page.received


def test_a_fragment_that_cannot_be_made_lets_the_pages_fetch_again_and_the_stream_goes_on(site, alpha):
    membership = grant(alpha)
    with Listener(site, alpha, "admin") as page:
        page.joined()
        say_again(alpha, membership, object_id=uuid.uuid4(), loudness={"admin": "notice"})
        lost = page.hears("user:changed")
        assert lost["refetch"] is True
        assert (lost["title"], lost["loudness"]) == ("User changed", "notice")
        say_again(alpha, membership, name="unheard:of")
        assert page.hears("unheard:of")["refetch"] is True
        assert page.html == []
        grant(alpha)
        assert "refetch" not in page.hears("user:changed")


def test_the_head_is_told_every_five_seconds(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        page.messages.clear()
        page.until(lambda: any("head" in message for message in page.messages))
        assert page.messages[-1]["head"] == page.seq


def test_without_a_log_in_the_socket_closes_with_4401(site, alpha):
    assert refused_with(site, f"{alpha.url}/live/socket", "") == 4401
    assert refused_with(site, f"{alpha.url}/live/socket", "sessionid=forged; ;;=,") == 4401


def test_a_deactivated_person_is_not_logged_in(site, alpha):
    cookie = cookie_of(alpha, "admin")
    Person.objects.filter(pk=alpha.admin.pk).update(is_active=False)
    assert refused_with(site, f"{alpha.url}/live/socket", cookie) == 4401


def test_without_a_membership_the_socket_closes_with_4403(site, alpha, beta):
    cookie = cookie_of(alpha, "admin")
    assert refused_with(site, f"{beta.url}/live/socket", cookie) == 4403
    assert refused_with(site, "/no-such-hospital/live/socket", cookie) == 4403
    assert alpha.person("admin", "Second")  # the last administrator could not be ended
    with alpha.acting():
        Membership.objects.get(person=alpha.admin).end()
    assert refused_with(site, f"{alpha.url}/live/socket", cookie) == 4403


def test_a_page_of_another_role_than_the_acting_one_is_refused_with_4409(site, alpha):
    """After a switch of the role, a tab that still shows the former one must not hear the new one."""
    with alpha.acting():
        Membership.grant(alpha.reception, "billing")
    client = alpha.client("reception")
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    page = client.get(f"{alpha.url}/patients/").content.decode()
    address = re.search(r'data-live-url="([^"]+)"', page)[1]
    assert address == f"{alpha.url}/live/socket?role=reception"
    with dial(site, address, cookie=cookie) as socket:
        socket.send('{"resume": ""}')
        assert "resync" in socket.recv(timeout=5)
    client.post(f"{alpha.url}/role/", {"role": "billing"})
    assert refused_with(site, address, cookie) == 4409


def refused_with(site, path: str, cookie: str) -> int:
    with dial(site, path, cookie=cookie) as socket:
        try:
            socket.recv(timeout=5)
        except ConnectionClosed as closed:
            return closed.rcvd.code
    return 0


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}.evil.example",
        "http://evil.example@127.0.0.1:{port}",
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@evil.example",
        "http://[",
        "http://127.0.0.1:99999",
        "//127.0.0.1:{port}",
    ],
)
def test_a_handshake_from_another_origin_is_refused(site, alpha, origin):
    with pytest.raises(InvalidStatus) as refused:
        dial(site, f"{alpha.url}/live/socket", cookie=cookie_of(alpha, "admin"), origin=named(site, origin)).__enter__()
    assert refused.value.response.status_code in (400, 403)


def named(site, origin: str | None) -> str | None:
    return origin.format(port=site.port) if origin else None


def test_a_refused_origin_is_logged(site, alpha):
    with pytest.raises(InvalidStatus):
        dial(site, f"{alpha.url}/live/socket", origin="http://logged.example").__enter__()
    assert "http://logged.example" in site.log.read_text()


@pytest.mark.parametrize(
    "path", ["/live/socket", "{url}/live/other", "{url}/live/socket/", "/", "{url}/../live/socket"]
)
def test_there_is_no_socket_at_any_other_address(site, alpha, path):
    with pytest.raises(InvalidStatus) as refused:
        dial(site, path.format(url=alpha.url), cookie=cookie_of(alpha, "admin")).__enter__()
    assert refused.value.response.status_code == 403


MALFORMED = [
    "",
    "null",
    "[]",
    "{",
    "[" * 4000,
    '"resume"',
    json.dumps({"type": "websocket.disconnect"}),
    json.dumps({"type": "group.add", "group": "live.hints"}),
    json.dumps({"resume": 5}),
    json.dumps({"resume": None}),
    json.dumps({"resume": ["x"]}),
    json.dumps({"resume": "x:1"}),
    json.dumps({"resume": "' OR 1=1 --:1"}),
    json.dumps({"resume": f"{uuid.uuid4()}:-1"}),
    json.dumps({"resume": f"{uuid.uuid4()}:{'9' * 30}"}),
    json.dumps({"ack": True}),
    json.dumps({"ack": -1e300}),
    json.dumps({"ack": 10**100}),
    json.dumps({"join": "t.other.r.admin"}),
]


def test_what_is_not_understood_is_ignored(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        for text in MALFORMED:
            page.socket.send(text)
        grant(alpha)
        page.hears("user:changed")


def test_a_long_message_closes_the_socket(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.socket.send("x" * 5000)
        assert page.closed_with() in (1009, 4413)


def test_bytes_close_the_socket(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.socket.send(b"\x00\xff")
        assert page.closed_with() in (1008, 4400)


def test_plain_http_at_the_sockets_address_is_told_to_upgrade(site, alpha):
    answer = requests.get(
        f"{site.url}{alpha.url}/live/socket", headers={"Cookie": cookie_of(alpha, "admin")}, timeout=5
    )
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")


def test_a_page_carries_the_cursor_of_before_its_queries(alpha):
    grant(alpha)
    before = cursor_of(alpha)
    page = alpha.client("admin").get(f"{alpha.url}/people/")
    assert f'data-live-cursor="{before}"' in page.content.decode()
