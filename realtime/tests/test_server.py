"""Our own server, and any other one: what the hub writes arrives, and an end is an orderly one."""

from __future__ import annotations

import http.client
import inspect
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from realtime.tests import test_socket
from realtime.tests.listening import Listener
from realtime.tests.server import DAPHNE, OURS, Site, running, wait_until
from realtime.tests.test_socket import grant

TALKATIVE = "realtime.tests.talkative:application"
SIZES = [1, 2, 125, 126, 127, 65535, 65536, 300_001]


@pytest.fixture(scope="module")
def talkative(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    yield from running(Site(tmp_path_factory.mktemp("ours") / "site.log", "--application", TALKATIVE))


@pytest.fixture(scope="module")
def talkative_daphne(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    command = (*DAPHNE[:-1], TALKATIVE)
    yield from running(Site(tmp_path_factory.mktemp("daphne") / "site.log", command=command))


@pytest.fixture(params=["talkative", "talkative_daphne"])
def either(request) -> Site:
    return request.getfixturevalue(request.param)


@pytest.fixture
def leaving(django_db_setup, tmp_path) -> Iterator[Site]:
    """One that a test may end."""
    yield from running(Site(tmp_path / "site.log", "--application", TALKATIVE, "--grace", "6"))


def opened(site: Site) -> ClientConnection:
    return connect(f"{site.socket_url}/", proxy=None, max_size=None)


def code_of(page: ClientConnection) -> int:
    try:
        while True:
            page.recv(timeout=20)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


def test_texts_of_every_length_arrive_whole_and_in_their_order(either):
    with opened(either) as page:
        page.send(f"write {' '.join(map(str, SIZES))}")
        for size in SIZES:
            assert page.recv(timeout=20) == "ä" * (size // 2) + "x" * (size % 2)
        page.send("hallo")
        assert page.recv(timeout=20) == "heard hallo"


def test_long_and_short_messages_of_a_client_are_heard_in_their_order(either):
    with opened(either) as page:
        words = ["a", "b" * 125, "c" * 126, "d" * 3000, "é", "f"]
        for word in words:
            page.send(word)
        assert [page.recv(timeout=20) for _ in words] == [f"heard {word}" for word in words]


@pytest.mark.parametrize("code", [1001, 1008, 1009, 1012, 4401])
def test_ours_closes_with_any_code_and_not_a_word_follows(talkative, code):
    with opened(talkative) as page:
        page.send(f"close {code}")
        assert page.recv(timeout=20) == "before"
        assert code_of(page) == code


@pytest.mark.parametrize(("code", "sent"), [(1008, 4400), (1009, 4413), (4401, 4401)])
def test_where_a_standard_code_cannot_be_sent_one_of_our_own_is(talkative_daphne, code, sent):
    with opened(talkative_daphne) as page:
        page.send(f"close {code}")
        assert page.recv(timeout=20) == "before"
        assert code_of(page) == sent


def test_a_write_tells_how_much_waits_for_a_reader_that_has_stopped(talkative):
    with opened(talkative) as page:
        page.send("queued 1")
        assert len(page.recv(timeout=20)) == 100_000
        assert int(page.recv(timeout=20)) < 100_000
    with opened(talkative) as page:
        page.send("queued 200")
        time.sleep(1)
        for _ in range(200):
            assert len(page.recv(timeout=20)) == 100_000
        assert int(page.recv(timeout=20)) > 1_000_000


CORE = [
    test_socket.test_the_admin_sees_a_new_person_at_once,
    test_socket.test_other_roles_and_the_other_hospital_receive_not_one_byte_of_it,
    test_socket.test_a_page_that_was_away_gets_what_it_missed_once_and_newest,
    test_socket.test_after_500_events_the_page_is_told_to_fetch_itself_again_and_stays_live,
    test_socket.test_pages_that_join_while_others_write_miss_nothing_and_get_nothing_twice,
    test_socket.test_an_event_for_one_person_reaches_no_other_of_the_same_role,
    test_socket.test_the_head_is_told_every_five_seconds,
    test_socket.test_without_a_log_in_the_socket_closes_with_4401,
    test_socket.test_without_a_membership_the_socket_closes_with_4403,
    test_socket.test_what_is_not_understood_is_ignored,
    test_socket.test_a_long_message_closes_the_socket,
    test_socket.test_bytes_close_the_socket,
]


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
@pytest.mark.parametrize("core", CORE, ids=lambda test: test.__name__)
def test_the_same_holds_under_servers_that_know_nothing_of_frames(request, alpha, beta, core, server):
    given = {"site": request.getfixturevalue(server), "alpha": alpha, "beta": beta}
    core(**{name: given[name] for name in inspect.signature(core).parameters})


def test_a_thousand_who_come_at_once_need_not_wait_to_be_accepted(talkative):
    """A server that is busy for a moment: daphne's own queue of 50 makes the others try again after a second, or fail."""
    os.kill(talkative.process.pid, signal.SIGSTOP)
    callers = []
    try:
        for _ in range(300):
            callers.append(socket.create_connection(("127.0.0.1", talkative.port), timeout=0.9))
    finally:
        os.kill(talkative.process.pid, signal.SIGCONT)
        for caller in callers:
            caller.close()


def test_it_listens_on_a_unix_socket(django_db_setup, tmp_path):
    path = str(tmp_path / "web.sock")
    command = (*OURS[:2], "--application", TALKATIVE, "--unix-socket", path)
    site = Site(tmp_path / "site.log", command=command)
    with started(site):
        wait_until(lambda: os.path.exists(path), 60, "no socket")
        assert asked(lambda: connected(socket.AF_UNIX, path)) == b"done"


def test_it_listens_on_a_descriptor_that_it_is_given(django_db_setup, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        site = Site(tmp_path / "site.log", command=(*OURS[:2], "--application", TALKATIVE, "--fd", str(number)))
        with started(site, pass_fds=[number]):
            assert asked(lambda: connected(socket.AF_INET, listener.getsockname())) == b"done"


class started:
    """A server that does not answer on a port of its own."""

    def __init__(self, site: Site, **how) -> None:
        self.site, self.how = site, how

    def __enter__(self) -> None:
        with self.site.log.open("ab") as output:
            self.site.process = subprocess.Popen(
                self.site.command, env=self.site.environment, stdout=output, stderr=output, **self.how
            )

    def __exit__(self, *error: object) -> None:
        self.site.stop()


def connected(family: int, address) -> socket.socket:
    caller = socket.socket(family)
    caller.settimeout(60)
    caller.connect(address)
    return caller


def asked(calling) -> bytes:
    with calling() as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: caller.recv(4096), b""))[-4:]


def test_at_the_end_pages_are_sent_elsewhere_and_a_running_request_gets_its_answer(leaving):
    answers = []
    asking = threading.Thread(target=lambda: answers.append(get(leaving, "/3")))
    asking.start()
    with opened(leaving) as page:
        time.sleep(0.5)
        leaving.process.terminate()
        assert code_of(page) == 1012
    assert leaving.process.poll() is None
    with pytest.raises(OSError, match="refused"):
        opened(leaving)
    asking.join()
    assert answers == [(200, b"done", "close")]
    assert leaving.process.wait(20) == 0


def test_the_end_waits_for_no_request_longer_than_it_may(leaving):
    asking = threading.Thread(target=lambda: get(leaving, "/60"))
    asking.start()
    time.sleep(0.5)
    began = time.monotonic()
    leaving.process.terminate()
    assert leaving.process.wait(50) == 0
    assert time.monotonic() - began > 5
    asking.join()


def test_a_request_that_arrives_on_a_kept_connection_during_the_end_is_still_answered(leaving):
    kept = http.client.HTTPConnection("127.0.0.1", leaving.port, timeout=20)
    kept.request("GET", "/")
    assert kept.getresponse().read() == b"done"
    leaving.process.terminate()
    time.sleep(0.3)
    kept.request("GET", "/")
    answer = kept.getresponse()
    assert (answer.read(), answer.headers["Connection"]) == (b"done", "close")
    assert leaving.process.wait(20) == 0


def test_the_second_signal_ends_it_at_once(leaving):
    asking = threading.Thread(target=lambda: get(leaving, "/60"))
    asking.start()
    time.sleep(0.5)
    leaving.process.terminate()
    time.sleep(0.5)
    assert leaving.process.poll() is None
    leaving.process.terminate()
    assert leaving.process.wait(4) == 0
    asking.join()


def get(site: Site, path: str) -> tuple[int, bytes, str | None] | None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=90)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers["Connection"]
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def test_a_socket_that_is_closed_for_its_age_is_resumed_without_a_gap(django_db_setup, alpha, tmp_path):
    """daphne closes each socket with 1000 after a day; here after two seconds."""
    site = Site(tmp_path / "site.log", "--websocket-timeout", "2").start()
    try:
        with Listener(site, alpha, "admin") as page:
            page.joined()
            assert page.closed_with(20) == 1000
            membership = grant(alpha)
            page.disconnect()
            page.connect()
            page.hears("user:changed", seconds=20)
            assert str(membership.pk) in page.html[-1]
    finally:
        site.stop()
