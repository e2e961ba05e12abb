"""Whose page may open a socket: scheme, host and port of its origin are exactly those of the address."""

from __future__ import annotations

import pytest
from django.test import override_settings

from realtime.doorkeeper import comes_from_here

PROXY = ("HTTP_X_FORWARDED_PROTO", "https")


def scope(origin: str, host: str = "hospital.example", *more: tuple[bytes, bytes], scheme: str = "ws") -> dict:
    return {"scheme": scheme, "headers": [(b"host", host.encode()), (b"origin", origin.encode()), *more]}


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://hospital.example", "hospital.example", "ws"),
        ("http://hospital.example", "hospital.example:80", "ws"),
        ("http://hospital.example:80", "hospital.example", "ws"),
        ("http://hospital.example:8000", "hospital.example:8000", "ws"),
        ("http://HOSPITAL.example", "hospital.EXAMPLE", "ws"),
        ("https://hospital.example", "hospital.example", "wss"),
        ("https://hospital.example:443", "hospital.example", "wss"),
        ("http://[::1]:8000", "[::1]:8000", "ws"),
    ],
)
def test_the_same_origin_is_let_in(origin, host, scheme):
    assert comes_from_here(scope(origin, host, scheme=scheme))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://hospital.example", "hospital.example"),
        ("http://hospital.example:81", "hospital.example"),
        ("http://sub.hospital.example", "hospital.example"),
        ("http://hospital.example.evil.example", "hospital.example"),
        ("http://hospital.example#", "hospital.example"),
        ("http://hospital.example?", "hospital.example"),
        ("http://a@hospital.example", "hospital.example"),
        ("http://hospital.example:port", "hospital.example"),
        ("http://[", "["),
        ("http://", ""),
        ("", "hospital.example"),
        ("null", "hospital.example"),
        ("http://hospital.example", "hospital.example:80:80"),
        ("http://hospital.example", "hospital.example/x"),
    ],
)
def test_everything_else_is_kept_out(origin, host):
    assert not comes_from_here(scope(origin, host))


def test_a_host_that_is_not_ours_is_kept_out():
    with override_settings(ALLOWED_HOSTS=["hospital.example"]):
        assert comes_from_here(scope("http://hospital.example"))
        assert not comes_from_here(scope("http://rebound.example", "rebound.example"))


def test_two_origins_or_none_are_no_origin():
    assert not comes_from_here(
        scope("http://hospital.example", "hospital.example", (b"origin", b"http://evil.example"))
    )
    assert not comes_from_here({"headers": [(b"host", b"hospital.example")]})


def test_behind_a_proxy_its_header_says_whether_the_address_is_secure():
    secure = (b"x-forwarded-proto", b"https")
    with override_settings(SECURE_PROXY_SSL_HEADER=PROXY):
        assert comes_from_here(scope("https://hospital.example", "hospital.example", secure))
        assert not comes_from_here(scope("http://hospital.example", "hospital.example", secure))
        assert not comes_from_here(scope("https://hospital.example"))
