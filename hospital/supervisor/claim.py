"""One `bin/run` for each state folder. The kernel takes the claim of one who was killed back."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from hospital.embedded import ServerError, folders


class AlreadyRunning(Exception):
    """Somebody else has the claim; the message says where."""


@contextlib.contextmanager
def claimed(state: Path, address: str) -> Iterator[None]:
    try:
        folders.make_passable(state)
        lock = open(state / ".running", "a+")  # noqa: SIM115
    except PermissionError as error:
        raise ServerError(
            f"{state} belongs to another user: run as that user, or set HOSPITAL_STATE to a folder of your own."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(told_by(state / ".running")) from error
        lock.truncate(0)
        lock.write(json.dumps({"address": address, "process": os.getpid()}))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def told_by(claim: Path) -> str:
    with contextlib.suppress(ValueError, KeyError):
        told = json.loads(claim.read_text())
        return f"Already running: {told['address']} (process {told['process']}). Stop it with Ctrl-C there."
    return "Already starting or stopping elsewhere."
