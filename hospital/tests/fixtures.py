"""Fixtures for all apps. Tests commit for real: each gets two hospitals of its own, and nothing is cleaned away.

The database is made from a template that is migrated once per set of migrations; each worker has its own copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.template.base import Template
from django.urls import set_script_prefix

from hospital.tests import databases
from hospital.tests.hospital import Hospital

ROOT = Path(__file__).parents[2]
RENDER = Template._render  # as it is outside of tests
EMPTY = ("hospital/tests/test_run.py", "realtime/tests/faults/test_small.py")
servers = contextlib.ExitStack()


def pytest_configure() -> None:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    servers.enter_context(settings.EMBEDDED.in_use())
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"{os.environ.get('HOSPITAL_TEST_NAME', 'test')}_{worker}"
    for alias in ("default", "owner"):
        settings.DATABASES[alias]["NAME"] = f"hospital_{name}"
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = name
    settings.CACHES["default"]["KEY_PREFIX"] = name
    settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = f"{name}:"
    # Each worker and what it starts have a folder. Now: pytest looks at `default_storage` when it collects a module.
    files = servers.enter_context(tempfile.TemporaryDirectory(prefix="files-", ignore_cleanup_errors=True))
    settings.STORAGES["default"] = {"BACKEND": "hospital.storage.PrivateFolder", "OPTIONS": {"location": files}}
    os.environ["FILES_DIR"] = files
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ALLOWED_HOSTS = ["*"]
    settings.WHITENOISE_AUTOREFRESH = True  # a static file is looked for when it is asked for, not all by each client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright leaves an event loop in the thread, and Django then refuses plain queries.

    What starts the product on an empty disk first: so it comes to one worker, which waits once for all migrations.
    """
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, not item.nodeid.startswith(EMPTY)))


def pytest_unconfigure() -> None:
    servers.close()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """A fresh database for this run, from the migrated template."""
    owner = settings.DATABASES["owner"]
    name = owner["NAME"]
    template = f"hospital_template_{migrations_digest()}"
    with databases.owner(dbname="postgres") as connection:
        connection.execute("SELECT pg_advisory_lock(4711)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone():
            make_template(template, connection, django_db_blocker)
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        # Nobody pulls the plug on it: what must outlive a crash is tried on databases of its own, with real fsync.
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    yield
    for alias in connections:
        connections[alias].close()
        if getattr(connections[alias], "pool", None):
            connections[alias].close_pool()
    with databases.owner(dbname="postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def make_template(template: str, connection: psycopg.Connection, blocker) -> None:
    from django.core.management import call_command

    connection.execute(f'DROP DATABASE IF EXISTS "{template}_new" WITH (FORCE)')
    connection.execute(f'CREATE DATABASE "{template}_new"')
    owner = connections["owner"]
    owner.close()
    wanted, owner.settings_dict["NAME"] = owner.settings_dict["NAME"], f"{template}_new"
    with blocker.unblock():
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        owner.close()
    owner.settings_dict["NAME"] = wanted
    connection.execute(f'ALTER DATABASE "{template}_new" RENAME TO "{template}"')


def migrations_digest() -> str:
    found = hashlib.sha256()
    for path in sorted(
        [
            *ROOT.glob("*/migrations/*.py"),
            *ROOT.glob("*/*sql.py"),
            *ROOT.glob("hospital/db/*.py"),
            ROOT / "hospital/models/absence.py",  # the span of a constraint
            ROOT / "hospital/tenancy.py",
            ROOT / "hospital/roles.py",
        ]
    ):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


@pytest.fixture(autouse=True)
def _open_database(request, django_db_setup, django_db_blocker):
    """Real transactions, really committed, in every test; none begins inside the address of another."""
    with django_db_blocker.unblock():
        yield
    set_script_prefix("/")


@pytest.fixture
def plain_templates(monkeypatch):
    """Django tells its test client of each template and copies each context for it. Long walks do without that."""
    monkeypatch.setattr(Template, "_render", RENDER)


@pytest.fixture
def alpha() -> Hospital:
    """The hospital that a test is about."""
    return Hospital("Alpha")


@pytest.fixture
def beta() -> Hospital:
    """The other hospital: its people must see nothing of alpha."""
    return Hospital("Beta")
