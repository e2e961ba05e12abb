"""The servers that are measured side by side, each in a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Self

from django.conf import settings

from bench.load import Page, allow_files
from bench.people import Crowd
from realtime.tests.server import ROOT, environment_of_run, free_port

NO_NODE = (
    "Socket.IO needs Node 18 or newer and npm, and they were not found. Debian and Ubuntu: apt-get install nodejs npm"
)
SOCKET_IO = Path(__file__).resolve().parent / "rivals" / "socketio"
READY = "bench.rivals.ready:application"
NAIVE = "bench.rivals.naive:application"


class Rival(ABC):
    """A server with a port for pages, and one where the load client publishes."""

    name = ""
    protocol = "live"

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.port, self.control = free_port(), free_port()
        self.log = Path(tempfile.mkdtemp(prefix="hospital-bench-")) / "log"
        self.process: subprocess.Popen | None = None

    @property
    def controls(self) -> list[int]:
        return [self.control]

    @abstractmethod
    def command(self) -> list[str]: ...

    def environment(self) -> dict[str, str]:
        return environment_of_run() | {
            "BENCH_CONTROL": str(self.control),
            "BENCH_TENANT": str(self.crowd.house.tenant.pk),
            "DJANGO_ALLOWED_HOSTS": "*",
        }

    def pages(self, count: int) -> list[Page]:
        return self.crowd.pages(count)

    def start(self) -> Self:
        allow_files()
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=self.environment(), stdout=output, stderr=output
            )
        end = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)
        return self

    def answers(self) -> bool:
        """Asked over HTTP, since some open their control port with the first request."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as asking:
            asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return asking.recv(5) == b"HTTP/"
        return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.log.parent, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def cpu(self) -> float:
        """Seconds computed so far: unlike the clock, nearly the same on a busy machine."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes in RAM."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Ours(Rival):
    """The product's own server. For fan-out, `ready` puts painted events before the hub."""

    name = "ours"

    def __init__(self, crowd: Crowd, application: str = "hospital.asgi:application") -> None:
        super().__init__(crowd)
        self.application = application

    def command(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        return [sys.executable, "manage.py", "serve", *where, "--application", self.application]


class Several(Ours):
    """So many processes, as behind a proxy that gives each the same share."""

    def __init__(self, crowd: Crowd, count: int) -> None:
        super().__init__(crowd, READY)
        self.others = [Ours(crowd, READY) for _ in range(count - 1)]
        self.name = f"ours, {count} processes"

    @property
    def controls(self) -> list[int]:
        return [one.control for one in (self, *self.others)]

    def start(self) -> Self:
        for one in self.others:
            one.start()
        return super().start()

    def stop(self) -> None:
        for one in self.others:
            one.stop()
        super().stop()

    def pages(self, count: int) -> list[Page]:
        ports = [str(one.port) for one in (self, *self.others)]
        pages = enumerate(super().pages(count))
        return [page._replace(port=ports[number % len(ports)]) for number, page in pages]

    def cpu(self) -> float:
        return super().cpu() + sum(one.cpu() for one in self.others)


class Plain(Ours):
    """The same under a server without our extension."""

    name = "ours, plain ASGI send"

    def command(self) -> list[str]:
        return daphne(self.port, self.application)


class Naive(Rival):
    """One consumer per socket, `group_send`, AuthMiddlewareStack, stock daphne."""

    name = "Channels, group_send"

    def command(self) -> list[str]:
        return daphne(self.port, NAIVE)


class SocketIO(Rival):
    name = "Socket.IO"
    protocol = "socketio"

    def command(self) -> list[str]:
        return ["node", str(installed_socket_io() / "server.js")]

    def environment(self) -> dict[str, str]:
        entry = settings.DATABASES["default"]
        return super().environment() | {
            "PORT": str(self.port),
            "PGHOST": str(entry["HOST"]),
            "PGPORT": str(entry["PORT"]),
            "PGUSER": entry["USER"],
            "PGPASSWORD": entry.get("PASSWORD") or "",
            "PGDATABASE": entry["NAME"],
        }

    def pages(self, count: int) -> list[Page]:
        return [Page("/socket.io/?EIO=4&transport=websocket")] * count


def daphne(port: int, application: str) -> list[str]:
    return [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), application]


def installed_socket_io() -> Path:
    """From npm, in the versions of the lock file, into the state folder."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise SystemExit(NO_NODE)
    folder = settings.STATE_DIR / "bench" / "socketio"
    lock = (SOCKET_IO / "package-lock.json").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed.json"
    if not done.exists() or done.read_bytes() != lock:
        for file in SOCKET_IO.iterdir():
            shutil.copy(file, folder)
        npm = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(npm, cwd=folder, check=True, stdout=sys.stderr)
        done.write_bytes(lock)
    shutil.copy(SOCKET_IO / "server.js", folder)
    return folder
