"""The servers that come with the project: they start anywhere, survive anything, and give nobody too much power."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from hospital.embedded import APP_ROLE, Embedded, ServerError, ServersInUse
from hospital.embedded.processes import becomes, processes_in

USE_THEM = "import sys; from pathlib import Path; from hospital.embedded import Embedded; servers = Embedded(Path(sys.argv[1]))"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a space and an accent, which the servers' own user can enter."""
    made = Path(tempfile.mkdtemp(prefix="hôpital test "))
    made.chmod(0o755)
    yield made
    remove(made)


@pytest.fixture(scope="module")
def running() -> Iterator[Embedded]:
    made = Path(tempfile.mkdtemp(prefix="hôpital test "))
    made.chmod(0o755)
    servers = Embedded(made / "state")
    with servers.in_use():
        yield servers
    remove(made)


def remove(folder: Path) -> None:
    servers = Embedded(folder / "state")
    servers.stop()
    for leftover in (folder, servers.run, servers.home.base):
        shutil.rmtree(leftover, ignore_errors=True)


def python(code: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", f"{USE_THEM}\n{code}", *map(str, arguments)]


def query(servers: Embedded, sql: str, url: str = "") -> list[tuple]:
    with psycopg.connect(url or servers.app_url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def postmaster(servers: Embedded) -> int:
    return int((servers.postgres.data / "postmaster.pid").read_text().split("\n")[0])


def test_asking_for_addresses_needs_no_library_and_starts_nothing(folder):
    code = f"import sys; sys.path.insert(0, {str(settings.BASE_DIR)!r}); {USE_THEM}; servers.app_url, servers.redis_url"
    subprocess.run([sys.executable, "-I", "-S", "-c", code, folder / "state"], check=True)
    assert not (folder / "state").exists()


def test_they_start_in_a_path_with_spaces_and_accents(running):
    assert query(running, "SELECT current_user") == [(APP_ROLE,)]
    assert running.valkey.answers()


def test_the_application_is_bound_by_row_level_security(running):
    rights = "rolsuper, rolbypassrls, rolcreatedb, rolcreaterole"
    assert query(running, f"SELECT {rights} FROM pg_roles WHERE rolname = current_user") == [(False,) * 4]
    assert query(running, "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole") == [(0,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(running, "CREATE TABLE public.mine (id int)")


def test_the_owner_makes_tables_but_is_no_superuser(running):
    rights = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert query(running, rights, running.owner_url) == [(False, False)]
    query(running, "CREATE TABLE IF NOT EXISTS ours (id int)", running.owner_url)


def test_substring_search_can_use_an_index_under_row_level_security(running):
    leakproof = "SELECT bool_and(proleakproof) FROM pg_proc WHERE oid IN ('textlike'::regproc, 'texticlike'::regproc)"
    assert query(running, leakproof) == [(True,)]
    assert query(running, "SELECT word_similarity('Olsen', 'Anna Olsen')") == [(1.0,)]


def test_nothing_listens_on_the_network(running):
    assert query(running, "SHOW listen_addresses") == [("",)]
    assert (running.valkey.data / "valkey.conf").read_text().startswith("port 0\n")
    assert running.run.stat().st_mode & 0o077 == 0


def test_the_log_keeps_patients_out(running):
    query(running, "CREATE TABLE named (name text UNIQUE); INSERT INTO named VALUES ('Olsen')", running.owner_url)
    with pytest.raises(psycopg.errors.UniqueViolation):
        query(running, "INSERT INTO named VALUES ('Olsen')", running.owner_url)
    log = running.postgres.log.read_text()
    assert "duplicate key" in log
    assert "Olsen" not in log


def test_many_first_starts_at_once_make_one_server(folder):
    starting = [subprocess.Popen(python("servers.ensure()", folder / "state"), cwd=settings.BASE_DIR) for _ in range(6)]
    assert [process.wait(60) for process in starting] == [0] * 6
    servers = Embedded(folder / "state")
    assert servers.postgres.is_ready()
    assert len(processes_in(servers.valkey.data, "valkey-server")) == 1


def test_servers_that_were_killed_start_again_with_what_they_knew(folder):
    servers = Embedded(folder / "state")
    servers.ensure()
    query(servers, "CREATE TABLE kept AS SELECT 42 AS answer", servers.owner_url)
    os.kill(postmaster(servers), signal.SIGKILL)
    os.kill(processes_in(servers.valkey.data, "valkey-server")[0], signal.SIGKILL)
    assert becomes(lambda: not servers.valkey.answers(), 10)
    servers.ensure()
    assert query(servers, "SELECT answer FROM kept", servers.owner_url) == [(42,)]
    assert servers.valkey.answers()


def test_a_process_file_that_names_another_program_is_not_believed(folder):
    servers = Embedded(folder / "state")
    servers.ensure()
    before = (servers.postgres.data / "postmaster.pid").read_text()
    stale = before.replace(str(postmaster(servers)), str(os.getpid()), 1)
    servers.stop()
    (servers.postgres.data / "postmaster.pid").write_text(stale)
    servers.ensure()
    assert servers.postgres.is_ready()


def test_a_first_start_that_was_interrupted_is_repeated(folder):
    unfinished = folder / "state" / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    servers = Embedded(folder / "state")
    if os.geteuid() == 0:
        shutil.chown(unfinished, "nobody")
    servers.ensure()
    assert servers.postgres.is_ready()
    assert not unfinished.exists()


def test_the_last_user_stops_what_was_started_for_use(folder):
    servers, other = Embedded(folder / "state"), Embedded(folder / "state")
    with servers.in_use():
        with other.in_use():
            pass
        assert servers.postgres.answers()
    assert servers.status()["postgres"] == servers.status()["valkey"] == "stopped"


def test_servers_started_to_stay_outlive_their_users(folder):
    servers = Embedded(folder / "state")
    servers.start()
    with servers.in_use():
        pass
    assert servers.postgres.answers()


def test_servers_in_use_are_not_stopped(running):
    with pytest.raises(ServersInUse):
        Embedded(running.home.state).stop()
    assert running.postgres.answers()


def test_a_user_who_was_killed_counts_as_gone(folder):
    code = "with servers.in_use():\n print('in use', flush=True)\n import time\n time.sleep(60)"
    user = subprocess.Popen(python(code, folder / "state"), cwd=settings.BASE_DIR, stdout=subprocess.PIPE)
    assert user.stdout
    assert user.stdout.readline() == b"in use\n"
    user.kill()
    user.wait()
    servers = Embedded(folder / "state")
    assert servers.postgres.answers()
    with servers.in_use():
        pass
    assert not servers.postgres.answers()


def test_a_socket_folder_that_somebody_else_laid_out_is_refused(folder):
    servers = Embedded(folder / "state")
    assert servers.run.parent == Path("/tmp")
    (folder / "trap").mkdir()
    servers.run.symlink_to(folder / "trap")
    try:
        with pytest.raises(ServerError, match="belongs to another user"):
            servers.ensure()
    finally:
        servers.run.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")
def test_under_a_private_home_root_keeps_data_and_programs_where_the_servers_can_reach_them(folder):
    folder.chmod(0o700)
    servers = Embedded(folder / "state")
    servers.ensure()
    assert servers.home.base.parent == Path("/var/lib")
    assert query(servers, "SELECT current_user") == [(APP_ROLE,)]
