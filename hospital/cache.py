"""What is counted for a while: attempts to log in. Nobody is kept out because Valkey is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class Cache(RedisCache):
    """While Valkey cannot be reached, each process remembers for itself."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.own = LocMemCache("while-valkey-is-away", {**params, "OPTIONS": {}})

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().get, self.own.get, args, kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().set, self.own.set, args, kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().add, self.own.add, args, kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().delete, self.own.delete, args, kwargs)

    @staticmethod
    def _try(shared: Callable, own: Callable, args: tuple, kwargs: dict) -> Any:
        try:
            return shared(*args, **kwargs)
        except RedisError as error:
            log.warning("the cache is away: %s", error)
            return own(*args, **kwargs)
