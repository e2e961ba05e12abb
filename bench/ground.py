"""A fresh, migrated database for one measurement, on the servers that the project runs on. It is dropped afterwards."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from hospital.tests.databases import owner

NAME = f"hospital_bench_{os.getpid()}"


@contextlib.contextmanager
def ground() -> Iterator[None]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hospital.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django
    from django.conf import settings

    for alias in ("default", "owner"):
        settings.DATABASES[alias]["NAME"] = NAME
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = settings.CACHES["default"]["KEY_PREFIX"] = NAME
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.ALLOWED_HOSTS = ["*"]
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    django.setup()
    with settings.EMBEDDED.in_use(), database():
        yield


@contextlib.contextmanager
def database() -> Iterator[None]:
    from django.core.management import call_command
    from django.db import connections

    def say(statement: str) -> None:
        with owner(dbname="postgres") as connection:
            connection.execute(statement)

    say(f'CREATE DATABASE "{NAME}"')
    try:
        call_command("migrate", verbosity=0, interactive=False)
        yield
    finally:
        for connection in connections.all():
            connection.close()
        connections["default"].close_pool()
        say(f'DROP DATABASE IF EXISTS "{NAME}" WITH (FORCE)')
