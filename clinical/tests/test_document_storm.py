"""Files that are meant to hurt, on the real server: refused, nothing is kept, and the server does not grow."""

from __future__ import annotations

import re
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from clinical.models import Document, Patient
from clinical.tests.papers import chunk
from clinical.tests.wards import a_patient
from realtime.tests.listening import cookie_of
from realtime.tests.server import Site

MB = 1024**2
GROWTH = 50 * MB
GIGABYTES_5 = 5 * 1024**3
SIDE = 30_000


class Desk:
    """A person's browser without a browser: a session, and the token of a form."""

    def __init__(self, site: Site, hospital, patient: Patient) -> None:
        self.site, self.cookie = site, cookie_of(hospital, "reception")
        self.path = f"{hospital.url}/patients/{patient.pk}/documents/upload/"
        self.client = requests.Session()
        self.client.headers.update({"Cookie": self.cookie, "Origin": site.url})
        page = self.client.get(site.url + self.path, timeout=60)
        self.token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        self.client.headers["Cookie"] = f"{self.cookie}; csrftoken={page.cookies['csrftoken']}"

    def send(self, files: list[tuple[str, bytes]]) -> requests.Response:
        data = {"csrfmiddlewaretoken": self.token, "form_key": str(uuid4()), "category": "other"}
        parts = [("files", (name, content)) for name, content in files]
        return self.client.post(self.site.url + self.path, data=data, files=parts, timeout=120)

    def pour(self, header: str, frame: Callable[[bytes], bytes], most: int) -> tuple[bytes, int]:
        """As many zeros as are taken, up to so many: the answer, and how many were sent before the line was cut."""
        sent, answer, piece = 0, b"", frame(bytes(MB))
        with socket.create_connection(("127.0.0.1", self.site.port), timeout=30) as line:
            head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n{header}\r\n\r\n"
            line.sendall(head.encode())
            with suppress(OSError):
                while sent < most:
                    line.sendall(piece)
                    sent += MB
            with suppress(OSError):
                answer = line.recv(4096)
        return answer, sent


@pytest.fixture
def desk(alpha, site) -> Desk:
    with alpha.acting("reception"):
        patient = a_patient()
    return Desk(site, alpha, patient)


@pytest.fixture(autouse=True)
def calm(alpha, site, desk) -> Iterator[None]:
    """Whatever was sent: nothing is filed, and the server had never more than 50 MB above what it has at rest."""
    before = memory(site, "VmRSS")
    Path(f"/proc/{site.process.pid}/clear_refs").write_text("5")
    yield
    grown = memory(site, "VmHWM") - before
    assert grown < GROWTH, f"the server grew by {grown // MB} MB"
    with alpha.acting():
        assert not Document.objects.exists()
    assert desk.client.get(f"{site.url}{desk.path}", timeout=60).status_code == 200


def memory(site: Site, name: str) -> int:
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


def flat_png(side: int) -> bytes:
    """A real picture: one bit for each pixel, all of them there, packed into a few hundred kilobytes."""
    packer, row = zlib.compressobj(9), bytes(1 + side // 8)
    packed = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_a_picture_of_30000_by_30000_pixels_is_refused_without_being_unpacked(desk):
    bomb = flat_png(SIDE)
    assert len(bomb) < MB
    answer = desk.send([("scan.png", bomb)])
    assert answer.status_code == 422
    assert "30000 by 30000 pixels" in answer.text


def test_an_empty_file_is_refused_in_words(desk):
    answer = desk.send([("empty.pdf", b"")])
    assert answer.status_code == 422
    assert "is empty" in answer.text


def test_ten_thousand_files_at_once_are_refused(desk):
    answer = desk.send([(f"{number}.txt", b"x") for number in range(10_000)])
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(
    ("header", "frame"),
    [
        (f"Content-Length: {GIGABYTES_5}\r\nContent-Type: multipart/form-data; boundary=x", lambda piece: piece),
        (
            "Transfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=x",
            lambda piece: b"%x\r\n%s\r\n" % (len(piece), piece),
        ),
    ],
    ids=["says so", "does not say so"],
)
def test_five_gigabytes_of_nothing_are_cut_off_early(desk, header, frame):
    answer, sent = desk.pour(header, frame, 128 * MB)
    assert sent < 128 * MB
    assert answer.startswith(b"HTTP/1.1 413") or answer == b""  # a line that is cut while it sends may lose the answer


@pytest.mark.slow
def test_all_five_gigabytes_as_fast_as_they_go(desk):
    _, sent = desk.pour(f"Content-Length: {GIGABYTES_5}", lambda piece: piece, GIGABYTES_5)
    assert sent < GIGABYTES_5
