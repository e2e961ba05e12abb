"""How the live engine is doing: each process counts, and tells its figures through Valkey, where they stand for ten seconds.

They are kept by a hospital's address, so that nobody reads those of another. Without Valkey one sees the process that
answers, and nothing else depends on it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from redis.exceptions import RedisError

from realtime import valkey

if TYPE_CHECKING:
    from realtime.connection import Connection
    from realtime.hub import Hub, Stream

EVERY = 3.0
LASTS = 10  # seconds
OF_A_ROLE = ("sockets", "owing", "events", "seconds", "queued")  # the last: bytes that wait in this process
OPENED, AGAIN, GAPS, RESYNCS, SLOW, REFUSED = "opened", "again", "gaps", "resyncs", "slow", "refused"

TELL = """
local now, found = tonumber(redis.call('TIME')[1]), redis.call('HGETALL', KEYS[1])
for at = 1, #found, 2 do
    if cjson.decode(found[at + 1]).ends < now then redis.call('HDEL', KEYS[1], found[at]) end
end
local figures = '{"ends":' .. now + ARGV[3] .. ',"of":' .. ARGV[2] .. '}'
redis.call('HSET', KEYS[1], ARGV[1], figures)
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""

log = logging.getLogger(__name__)
me = f"{os.getpid()}-{secrets.token_hex(4)}"
since = datetime.now(UTC)
counters: dict[str, Counter[str]] = {}
latest: dict[str, dict[str, Any]] = {}  # by address; for the page that this very process serves


def count(slug: str, what: str, times: int = 1) -> None:
    """Of an address where nobody was let in yet, nothing: it may be made up, and those must not fill the memory."""
    if what == OPENED:
        counters.setdefault(slug, Counter())
    if slug in counters:
        counters[slug][what] += times


async def report(hub: Hub) -> None:
    """Never ends. What fails is tried again; nobody waits for it."""
    global latest
    client, is_away = valkey.asynchronous(), False
    while True:
        await asyncio.sleep(EVERY)
        latest = {slug: about(slug, connections, hub.streams) for slug, connections in by_slug(hub).items()}
        try:
            await asyncio.wait_for(tell(client, latest), EVERY)
            is_away = False
        except Exception as error:
            if not is_away:
                log.warning("figures are not told, trying on: %s", error or type(error).__name__)
            is_away = True


def by_slug(hub: Hub) -> dict[str, list[Connection]]:
    """The addresses with an open socket, or with one earlier."""
    found: dict[str, list[Connection]] = {slug: [] for slug in counters}
    for connection in hub.connections():
        found.setdefault(connection.asker.slug, []).append(connection)
    return found


def about(slug: str, connections: list[Connection], streams: Mapping[UUID, Stream]) -> dict[str, Any]:
    stream = streams.get(connections[0].tenant_id) if connections else None
    now = time.monotonic()
    roles: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(OF_A_ROLE, 0))
    for connection in connections:
        role = roles[connection.role]
        role["sockets"] += 1
        role["queued"] += connection.outlet.queued()
        if connection.owed:
            role["owing"] += 1
            role["events"] = max(role["events"], connection.events)
            role["seconds"] = max(role["seconds"], round(now - connection.owed[0].at))
    return {
        "process": me,
        "since": since.isoformat(),
        "seq": stream.seq if stream else None,
        "read": round(now - stream.read_at) if stream and stream.epoch else None,
        "roles": dict(roles),
        "counts": dict(counters.get(slug, ())),
    }


async def tell(client: Any, figures: dict[str, dict[str, Any]]) -> None:
    if not figures:
        return
    async with client.pipeline(transaction=False) as pipeline:
        for slug, content in figures.items():
            pipeline.eval(TELL, 1, key(slug), me, json.dumps(content), LASTS)
        await pipeline.execute()


def of_all_processes(slug: str) -> tuple[list[dict[str, Any]], bool]:
    """What each process told of this hospital, and whether all could be asked."""
    try:
        with valkey.synchronous() as client, client.pipeline(transaction=False) as pipeline:
            now, found = pipeline.time().hvals(key(slug)).execute()
    except RedisError:
        return [latest[slug]] if slug in latest else [], False
    told = [json.loads(text) for text in found]
    standing = [figures["of"] for figures in told if figures["ends"] >= now[0]]
    return sorted(standing, key=lambda figures: (figures["since"], figures["process"])), True


def key(slug: str) -> str:
    return valkey.name("live", slug)
