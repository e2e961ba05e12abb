"""How much one person may ask: sockets, handshakes, messages, and nothing but short texts."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.db import connection
from django.test.utils import CaptureQueriesContext
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from hospital.models import Membership, Person, Session, Tenant
from realtime.doorkeeper import Asker, Identity, Refusal, identify_all, session_key_of
from realtime.limits import HANDSHAKES, MESSAGES, SOCKETS, Allowances
from realtime.tests.listening import Listener, bare, cookie_of, dial, masked
from realtime.tests.server import Site
from realtime.tests.test_server import code_of
from realtime.tests.test_socket import grant

EITHER = pytest.mark.parametrize("server", ["site", "daphne"])
TEXT, BINARY, CONTINUED, PING, END = 0x1, 0x2, 0x0, 0x9, 0x80
MB = 1024 * 1024


def memory_of(site: Site) -> int:
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def raw(page: ClientConnection, *frames: bytes) -> None:
    page.socket.sendall(b"".join(frames))


def opened(site: Site, hospital, role: str = "admin") -> ClientConnection:
    return dial(site, f"{hospital.url}/live/socket", cookie=cookie_of(hospital, role))


@pytest.mark.parametrize(
    ("frames", "codes"),
    [
        ([masked(END | BINARY, b"{}")], {1008}),
        ([masked(END | TEXT, b"x" * 4097)], {1009}),
        ([masked(END | TEXT, b"x" * MB)], {1009}),
        ([masked(END | TEXT, "é".encode() * 2049)], {1009}),
        ([masked(TEXT, b"{"), masked(END | CONTINUED, b"}")], {1008}),
        ([masked(TEXT, b"x" * 100)] + [masked(CONTINUED, b"x" * 100)] * 1000, {1008}),
        ([masked(END | TEXT, b"\xff\xfe")], {1008}),
        ([masked(END | TEXT, b"\xff" * 200)], {1008}),
        ([masked(END | TEXT, b"\xc3")], {1008}),
        ([masked(END | 0x3, b"")], {1002}),
        ([bytes([0xC1, 0x80]) + bytes(4)], {1002}),
    ],
    ids=[
        "binary",
        "4097",
        "megabyte",
        "wide",
        "fragments",
        "many",
        "utf8",
        "long-utf8",
        "half-utf8",
        "opcode",
        "reserved",
    ],
)
def test_what_is_no_short_text_closes_the_socket(site, alpha, frames, codes):
    with opened(site, alpha) as page:
        raw(page, *frames)
        assert code_of(page) in codes


def test_a_text_of_4096_bytes_is_heard(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        page.socket.send(json.dumps({"none": "x" * 4084}))
        grant(alpha)
        page.hears("user:changed", seconds=20)


@EITHER
def test_who_says_too_much_is_sent_away(request, alpha, server):
    with opened(request.getfixturevalue(server), alpha) as page:
        with pytest.raises(ConnectionClosed):
            for _ in range(1000):
                page.send('{"ack": 1}')
            time.sleep(1)
            code_of(page)
            page.send("{}")
        assert code_of(page) in (1008, 4400)


def test_resuming_and_acknowledging_never_reach_the_limit(site, alpha):
    """A page acknowledges as often as it is sent something, however often that is."""
    with Listener(site, alpha, "admin") as page:
        page.joined()
        for number in range(2 * MESSAGES):
            grant(alpha, f"N{number}")
            page.hears("user:changed", seconds=20)
        page.say({"resume": page.cursor})
        grant(alpha)
        page.hears("user:changed", seconds=20)


def test_of_200_sockets_of_one_person_20_stay_and_the_others_are_told_why(site, alpha):
    """WS-8. The oldest stay: a page that was sent away comes back, and would push out the next in turn."""
    cookie = cookie_of(alpha, "admin")
    with ExitStack() as all_of_them:
        stranger = all_of_them.enter_context(opened(site, alpha, "reception"))
        pages = [
            all_of_them.enter_context(dial(site, f"{alpha.url}/live/socket", cookie=cookie, close_timeout=0))
            for _ in range(HANDSHAKES)
        ]
        assert [code_of(page) for page in pages[SOCKETS:]] == [1008] * (HANDSHAKES - SOCKETS)
        for page in (*pages[:SOCKETS], stranger):
            page.send('{"resume": ""}')
            assert "resync" in page.recv(timeout=20)
        refused = [all_of_them.enter_context(dial(site, f"{alpha.url}/live/socket", cookie=cookie)) for _ in range(140)]
        codes = [code_of(page) if is_closed(page) else 0 for page in refused]
        assert codes.count(1008) > 100


def test_where_a_page_was_closed_another_finds_room(site, alpha):
    cookie, path = cookie_of(alpha, "admin"), f"{alpha.url}/live/socket"
    with ExitStack() as all_of_them:
        first, *_ = [all_of_them.enter_context(dial(site, path, cookie=cookie)) for _ in range(SOCKETS)]
        assert code_of(all_of_them.enter_context(dial(site, path, cookie=cookie))) == 1008
        first.close()
        end = time.monotonic() + 30
        while is_closed(page := all_of_them.enter_context(dial(site, path, cookie=cookie))):
            assert time.monotonic() < end
        page.send('{"resume": ""}')
        assert "resync" in page.recv(timeout=20)


def test_who_brings_no_session_is_told_to_log_in_however_often(site, alpha):
    for _ in range(HANDSHAKES + 10):
        with dial(site, f"{alpha.url}/live/socket", close_timeout=0) as page:
            assert code_of(page) == 4401


def is_closed(page: ClientConnection) -> bool:
    try:
        page.recv(timeout=0.05)
    except TimeoutError:
        return False
    except ConnectionClosed:
        return True
    return False


@EITHER
def test_a_flood_costs_no_memory_and_disturbs_nobody(request, alpha, beta, server):
    """Pings without end, texts without end, frames that never end, and nothing of the answers is read."""
    site = request.getfixturevalue(server)
    with Listener(site, beta, "admin") as other:
        other.joined()
        levels = [flooded(site, alpha, beta, other, size) for size in (1 * MB, 4 * MB, 4 * MB)]
        assert levels[-1] - levels[0] < 16 * MB


def flooded(site: Site, alpha, beta, other: Listener, size: int) -> int:
    """The memory after a flood of each kind, and after a neighbour was served: the first time also warms the caches."""
    for payload in (masked(END | PING, b"p" * 125), masked(END | TEXT, b'{"ack": 1}'), masked(TEXT, b"x" * 4000)):
        flood(site, alpha, payload, size)
    grant(beta)
    other.hears("user:changed", seconds=30)
    return memory_of(site)


def flood(site: Site, hospital, payload: bytes, size: int) -> None:
    with bare(site, hospital, "admin") as caller, suppress(OSError):
        caller.settimeout(3)
        for _ in range(size // len(payload) // 100):
            caller.sendall(payload * 100)


def test_a_bucket_empties_fills_again_and_is_forgotten():
    allowances = Allowances(2, 100.0)
    assert [allowances.take("a") for _ in range(3)] == [True, True, False]
    assert allowances.take("b")
    time.sleep(0.05)
    assert allowances.take("a")
    for key in range(3 * Allowances.KEPT):
        allowances.take(key)
        if key % Allowances.KEPT == 0:
            time.sleep(0.05)
    assert len(allowances.by_key) < 3 * Allowances.KEPT


# --- who knocks together is looked up together -----------------------------------------------------


def asker(hospital, role: str, made_for: str = "") -> Asker:
    return Asker(hospital.tenant.slug, session_key_of(cookie_of(hospital, role)), made_for)


def test_each_gets_its_own_answer(alpha, beta):
    mine, theirs, gone = asker(alpha, "admin"), asker(beta, "admin"), asker(alpha, "pharmacy")
    Person.objects.filter(pk=alpha.pharmacy.pk).update(is_active=False)
    expired, changed = asker(alpha, "billing"), asker(beta, "billing")
    Session.objects.filter(session_key=expired.session_key).update(expire_date="2020-01-01T00:00Z")
    beta.billing.set_password("another long password")
    beta.billing.save()
    askers = [
        mine,
        Asker(beta.tenant.slug, mine.session_key),
        theirs,
        Asker("no-such-hospital", mine.session_key),
        Asker(mine.slug, "forged"),
        Asker(mine.slug, ""),
        gone,
        expired,
        changed,
        Asker(mine.slug, mine.session_key, "admin"),
        Asker(mine.slug, mine.session_key, "reception"),
    ]
    answers = identify_all(askers)
    assert answers[0] == answers[9]
    for answer, hospital, key in ((answers[0], alpha, mine.session_key), (answers[2], beta, theirs.session_key)):
        assert (answer.tenant_id, answer.person_id) == (hospital.tenant.pk, hospital.admin.pk)
        assert (answer.role, answer.session_key) == ("admin", key)
    refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
    assert refused == [4403, 4403, 4401, 4401, 4401, 4401, 4401, 4403]


def test_a_role_in_one_hospital_gives_none_in_the_other(alpha, beta):
    with beta.acting("admin"):
        Membership.grant(alpha.admin, "reception")
    key = asker(alpha, "admin").session_key
    answers = identify_all([Asker(hospital.tenant.slug, key) for hospital in (alpha, beta)])
    assert [answer.role for answer in answers] == ["admin", "reception"]


def test_a_suspended_hospital_lets_nobody_in(alpha):
    mine = asker(alpha, "admin")
    with alpha.acting("admin"):
        assert Tenant.objects.filter(pk=alpha.tenant.pk).update(is_active=False)
    assert identify_all([mine]) == [Refusal(4403)]


@pytest.mark.parametrize("key", [HASH_SESSION_KEY, BACKEND_SESSION_KEY])
def test_a_session_that_another_secret_or_another_way_opened_is_none(alpha, key):
    session = alpha.client("admin").session
    right = Asker(alpha.tenant.slug, session.session_key)
    assert isinstance(identify_all([right])[0], Identity)
    session[key] = "another"
    session.save()
    assert identify_all([right]) == [Refusal(4401)]


@pytest.mark.parametrize(
    "cookie", ["sessionid=a%00b", "sessionid=\0", 'sessionid="\\000"', "sessionid=é", "sessionid=", ";;=,", ""]
)
def test_what_is_no_key_is_not_even_asked_for(cookie):
    """Else one who sends a NUL would turn away all who knock at the same time."""
    assert session_key_of(cookie) == ""


def test_a_hundred_cost_no_more_queries_than_one(alpha):
    askers = [asker(alpha, role) for role in ("admin", "reception", "pharmacy", "billing")]
    with CaptureQueriesContext(connection) as for_one:
        identify_all(askers[:1])
    with CaptureQueriesContext(connection) as for_all:
        answers = identify_all(askers * 25)
    assert len(for_all) == len(for_one) <= 9
    assert len(answers) == 100
    assert {answer.role for answer in answers} == {"admin", "reception", "pharmacy", "billing"}
