"""FA-16: the clock of a telephone may be half a minute off; a code counts once all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.core.cache.backends.locmem import LocMemCache

NOW = datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)  # ten seconds into a step of thirty
STEP = timedelta(seconds=30)


@pytest.fixture
def factor(alpha, monkeypatch) -> auth.TOTP:
    """Its used codes are kept where the time of the test counts."""
    monkeypatch.setattr(auth, "cache", LocMemCache(alpha.tenant.slug, {}))
    auth.TOTP.activate(alpha.main_doctor, auth.generate_totp_secret())
    return Authenticator.objects.get(user=alpha.main_doctor).wrap()


def code_at(factor: auth.TOTP, at: datetime) -> str:
    secret = auth.decrypt(factor.instance.data["secret"])
    return auth.format_hotp_value(auth.hotp_value(secret, int(at.timestamp()) // 30))


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_of_the_step_before_and_after_is_taken_and_no_other(factor, steps, is_taken):
    with time_machine.travel(NOW, tick=False):
        assert factor.validate_code(code_at(factor, NOW + steps * STEP)) is is_taken


@pytest.mark.parametrize("later", [1, 35, 65])
def test_a_code_is_taken_once_as_long_as_it_would_count(factor, later):
    code = code_at(factor, NOW + STEP)  # of a telephone that is ahead: it would count for longest
    with time_machine.travel(NOW, tick=False):
        assert factor.validate_code(code)
    with time_machine.travel(NOW + timedelta(seconds=later), tick=False):
        assert auth.validate_totp_code(auth.decrypt(factor.instance.data["secret"]), code)  # the time would allow it
        assert not factor.validate_code(code)
