"""Servers that a test may pause, kill and bring back: its own Valkey, and a wire to PostgreSQL that can be cut."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
from pathlib import Path

from hospital.embedded import programs
from realtime.tests.server import wait_until


class Valkey:
    """Nothing is kept: what was said while it was away is lost, as with a real failure."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "valkey.sock"
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> Valkey:
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [str(programs.valkey_server()), *options], cwd=self.socket.parent, stdout=subprocess.DEVNULL
        )
        wait_until(self.answers, 10, "Valkey did not start")
        return self

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.socket))
            asking.sendall(b"PING\r\n")
            return asking.recv(16).startswith(b"+PONG")
        return False

    def pause(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.socket.unlink(missing_ok=True)


class Wire:
    """Passes bytes on to a server's Unix socket, until it is cut; then nobody gets through."""

    def __init__(self, folder: Path, target: str) -> None:
        self.path, self.target = folder / Path(target).name, target
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.listener: socket.socket | None = None

    def join(self) -> Wire:
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        threading.Thread(target=self._accept, args=[self.listener], daemon=True).start()
        return self

    def cut(self) -> None:
        self.path.unlink(missing_ok=True)
        self.listener.close()
        for pair in self.pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.target)
                self.pairs.append((near, far))
                threading.Thread(target=pass_on, args=[near, far], daemon=True).start()


def pass_on(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    with contextlib.suppress(OSError, ValueError), near, far:
        while True:
            for end in select.select([near, far], [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                other[end].sendall(data)
