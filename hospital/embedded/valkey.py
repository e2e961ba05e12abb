"""Valkey, which speaks Redis' protocol: the hints of the live engine, the queue and the cache."""

import contextlib
import socket

from hospital.embedded import folders, programs
from hospital.embedded.home import START_SECONDS, Home
from hospital.embedded.processes import ServerError, becomes, end_of, processes_in

SETTINGS = """\
port 0
unixsocketperm 700
dir ./
daemonize yes
pidfile valkey.pid
logfile valkey.log
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
"""


class Valkey:
    name = "Valkey"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.data = home.base / "valkey"
        self.log = self.data / "valkey.log"
        self.socket = home.run / "valkey.sock"

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self._ask(b"PING").startswith(b"+PONG")
        return False

    def has_ended(self) -> bool:
        return not self.answers() and not processes_in(self.data, "valkey-server")

    def is_ready(self) -> bool:
        return self.answers()

    def _ask(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self.socket))
            connection.sendall(command + b"\r\n")
            return connection.recv(64)

    def ensure(self) -> None:
        if self.answers():
            return
        self.home.wait_for_the_last_one(self.data, "valkey-server", self.answers)
        if self.answers():
            return
        self.home.make_private(self.data)
        settings = self.data / "valkey.conf"
        folders.write_readable(settings, f"{SETTINGS}unixsocket {self.socket}\n")
        self.home.execute(programs.valkey_server(), settings.name, cwd=self.data, log=self.log)
        if not becomes(self.answers, START_SECONDS):
            raise ServerError(f"Valkey did not start.\n{end_of(self.log)}")

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._ask(b"SHUTDOWN")
        if not becomes(lambda: not processes_in(self.data, "valkey-server"), 30):
            raise ServerError(f"Valkey does not stop.\n{end_of(self.log)}")
