"""Asks the real server as a browser does, and counts what comes over the wire."""

from __future__ import annotations

import gzip
import http.client
import re
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import brotli

from hospital.tests.hospital import Hospital

NEEDED = re.compile(
    r'(?:<link\b[^>]*\brel="(?:stylesheet|preload|icon)"[^>]*\bhref|<script\b[^>]*\bsrc|<(?:img|use)\b[^>]*\b(?:src|href))="([^"#]+)'
)
IN_STYLES = re.compile(r"url\([\"']?([^\"')#]+)")


UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}


@dataclass
class Answer:
    status: int
    bytes: int
    first_byte: float
    text: str
    location: str = ""


class Browser:
    """One person's, with a cache that starts empty."""

    def __init__(self, port: int, house: Hospital | None = None, role: str = "") -> None:
        self.port = port
        self.kept: set[str] = set()
        cookie = house.client(role).cookies["sessionid"].value if house else ""
        self.headers = {
            "Accept-Encoding": "gzip, deflate, br",
            "Accept": "text/html,*/*",
            "Cookie": f"sessionid={cookie}",
        }
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path: str) -> Answer:
        begun = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers)
        response = self.connection.getresponse()
        first_byte = time.perf_counter() - begun
        body = response.read()
        size = len(body) + sum(len(name) + len(value) + 4 for name, value in response.getheaders()) + 17
        body = UNPACK.get(response.getheader("Content-Encoding", ""), bytes)(body)
        return Answer(
            response.status, size, first_byte, body.decode(errors="replace"), response.getheader("Location", "")
        )

    def open(self, path: str) -> tuple[int, str]:
        """A page with all that it needs and is not kept yet: the bytes, and where it ended after redirects."""
        answer = self.get(path)
        total = answer.bytes
        while answer.location:
            path = urlsplit(urljoin(path, answer.location)).path
            answer = self.get(path)
            total += answer.bytes
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return total + sum(self.fetch(urljoin(path, one)) for one in NEEDED.findall(answer.text)), path

    def fetch(self, path: str) -> int:
        path = urlsplit(path).path
        if path in self.kept or not path.startswith("/static/"):
            return 0
        self.kept.add(path)
        answer = self.get(path)
        inner = IN_STYLES.findall(answer.text) if path.endswith(".css") else []
        return answer.bytes + sum(
            self.fetch(urljoin(path, one)) for one in inner if not one.startswith("data:") and is_used(one)
        )


def is_used(address: str) -> bool:
    """A browser loads only the fonts whose letters are on the page: the extended Latin ones are not."""
    return "latin-ext" not in address
