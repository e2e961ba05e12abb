"""Requests on threads that live on: nothing of one is seen by the next, and every kind of answer arrives whole."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from django.conf import settings

from realtime.tests.listening import cookie_of


def get(site, path: str, cookie: str = "") -> requests.Response:
    return requests.get(f"{site.url}{path}", headers={"Cookie": cookie}, timeout=60, allow_redirects=False)


def test_many_at_once_each_get_their_own_page(site, alpha, beta):
    """Two hospitals, two roles and somebody who is not logged in, on the same few threads."""
    pages = {
        f"{hospital.url}/people/": (cookie_of(hospital, "admin"), hospital.tenant.name) for hospital in (alpha, beta)
    }
    strangers = {f"{alpha.url}/patients/": ("", "")}
    asked = [*pages.items(), *strangers.items()] * 12
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda item: get(site, item[0], item[1][0]), asked))
    for (path, (cookie, name)), answer in zip(asked, answers, strict=True):
        if not cookie:
            assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={path}")
            continue
        other = beta.tenant.name if name == alpha.tenant.name else alpha.tenant.name
        assert answer.status_code == 200
        assert f'data-live-url="{path.removesuffix("people/")}live/socket' in answer.text
        assert name in answer.text
        assert other not in answer.text


def test_a_file_that_is_read_bit_by_bit_arrives_whole(site):
    path = max(Path(settings.BASE_DIR / "static").rglob("*.css"), key=lambda file: file.stat().st_size)
    answer = get(site, f"/static/{path.relative_to(settings.BASE_DIR / 'static')}")
    assert answer.content == path.read_bytes()
    assert len(answer.content) > 10_000


def test_each_cookie_is_its_own_header(site):
    answer = get(site, "/accounts/login/")
    assert answer.status_code == 200
    assert "csrftoken" in answer.cookies


def test_a_long_form_and_one_that_ends_too_early_do_no_harm(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as caller:
        caller.sendall(b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nlogin=")
    long = requests.post(f"{site.url}/accounts/login/", data={"login": "x" * 3_000_000}, timeout=60)
    assert long.status_code in (400, 403, 413)
    assert get(site, "/healthz").status_code == 200
