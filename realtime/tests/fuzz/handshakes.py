"""Handshakes: right ones with something wrong in them, and what is none at all."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from realtime.tests.fuzz.frames import BORNE, ENDING


@dataclass(frozen=True)
class Target:
    """Where the real socket is, and who may open it."""

    port: int
    path: str
    cookie: str
    token: str  # what the page of a patient says of itself

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


def headers(target: Target, chance: Random) -> dict[str, str]:
    return {
        "Host": target.host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(chance.randbytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Origin": f"http://{target.host}",
        "Cookie": target.cookie,
    }


def written(path: str, headers: dict[str, str], *, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "replace")


def right(target: Target, chance: Random) -> bytes:
    return written(target.path, headers(target, chance))


# --- one thing is wrong ------------------------------------------------------------------

PATHS = (
    "/",
    "//",
    "*",
    "",
    "/live/socket",
    "{path}/",
    "{path}%00",
    "{path}%2e%2e",
    "{path}?role=admin&role=board",
    "{path}?role=%ff%fe",
    "{path}?%",
    "{path}?" + "a=b&" * 2000,
    "{path}#x",
    "/%61{path}",
    "/../..{path}",
    "/é世界/live/socket",
    "/\x00/live/socket",
    "http://elsewhere.example{path}",
    "/" + "a" * 5000 + "/live/socket",
    "/no-such-hospital/live/socket",
    "/healthz",
    "/admin/",
    "/static/live.js",
)
VALUES = (
    "",
    " ",
    "x",
    "\x00",
    "\x7f",
    "é",
    "世界",
    "a" * 9000,
    "'; --",
    "13, 8",
    "http://[",
    "http://[::1",
    "//",
    "null",
    "%",
    "\t",
)
NAMES = (
    *("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin", "Cookie"),
    "X-Forwarded-Proto",
)
EXTRAS = {
    "Sec-WebSocket-Protocol": ("chat", "", ",", "a, a, b", "x" * 4000, "\x00", "graphql-ws, é"),
    "Sec-WebSocket-Extensions": (
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=99",
        "x-none; a=",
        ";;,",
        "a" * 4000,
    ),
    "Content-Length": ("0", "5", "-1", "abc", "99999999999999999999"),
    "Transfer-Encoding": ("chunked", "gzip", "chunked, chunked"),
    "Expect": ("100-continue", "x"),
    "X-Forwarded-For": ("1.2.3.4", "x" * 3000),
    "X-Forwarded-Proto": ("https", "gopher"),
    "Content-Type": ("application/json; charset=\xff", "multipart/form-data"),
}
COOKIES = (
    "sessionid=",
    "sessionid=forged",
    "sessionid={good}; sessionid=x",
    ";;;=",
    '"',
    "a=" + "b" * 7000,
    "sessionid=\x00",
    "é=é",
    "$Version=1",
)


def another_path(target: Target, chance: Random) -> bytes:
    return written(chance.choice(PATHS).replace("{path}", target.path), headers(target, chance))


def a_value(target: Target, chance: Random) -> bytes:
    return written(target.path, headers(target, chance) | {chance.choice(NAMES): chance.choice(VALUES)})


def an_origin(target: Target, chance: Random) -> bytes:
    origins = (
        "null",
        "http://evil.example",
        f"https://{target.host}",
        f"http://{target.host}.evil",
        "http://[",
        f"http://u:p@{target.host}",
    )
    return written(target.path, headers(target, chance) | {"Origin": chance.choice(origins)})


def a_cookie(target: Target, chance: Random) -> bytes:
    good = target.cookie.rpartition("=")[2]
    return written(target.path, headers(target, chance) | {"Cookie": chance.choice(COOKIES).replace("{good}", good)})


def a_missing_one(target: Target, chance: Random) -> bytes:
    given = headers(target, chance)
    for name in chance.sample(sorted(given), chance.randint(1, 3)):
        del given[name]
    return written(target.path, given)


def a_double_one(target: Target, chance: Random) -> bytes:
    given = headers(target, chance)
    name = chance.choice(sorted(given))
    return written(target.path, given | {name.lower(): chance.choice((given[name], *VALUES))})


def an_extra_one(target: Target, chance: Random) -> bytes:
    name = chance.choice(sorted(EXTRAS))
    return written(target.path, headers(target, chance) | {name: chance.choice(EXTRAS[name])}) + chance.choice(
        (b"", b"hello")
    )


def a_method(target: Target, chance: Random) -> bytes:
    method = chance.choice(("POST", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "BREW", "G\0T", "A" * 3000))
    return written(target.path, headers(target, chance), method=method)


def a_version(target: Target, chance: Random) -> bytes:
    version = chance.choice(("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1 x", "HTTPS/1.1", "", "x" * 500))
    return written(target.path, headers(target, chance), version=version)


def many_headers(target: Target, chance: Random) -> bytes:
    return written(
        target.path,
        headers(target, chance) | {f"X-{at}": "y" * chance.randint(0, 60) for at in range(chance.randint(50, 600))},
    )


# --- it is none --------------------------------------------------------------------------


def noise(target: Target, chance: Random) -> bytes:
    return chance.randbytes(chance.randint(1, 2000))


def broken_lines(target: Target, chance: Random) -> bytes:
    return right(target, chance).replace(b"\r\n", chance.choice((b"\n", b"\r", b"\n\r", b"\r\n ", b"\0\r\n")))


def flipped(target: Target, chance: Random) -> bytes:
    content = bytearray(right(target, chance))
    for _ in range(chance.randint(1, 12)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def truncated(target: Target, chance: Random) -> bytes:
    content = right(target, chance)
    return content[: chance.randrange(1, len(content))]


def twice(target: Target, chance: Random) -> bytes:
    return right(target, chance) + right(target, chance)


def with_a_request_behind(target: Target, chance: Random) -> bytes:
    return right(target, chance) + written("/healthz", {"Host": target.host})


def behind_a_request(target: Target, chance: Random) -> bytes:
    return written("/healthz", {"Host": target.host}) + right(target, chance)


def with_frames_behind(target: Target, chance: Random) -> bytes:
    """A client that does not wait to be let in."""
    return right(target, chance) + b"".join(chance.choice(BORNE + ENDING)(chance) for _ in range(chance.randint(1, 10)))


Maker = Callable[[Target, Random], bytes]
HANDSHAKES: tuple[Maker, ...] = (
    right,
    another_path,
    a_value,
    an_origin,
    a_cookie,
    a_missing_one,
    a_double_one,
    an_extra_one,
    a_method,
    a_version,
    many_headers,
    noise,
    broken_lines,
    flipped,
    truncated,
    twice,
    with_a_request_behind,
    behind_a_request,
    with_frames_behind,
)
