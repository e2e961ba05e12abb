"""Drives bench/client: thousands of pages in one compiled process, so that the load is never what is measured."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

from django.conf import settings

SOURCES = Path(__file__).resolve().parent / "client"
NO_COMPILER = (
    "The load client is written in C, and no compiler was found. Debian and Ubuntu: apt-get install gcc libc6-dev"
)
FILES = 20_000


class Page(NamedTuple):
    """What a page knows of its socket. Without a cursor it asks where the log stands."""

    path: str
    cookie: str = ""
    cursor: str = ""
    port: str = ""


class Load:
    """`with Load(port, pages) as load: load.open()`. Each command is answered with one line of JSON."""

    def __init__(
        self,
        port: int,
        pages: Iterable[Page],
        *,
        controls: Iterable[int] = (),
        protocol: str = "live",
        marks: bool = False,
    ) -> None:
        self.pages = list(pages)
        self.options = [str(port), "--protocol", protocol, *(f"--control={one}" for one in controls)]
        if marks:
            self.options.append("--marks")

    def __enter__(self) -> Self:
        allow_files()
        with tempfile.NamedTemporaryFile("w", prefix="hospital-bench-", suffix=".pages") as file:
            file.writelines("\t".join(page) + "\n" for page in self.pages)
            file.flush()
            self.process = subprocess.Popen(
                [program(), *self.options, "--pages", file.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
            )
            self.state()
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def say(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(" ".join(map(str, words)) + "\n")

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load client ended: {self.process.wait(5)}")
        return json.loads(line)

    def ask(self, *words: object) -> dict[str, Any]:
        self.say(*words)
        return self.hear()

    def state(self, first: int = 0, count: int = 0) -> dict[str, Any]:
        return self.ask("state", first, count)

    def open(self, *, at_once: int = 100, seconds: float = 120) -> dict[str, Any]:
        answer = self.ask("open", at_once, seconds)
        if answer["live"] < len(self.pages):
            raise RuntimeError(
                f"only {answer['live']} of {len(self.pages)} pages are live, {answer['refused']} refused"
            )
        return answer

    def publish(self, most: int, in_flight: int, *, seconds: float, rate: float = 0) -> dict[str, Any]:
        """So many through the control port, never more than `in_flight` that have not reached the last page."""
        return self.ask("publish", most, in_flight, rate, seconds)

    def marks(self) -> dict[int, tuple[int, float]]:
        """For each mark, how many pages have seen it, and when the last one did (time.monotonic)."""
        return {int(mark): (count, at / 1e9) for mark, (count, at) in self.ask("marks")["marks"].items()}


def program() -> Path:
    """The client, compiled once for each state of its sources."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    mark = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    target = settings.STATE_DIR / "bench" / f"crowd-{mark}"
    if not target.exists():
        compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
        if compiler is None:
            raise SystemExit(NO_COMPILER)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = target.with_suffix(f".{os.getpid()}")
        files = [source for source in sources if source.suffix == ".c"]
        subprocess.run([compiler, "-O2", "-std=gnu11", "-Wall", "-o", made, *files], check=True)
        made.rename(target)
    return target


def allow_files() -> None:
    """Each socket is a file, here and in the servers that we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if 0 < hard < FILES else FILES, hard))
