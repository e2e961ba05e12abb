"""bin/run: says when it is ready, leaves nothing behind, and recovers from whatever happened to it."""

import contextlib
import http.client
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings

from hospital.embedded import Embedded
from hospital.embedded.processes import becomes, processes_in
from hospital.supervisor.children import left_over

FIRST_START_SECONDS = 600  # all migrations; a minute of work on two cores that nobody else uses


class Run:
    """One `bin/run`, and what it said."""

    def __init__(
        self,
        state: Path,
        *arguments: str,
        project: Path = settings.BASE_DIR,
        user: str | None = None,
        **variables: str,
    ) -> None:
        self.lines: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [project / "bin" / "run", *arguments],
            env={**environment(state, project), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            user=user,
        )
        self.listening = threading.Thread(target=self.listen, daemon=True)
        self.listening.start()

    def listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def hears(self, words: str, *, within: float = 60) -> str:
        """The first line from here on that contains `words`."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and (self.listening.is_alive() or not self.lines.empty()):
            with contextlib.suppress(queue.Empty):
                self.said.append(self.lines.get(timeout=0.2))
                if words in self.said[-1]:
                    return self.said[-1]
        raise AssertionError(f"“{words}” was not said within {within} s:\n" + "\n".join(self.said))

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


def environment(state: Path, project: Path) -> dict[str, str]:
    """What a person's shell would have; the project's own settings come from us alone."""
    home = {"HOME": str(project)} if project != settings.BASE_DIR else {}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG") or "PIP" in name}
    return {**kept, **home, "HOSPITAL_STATE": str(state)}


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="hôpital test "))
    made.chmod(0o755)
    yield made / "state"
    remove(made)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def starts() -> list[float]:
    """How many seconds each start took; the first of them makes the database."""
    return []


@pytest.fixture
def start(state, port, starts) -> Iterator[Callable[[], Run]]:
    """Starts the product, and ends what a failed test has left."""
    runs: list[Run] = []

    def start() -> Run:
        began = time.monotonic()
        runs.append(Run(state, "--no-demo", "--port", str(port)))
        runs[-1].hears("ready", within=FIRST_START_SECONDS)
        starts.append(time.monotonic() - began)
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


@pytest.fixture
def running(start) -> Run:
    return start()


def remove(folder: Path) -> None:
    servers = Embedded(folder / "state")
    servers.stop()
    for leftover in (folder, servers.run, servers.home.base):
        shutil.rmtree(leftover, ignore_errors=True)


def status_of(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    return connection.getresponse().status


def nothing_runs(state: Path) -> bool:
    stopped = Embedded(state).status()
    return not left_over(state) and stopped["postgres"] == stopped["valkey"] == "stopped"


def test_it_says_ready_when_it_answers(running, port):
    assert f"ready http://127.0.0.1:{port}/" in running.said
    assert status_of(port) == 200


def test_a_second_run_is_told_where_the_first_one_is(running, state, port):
    second = Run(state)
    second.hears(f"Already running: http://127.0.0.1:{port}/ (process {running.process.pid})")
    assert second.process.wait(10) == 1
    assert status_of(port) == 200


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_leaves_no_process(running, state, how):
    assert running.end(how) == 0
    assert nothing_runs(state)


def test_a_run_that_was_killed_is_taken_over_by_the_next(running, start, state, port):
    running.process.kill()
    running.process.wait()
    again = start()
    assert status_of(port) == 200
    assert again.end() == 0
    assert nothing_runs(state)


def test_the_next_start_does_not_do_the_work_of_the_first(running, start, starts):
    """Ten seconds on a quiet machine (docs/performance.md); here, where others work too, a part of what the first took."""
    running.end()
    start()
    assert starts[-1] < starts[0] / 3


def test_a_web_that_dies_is_started_again(running, state, port):
    os.kill(process_of(state, b"serve"), signal.SIGKILL)
    running.hears("web    | ended with -9; starting it again")
    assert becomes(lambda: answers(port), 30)


def process_of(state: Path, program: bytes) -> int:
    return next(pid for pid in left_over(state) if program in Path(f"/proc/{pid}/cmdline").read_bytes())


def test_a_database_that_dies_is_started_again(running, state, port):
    servers = Embedded(state)
    for pid in processes_in(servers.postgres.data, "postgres"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.hears("PostgreSQL has ended; starting it again")
    running.hears("PostgreSQL answers again", within=120)
    assert becomes(lambda: answers(port), 60)


def test_a_database_whose_data_is_gone_is_not_replaced_by_an_empty_one(running, state):
    servers = Embedded(state)
    killed = processes_in(servers.postgres.data, "postgres")
    aside = servers.postgres.data.rename(servers.postgres.data.with_name("aside"))
    try:
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.hears("PostgreSQL has ended, and its data is gone", within=120)
        assert running.process.wait(60) == 1
    finally:
        aside.rename(servers.postgres.data)


def test_letters_lead_to_the_port_that_was_asked_for(running, state, port):
    for program in (b"serve", b"worker"):
        environment = Path(f"/proc/{process_of(state, program)}/environ").read_bytes().split(b"\0")
        assert f"SITE_URL=http://127.0.0.1:{port}/".encode() in environment


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        return status_of(port) == 200
    return False


def test_a_port_that_somebody_else_uses_is_named(state):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = Run(state, "--no-demo", "--port", str(port))
        run.hears(f"Port {port} on 127.0.0.1 is not free")
        assert run.process.wait(10) == 1


def test_it_runs_on_servers_of_ones_own_made_as_the_documents_say(port):
    folder = Path(tempfile.mkdtemp(prefix="hôpital test "))
    folder.chmod(0o755)
    own = Embedded(folder / "own servers")
    try:
        own.start()
        make_database_as_documented(own)
        run = Run(folder / "state", "--no-demo", "--port", str(port), **addresses(own))
        run.hears("ready", within=FIRST_START_SECONDS)
        assert status_of(port) == 200
        assert Embedded(folder / "state").status()["postgres"] == "stopped"
        assert run.end() == 0
        assert own.postgres.answers()
    finally:
        own.stop()
        shutil.rmtree(own.run, ignore_errors=True)
        remove(folder)


def make_database_as_documented(server: Embedded) -> None:
    """Beside what the embedded server has, and so under other names."""
    first, second = documented_sql()
    superuser = f"host={server.run} user=postgres"
    for sql, name in ((first, "postgres"), (second, "own")):
        renamed = sql.replace("hospital_", "own_").replace("DATABASE hospital", "DATABASE own")
        with psycopg.connect(f"{superuser} dbname={name}", autocommit=True) as connection:
            for statement in filter(str.strip, renamed.split(";")):
                connection.execute(statement.encode())


def documented_sql() -> list[str]:
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


def addresses(server: Embedded) -> dict[str, str]:
    where = f"@/own?host={quote(str(server.run), safe='')}"
    return {
        "DATABASE_URL": f"postgres://own_app{where}",
        "DATABASE_OWNER_URL": f"postgres://own_owner{where}",
        "REDIS_URL": server.redis_url,
        "CELERY_BROKER_URL": server.broker_url,
    }


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_user_runs_a_fresh_copy_in_a_path_with_spaces(port):
    folder = Path(tempfile.mkdtemp(prefix="hôpital test "))
    project = folder / "a copy"
    copy_project(project)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "nobody", "nogroup")
    try:
        run = Run(folder / "state", "--port", str(port), project=project, user="nobody")
        run.hears("ready", within=FIRST_START_SECONDS)
        assert status_of(port) == 200
        assert run.end() == 0
        assert nothing_runs(folder / "state")
    finally:
        remove(folder)


def copy_project(to: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (settings.BASE_DIR / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(settings.BASE_DIR / name, to / name)
