"""The real server for tests, in a process of its own, on the database and the prefix of this test run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from hospital.tests.databases import database_url

ROOT = Path(__file__).resolve().parent.parent.parent


OURS = ("manage.py", "serve", "--port", "{port}")
DAPHNE = ("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", "{port}", "hospital.asgi:application")
UVICORN = (
    *("-m", "uvicorn", "--log-level", "warning", "--host", "127.0.0.1", "--port", "{port}"),
    *("--ws", "wsproto", "--lifespan", "off", "hospital.asgi:application"),
)


class Site:
    """A running server. Other ones than the usual may stand behind it, and `command` names another than ours."""

    def __init__(self, log: Path, *options: str, command: tuple[str, ...] = OURS, **environment: str) -> None:
        self.port = free_port()
        self.log = log
        self.command = [sys.executable, *(word.format(port=self.port) for word in command), *options]
        self.environment = environment_of_run() | environment
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> Site:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdout=output, stderr=output)
        wait_until(self.answers, 60, f"the server did not start, see {self.log}")
        return self

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the server stopped: {self.log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True  # it serves, even where its database does not
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


def environment_of_run() -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url("default"),
        "DATABASE_OWNER_URL": database_url("owner"),
        "DATABASE_POOL_SIZE": "10",
        "REDIS_URL": settings.REDIS_URL,
        "REDIS_PREFIX": settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"],
        "EMAIL_URL": "dummymail://",
        "PYTHONUNBUFFERED": "1",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true, seconds: float, otherwise: str) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.05)


def running(site: Site) -> Iterator[Site]:
    yield site.start()
    site.stop()


@pytest.fixture(scope="session")
def site(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    """The server that most tests share."""
    yield from running(Site(tmp_path_factory.mktemp("site") / "site.log"))


@pytest.fixture(scope="module")
def second_site(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    """Another process on the same Valkey."""
    yield from running(Site(tmp_path_factory.mktemp("second") / "site.log"))


@pytest.fixture(scope="module")
def daphne(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    """The whole product under daphne alone, which knows nothing of frames."""
    yield from running(Site(tmp_path_factory.mktemp("plain") / "site.log", command=DAPHNE))


@pytest.fixture(scope="module")
def uvicorn(django_db_setup, tmp_path_factory) -> Iterator[Site]:
    """The same under a server of another make."""
    yield from running(Site(tmp_path_factory.mktemp("uvicorn") / "site.log", command=UVICORN))
