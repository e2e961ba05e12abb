"""What all apps share in their tests. pytest.ini names this module alone; it is loaded before Django is set up.

The plugins it names are registered when pytest is configured, after pytest-django, so that the database set-up of
`hospital.tests.fixtures` takes the place of that of pytest-django.
"""

from __future__ import annotations

import gc

import pytest

GARBAGE = 20_000, 20, 50  # what is collected stays for the whole run: looking through it often costs 4 % of the CPU
PLUGINS = ("hospital.tests.fixtures", "hospital.tests.browser", "realtime.tests.server")


def pytest_configure(config: pytest.Config) -> None:
    for name in PLUGINS:
        config.pluginmanager.import_plugin(name)


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
