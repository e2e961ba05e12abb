"""PostgreSQL, with one database and the two roles that row-level security needs."""

import contextlib
import hashlib
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

from hospital.embedded import folders, programs
from hospital.embedded.home import START_SECONDS, Home
from hospital.embedded.processes import ServerError, accepts, becomes, end_of, processes_in

DATABASE = "hospital"
OWNER_ROLE = "hospital_owner"  # owns every table; migrations only
APP_ROLE = "hospital_app"  # everything else; owns nothing, so that row-level security binds it
PORT = "5432"  # part of the socket's name; nothing listens on the network

SETTINGS = """\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
# What a patient's row contains does not belong in a log: neither the statement nor the DETAIL of an error.
log_min_error_statement = panic
log_error_verbosity = terse
"""
ROLES = {
    OWNER_ROLE: "login createdb nocreaterole nosuperuser nobypassrls",
    APP_ROLE: "login nocreatedb nocreaterole nosuperuser nobypassrls",
}
TO_DROP_WHAT_IS_IN_USE = f"grant pg_signal_backend to {OWNER_ROLE}"  # the tests drop their databases
# Under row-level security the planner may use an index only for functions that cannot leak what they see. LIKE, ILIKE
# and the comparison of trigrams cannot, but are not marked so: without this, searching 400,000 names reads all of them (79 ms, not 1 ms).
# Comparing trigrams takes some 200 times as long as what PostgreSQL takes a function for; knowing it, it prefers the index.
IN_EVERY_DATABASE = """
create extension if not exists pg_trgm;
create extension if not exists btree_gist;
create extension if not exists btree_gin;
create extension if not exists unaccent;
alter function pg_catalog.textlike(text, text) leakproof;
alter function pg_catalog.texticlike(text, text) leakproof;
alter function word_similarity_commutator_op(text, text) leakproof cost 200;
"""
IN_OUR_DATABASE = f"""
alter schema public owner to {OWNER_ROLE};
revoke all on schema public from public;
grant usage on schema public to {APP_ROLE};
revoke all on database {DATABASE} from public;
grant connect on database {DATABASE} to {APP_ROLE};
"""
BOOTSTRAP_VERSION = hashlib.sha256(
    f"{ROLES}{TO_DROP_WHAT_IS_IN_USE}{IN_EVERY_DATABASE}{IN_OUR_DATABASE}".encode()
).hexdigest()[:12]


class Postgres:
    name = "PostgreSQL"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.data = home.base / "postgres"
        self.log = self.data / "server.log"
        self.socket = home.run / f".s.PGSQL.{PORT}"
        self.bootstrapped = home.base / "bootstrapped"

    def url(self, role: str) -> str:
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self.home.run), safe='')}&port={PORT}"

    def answers(self) -> bool:
        if not accepts(self.socket):
            return False
        asked = [str(programs.postgres("pg_isready")), "-q", "-h", str(self.home.run), "-p", PORT]
        return subprocess.run(asked, cwd="/", check=False).returncode == 0

    def has_ended(self) -> bool:
        return not self.answers() and not processes_in(self.data, "postgres")

    def is_ready(self) -> bool:
        return self._is_bootstrapped() and self.answers()

    def ensure(self) -> None:
        if not self.answers():
            self._start()
        if not self._is_bootstrapped():
            self._bootstrap()

    def _start(self) -> None:
        self.home.wait_for_the_last_one(self.data, "postgres", self.answers)
        if self.answers():
            return
        self._initialise()
        sockets = f"unix_socket_directories = '\"{self.home.run}\"'\n"
        folders.write_readable(self.data / "hospital.conf", SETTINGS + sockets)
        # PostgreSQL believes these two files when the process they name is a zombie, or another program by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.socket.with_name(f"{self.socket.name}.lock").unlink(missing_ok=True)
        self._pg_ctl("start", "-s", "-t", str(START_SECONDS), "-l", self.log)

    def _initialise(self) -> None:
        """Made beside its place, then renamed: what an interrupted initdb leaves is never taken for data."""
        if self.data.exists():
            return
        unfinished = self.home.base / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.home.make_private(unfinished)
        self.home.execute(
            programs.postgres("initdb"),
            *("-D", unfinished, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"),
            *("--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST"),
        )
        with open(unfinished / "postgresql.conf", "a") as settings:
            settings.write("\ninclude_if_exists = 'hospital.conf'\n")
        self.bootstrapped.unlink(missing_ok=True)
        unfinished.rename(self.data)

    def stop(self) -> None:
        for mode in ("fast", "immediate"):
            if not processes_in(self.data, "postgres"):
                return
            with contextlib.suppress(ServerError):
                self._pg_ctl("stop", "-t", "30", "-m", mode)
        if not becomes(lambda: not processes_in(self.data, "postgres"), 30):
            raise ServerError(f"PostgreSQL does not stop.\n{end_of(self.log)}")

    def _pg_ctl(self, action: str, *options: str | Path) -> None:
        self.home.execute(programs.postgres("pg_ctl"), action, "-w", "-D", self.data, *options, log=self.log)

    def _is_bootstrapped(self) -> bool:
        with contextlib.suppress(OSError):
            return self.bootstrapped.read_text() == BOOTSTRAP_VERSION
        return False

    def _bootstrap(self) -> None:
        """What only a superuser may do; the rest belongs to the migrations. Repeatable."""
        for role, rights in ROLES.items():
            exists = self._superuser("postgres", f"select from pg_roles where rolname = '{role}'")
            self._superuser("postgres", f"{'alter' if exists else 'create'} role {role} {rights}")
        self._superuser("postgres", TO_DROP_WHAT_IS_IN_USE)
        self._superuser("template1", IN_EVERY_DATABASE)  # so that new databases, the tests' among them, have it
        if not self._superuser("postgres", f"select from pg_database where datname = '{DATABASE}'"):
            self._superuser("postgres", f"create database {DATABASE} owner {OWNER_ROLE}")
        self._superuser(DATABASE, IN_EVERY_DATABASE + IN_OUR_DATABASE)
        self.bootstrapped.write_text(BOOTSTRAP_VERSION)

    def _superuser(self, database: str, sql: str) -> int:
        """Run `sql` and tell how many rows it found."""
        import psycopg

        superuser = f"host={self.home.run} port={PORT} user=postgres dbname={database}"
        with psycopg.connect(superuser, autocommit=True) as connection:
            return max(connection.execute(sql.encode()).rowcount, 0)
