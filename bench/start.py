"""From `bin/run` to `ready`, in a copy of the project: the first run with everything installed, and the next ones."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from bench.table import Table

NEEDS_DATABASE = False
PROJECT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".state", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"
)
PATIENCE = 300


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3, help="after the first (%(default)s)")
    parser.add_argument("--port", type=int, default=8930)


def measure(chosen: argparse.Namespace) -> Table:
    folder = Path(tempfile.mkdtemp(prefix="hospital-bench-"))
    folder.chmod(0o755)
    copy = folder / "hospital"
    shutil.copytree(PROJECT, copy, ignore=LEFT_OUT, symlinks=True)
    (copy / ".venv").symlink_to(PROJECT / ".venv")
    table = Table("run", "seconds to ready", "seconds to stop")
    try:
        for number in range(chosen.rounds + 1):
            ready, stopped = once(copy, chosen.port)
            kind = "next" if number else "first: makes the database and the demo"
            table.add(kind, ready, stopped, run=number, ready=ready, stopped=stopped)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return table


def once(project: Path, port: int) -> tuple[float, float]:
    alone = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE", "REDIS", "HOSPITAL", "DJANGO"))
    }
    begun = time.perf_counter()
    command = [str(project / "bin" / "run"), "--port", str(port)]
    run = subprocess.Popen(
        command, cwd=project, env=alone, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        wait_for_ready(run, begun + PATIENCE)
        ready = time.perf_counter() - begun
    finally:
        begun = time.perf_counter()
        run.send_signal(signal.SIGTERM)
        run.wait(60)
    return ready, time.perf_counter() - begun


def wait_for_ready(run: subprocess.Popen, end: float) -> None:
    for line in run.stdout or ():
        if line.startswith("ready "):
            return
        if time.perf_counter() > end:
            break
    raise RuntimeError("bin/run did not become ready.")
