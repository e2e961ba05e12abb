"""Our own words with Valkey, beside the channel layer: short, bounded in time, and never needed for a page to be true."""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
from django.conf import settings

PATIENCE = 0.5
LIMITS: dict[str, Any] = {
    "socket_connect_timeout": PATIENCE,
    "socket_timeout": PATIENCE,
    "retry_on_timeout": False,
    "decode_responses": True,
}


def asynchronous() -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, **LIMITS)


def synchronous() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, **LIMITS)


def name(*parts: str) -> str:
    """A key or a channel: the prefix of this installation, then words of ours and ids, never a name of a person."""
    config: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    return ":".join((config["prefix"], *parts))
