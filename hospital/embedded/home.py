"""The state folder of one installation, and how a server's program is run in it."""

import contextlib
import fcntl
import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO

from hospital.embedded import folders, programs
from hospital.embedded.processes import ServerError, ServersInUse, becomes, end_of, processes_in

START_SECONDS = 120  # a server that was killed replays its log first


class Home:
    def __init__(self, state: Path) -> None:
        self.state = Path(os.path.realpath(state))
        self.base = folders.servers_folder(self.state)
        self.run = folders.socket_folder(self.base)
        self.borrowed = self.base / "borrowed"  # started for a user of the servers, not to stay

    @cached_property
    def account(self) -> pwd.struct_passwd | None:
        return folders.server_account(self.state)

    def make_folders(self) -> None:
        try:
            for folder in (self.state, self.base):
                folders.make_passable(folder)
            self.make_private(self.run)
        except PermissionError as error:
            raise ServerError(
                f"{error.filename or error} belongs to another user: run as that user, or set HOSPITAL_STATE to a "
                "folder of your own."
            ) from error

    def make_private(self, folder: Path) -> None:
        folders.make_private(folder, self.account)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One process at a time starts or stops servers."""
        with open(self.state / ".lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def one_more(self) -> Iterator[IO[str]]:
        """Be counted among the users of the servers. The kernel forgets a user who dies."""
        self.make_folders()
        with open(self.state / ".users", "a") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            yield users

    @contextlib.contextmanager
    def last_one(self, users: IO[str]) -> Iterator[None]:
        """Only if nobody else uses the servers; who comes now waits."""
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServersInUse("The servers are in use by a running bin/run or bin/test: stop that first.") from error
        yield

    @contextlib.contextmanager
    def nobody_else(self) -> Iterator[None]:
        with open(self.state / ".users", "a") as users, self.last_one(users):
            yield

    def wait_for_the_last_one(self, folder: Path, program: str, answers: Callable[[], bool]) -> None:
        """A server still replaying its log, or still leaving, must not meet a second one on the same files."""
        if not becomes(lambda: answers() or not processes_in(folder, program), START_SECONDS):
            stuck = processes_in(folder, program)
            raise ServerError(f"{program} works in {folder} but does not answer: process {stuck}")

    def execute(self, program: Path, *arguments: str | Path, cwd: Path = Path("/"), log: Path | None = None) -> None:
        done = subprocess.run(
            [str(part) for part in (self.reachable(program), *arguments)],
            cwd=cwd,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **folders.as_account(self.account),
        )
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise ServerError(f"{program.name} failed: {said}\n{end_of(log)}".strip())

    def reachable(self, program: Path) -> Path:
        """The program, or a copy of it when the environment lies under a private home."""
        if self.account is None or folders.is_passable(program):
            return program
        package = program.parents[2]
        copies = self.base / "programs" / f"{package.name}-{program.stat().st_mtime_ns}"
        return programs.copied(package, copies) / program.relative_to(package)
