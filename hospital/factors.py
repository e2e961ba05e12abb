"""A code of an authenticator counts in its own half minute, the one before and the one after: and once in all of them."""

from __future__ import annotations

from allauth.mfa import app_settings
from allauth.mfa.totp.internal import auth


def mark_used(self: auth.TOTP, code: str) -> bool:
    """False if it was used before. What comes with allauth remembers it for one step only."""
    steps = 2 * app_settings.TOTP_TOLERANCE + 1
    return auth.cache.add(self._get_used_cache_key(code), "y", timeout=steps * app_settings.TOTP_PERIOD)


def install() -> None:
    auth.TOTP._mark_code_used = mark_used
