"""Asks clamd, over its INSTREAM protocol, whether a file holds something known to be harmful.

`CLAMD_SOCKET` names the daemon: a path (`/run/clamav/clamd.ctl`) or `tcp://host:port`. Empty: there is no scanner.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings

CHUNK = 256 * 1024
PATIENCE = 60


class ScannerAway(OSError):
    """The scanner does not answer, or not in words that we know. The document waits."""


@dataclass(frozen=True)
class Verdict:
    found: str = ""

    @property
    def is_clean(self) -> bool:
        return not self.found

    @property
    def words(self) -> str:
        return f"contains {self.found}" if self.found else "clean"


def ask(file: IO[bytes]) -> Verdict:
    try:
        with connect() as line:
            line.sendall(b"zINSTREAM\0")
            while chunk := file.read(CHUNK):
                line.sendall(struct.pack("!I", len(chunk)) + chunk)
            line.sendall(struct.pack("!I", 0))
            answer = line.makefile("rb").read(4096)
    except OSError as error:
        raise ScannerAway(f"The virus scanner does not answer: {error}") from error
    return verdict_in(answer)


def connect() -> socket.socket:
    address = settings.CLAMD_SOCKET
    if address.startswith("tcp://"):
        parts = urlsplit(address)
        return socket.create_connection((parts.hostname, parts.port or 3310), timeout=PATIENCE)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(PATIENCE)
    try:
        line.connect(address)
    except OSError:
        line.close()
        raise
    return line


def verdict_in(answer: bytes) -> Verdict:
    """`stream: OK`, or `stream: Name.Of.It FOUND`; anything else is no verdict."""
    words = answer.rstrip(b"\0\n").decode("utf-8", "replace").removeprefix("stream: ")
    if words == "OK":
        return Verdict()
    if words.endswith(" FOUND"):
        return Verdict(found=words.removesuffix(" FOUND"))
    raise ScannerAway(f"The virus scanner answered: {words[:200]}")
