"""Frames (RFC 6455, section 5.2): ones that a socket bears, and ones after which it has to end."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from random import Random

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
ROOM = 4096  # bytes of a message: more than that is refused

KEYS = ("type", "resume", "ack", "here", "group", "join", "channel", "text", "bytes", "code", "html", "__class__")
WORDS = (
    "websocket.disconnect",
    "websocket.receive",
    "group.add",
    "live.hint",
    "live.hints",
    "admin",
    "",
    "\0",
    "\ud83d\ude00",
    "‮txt.exe",
    "' OR 1=1 --",
    "../../etc/passwd",
    "{{ 7*7 }}",
    "00000000-0000-0000-0000-000000000000:1",
    "ffffffff-ffff-ffff-ffff-ffffffffffff:999999999999999999",
)
NUMBERS = (0, -1, 1, 2**31, 2**63, 10**200, -(10**200), 0.5, 1e308, float("inf"), float("-inf"), float("nan"))


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True, size: int = -1) -> bytes:
    """`size` is what the head claims, where it is not the truth."""
    size = len(payload) if size < 0 else size
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mark = 0x80 if masked else 0
    if size < 126:
        head += bytes([mark | size])
    elif size < 65536:
        head += bytes([mark | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mark | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = (len(payload) * 2654435761 % 2**32).to_bytes(4, "big")
    stretched = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ stretched).to_bytes(len(payload), "big")


def anything(chance: Random, depth: int = 0) -> object:
    kinds = [chance.choice(WORDS), chance.choice(NUMBERS), None, True, str(uuid.UUID(int=chance.getrandbits(128)))]
    if depth < 3:
        kinds += [[anything(chance, depth + 1)], {chance.choice(KEYS): anything(chance, depth + 1)}]
    return chance.choice(kinds)


# --- what a socket bears -----------------------------------------------------------------


def message(chance: Random) -> bytes:
    content = {chance.choice(KEYS): anything(chance) for _ in range(chance.randint(1, 3))}
    return frame(TEXT, json.dumps(content, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")[:ROOM])


def no_object(chance: Random) -> bytes:
    return frame(TEXT, json.dumps(anything(chance)).encode("utf-8", "replace")[:ROOM])


def no_json(chance: Random) -> bytes:
    return frame(TEXT, "".join(chance.choices('{}[]":,\\u0 é\0世', k=chance.randint(0, 300))).encode())


def deep(chance: Random) -> bytes:
    opening = chance.choice(["[", '{"a":', '[{"resume":'])
    return frame(TEXT, (opening * (ROOM // len(opening))).encode())


def long_number(chance: Random) -> bytes:
    """Python refuses to read more than 4,300 digits, and takes its time for fewer."""
    key = chance.choice(("ack", "resume"))
    return frame(TEXT, f'{{"{key}": {"9" * chance.randint(1000, 4000)}}}'.encode())


def wide(chance: Random) -> bytes:
    text = ",".join(f'"{at}":{at}' for at in range(chance.randint(100, 350)))
    return frame(TEXT, f"{{{text}}}".encode()[:ROOM])


def cursor(chance: Random) -> bytes:
    """A well-formed question from a place that this log never had, or had long ago."""
    return frame(
        TEXT, json.dumps({"resume": f"{uuid.UUID(int=chance.getrandbits(128))}:{chance.getrandbits(40)}"}).encode()
    )


def here(chance: Random, token: str = "") -> bytes:
    """Who looks at what, by the page's signed word, by one that is spoilt, or by none."""
    spoilt = [token[:-1], token[1:], token.swapcase(), token * 2, anything(chance)]
    seat = {
        "here": chance.choice([token, token, token, *spoilt]),
        "part": chance.choice(["allergies", anything(chance)]),
    }
    return frame(TEXT, json.dumps(seat).encode("utf-8", "replace")[:ROOM])


def ping(chance: Random) -> bytes:
    return frame(PING, chance.randbytes(chance.randint(0, 125)))


def pong(chance: Random) -> bytes:
    return frame(PONG, chance.randbytes(chance.randint(0, 125)))


# --- what ends it ------------------------------------------------------------------------


def binary(chance: Random) -> bytes:
    return frame(BINARY, chance.randbytes(chance.choice((0, 1, 100, 4000))))


def beginning_only(chance: Random) -> bytes:
    return frame(chance.choice((TEXT, BINARY)), b'{"resume":', fin=False) + frame(0, b'""}', fin=chance.random() < 0.5)


def endless(chance: Random) -> bytes:
    """A message in many small pieces."""
    return frame(TEXT, b"[", fin=False) + frame(0, b"[" * 100, fin=False) * chance.randint(10, 60)


def continuation(chance: Random) -> bytes:
    return frame(0, chance.randbytes(chance.randint(0, 50)), fin=chance.random() < 0.5)


def interleaved(chance: Random) -> bytes:
    return frame(TEXT, b"[", fin=False) + ping(chance) + frame(TEXT, b"[]")


def oversized(chance: Random) -> bytes:
    return frame(TEXT, b"x" * chance.choice((ROOM + 1, 2 * ROOM, 70_000, 300_000)))


def claims_too_much(chance: Random) -> bytes:
    return frame(TEXT, b"x" * 10, size=chance.choice((ROOM + 1, 2**31, 2**62, 2**63, 2**64 - 1)))


def not_utf8(chance: Random) -> bytes:
    return frame(
        TEXT, b'{"resume":"' + chance.choice((b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4\xb8"))
    )


def reserved(chance: Random) -> bytes:
    opcode = chance.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))
    return frame(opcode, b"{}")


def extension_bits(chance: Random) -> bytes:
    return frame(chance.choice((TEXT, PING)), b"{}", rsv=chance.randint(1, 7))


def long_control(chance: Random) -> bytes:
    return frame(chance.choice((PING, PONG, CLOSE)), b"\3\xe8" + b"x" * chance.choice((124, 200, 4000)))


def control_in_pieces(chance: Random) -> bytes:
    return frame(chance.choice((PING, PONG, CLOSE)), b"", fin=False)


def unmasked(chance: Random) -> bytes:
    return frame(TEXT, b'{"resume":""}', masked=False)


def close(chance: Random) -> bytes:
    code = chance.choice(
        (0, 1, 999, 1000, 1001, 1004, 1005, 1006, 1011, 1015, 1016, 2999, 3000, 4000, 4999, 5000, 65535)
    )
    return frame(
        CLOSE, chance.choice((b"", b"\3", code.to_bytes(2, "big") + chance.choice((b"", b"bye", b"\xff\xfe"))))
    )


def noise(chance: Random) -> bytes:
    return chance.randbytes(chance.randint(2, 200))


Maker = Callable[[Random], bytes]
BORNE: tuple[Maker, ...] = (message, message, no_object, no_json, deep, long_number, wide, cursor, here, ping, pong)
ENDING: tuple[Maker, ...] = (
    binary,
    beginning_only,
    endless,
    continuation,
    interleaved,
    oversized,
    claims_too_much,
    not_utf8,
    reserved,
    extension_bits,
    long_control,
    control_in_pieces,
    unmasked,
    close,
    noise,
)
