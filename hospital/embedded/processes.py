"""Finding out who lives."""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path


class ServerError(RuntimeError):
    """A server cannot be started or stopped; the message says why, and what to do."""


class ServersInUse(ServerError):
    """Somebody else needs them."""


def accepts(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(str(path))
        return True
    return False


def processes_in(folder: Path, program: str) -> list[int]:
    """Living processes of `program` that work in `folder`. A zombie has no working folder and so is not among them."""
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and works_in(pid, folder, program)]


def works_in(pid: str, folder: Path, program: str) -> bool:
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        return name == program and os.readlink(f"/proc/{pid}/cwd") == str(folder)
    return False


def becomes(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def end_of(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    return f"{log}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-5:])
