"""What is counted for a while: attempts to log in. Nobody is kept out because Valkey is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
AWAY, MISSING = "the cache is away: %s", object()


class Cache(RedisCache):
    """While Valkey cannot be reached, each process remembers for itself."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.own = LocMemCache("while-valkey-is-away", {**params, "OPTIONS": {}})

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """What was kept here while Valkey took nothing counts until it is written there."""
        kept = self.own.get(key, MISSING, version=version)
        if kept is not MISSING:
            return kept
        try:
            return super().get(key, default, version=version)
        except RedisError as error:
            log.warning(AWAY, error)
            return default

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._write(super().set, self.own.set, args, kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._write(super().add, self.own.add, args, kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._write(super().delete, self.own.delete, args, kwargs)

    def _write(self, shared: Callable, own: Callable, args: tuple, kwargs: dict) -> Any:
        """A full Valkey refuses what is new, and still deletes: what it did is not kept here any more."""
        try:
            done = shared(*args, **kwargs)
        except RedisError as error:
            log.warning(AWAY, error)
            return own(*args, **kwargs)
        self.own.delete(kwargs.get("key", args[0] if args else None), version=kwargs.get("version"))
        return done
