"""Chromium for the tests that are marked `browser`."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import expect

expect.set_options(timeout=30_000)  # for all, as it is one setting: a busy machine is no fault of the page


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    found = os.environ.get("HOSPITAL_BROWSER") or shutil.which("chromium")
    return browser_type_launch_args | ({"executable_path": found} if found else {}) | {"args": ["--no-sandbox"]}


@pytest.fixture(autouse=True)
def _queries_beside_the_browser(request, monkeypatch):
    """Playwright's synchronous interface runs an event loop in this thread, which Django takes for an async view."""
    if request.node.get_closest_marker("browser"):
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
