"""What is counted for a while, though Valkey is full or away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis

from hospital.cache import Cache
from realtime.tests.servers import Valkey


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with TemporaryDirectory(prefix="cache") as folder:
        valkey = Valkey(Path(folder)).start()
        yield valkey
        valkey.kill()


@pytest.fixture
def cache(valkey: Valkey) -> Cache:
    cache = Cache(valkey.url, {})
    cache.own.clear()
    return cache


def full(valkey: Valkey, is_full: bool) -> None:
    Redis.from_url(valkey.url).config_set("maxmemory", 1 if is_full else 0)


def test_a_lock_that_was_taken_while_valkey_was_full_can_be_let_go(cache: Cache, valkey: Valkey) -> None:
    full(valkey, True)
    assert cache.add("lock", 1) and not cache.add("lock", 1)
    cache.delete("lock")
    assert cache.add("lock", 1)


def test_what_is_counted_while_valkey_is_full_counts(cache: Cache, valkey: Valkey) -> None:
    full(valkey, True)
    cache.set("attempts", [1, 2])
    assert cache.get("attempts") == [1, 2]
    full(valkey, False)
    assert cache.get("attempts") == [1, 2]
    cache.set("attempts", [1, 2, 3])
    assert cache.get("attempts") == [1, 2, 3] == Cache(valkey.url, {}).get("attempts")
    assert cache.own.get("attempts") is None


def test_each_process_remembers_for_itself_while_valkey_is_away(cache: Cache, valkey: Valkey) -> None:
    valkey.kill()
    assert cache.get("attempts", "none") == "none"
    cache.set("attempts", [1])
    assert cache.get("attempts") == [1]
    cache.delete("attempts")
    assert cache.get("attempts") is None
