"""Says what the fuzz made to a real server, and notes what it answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from realtime.tests.fuzz.frames import BORNE, CLOSE, ENDING, frame, here, noise
from realtime.tests.fuzz.handshakes import (
    HANDSHAKES,
    Target,
    broken_lines,
    flipped,
    right,
    truncated,
    with_frames_behind,
)
from realtime.tests.fuzz.handshakes import noise as handshake_noise

AT_ONCE = 24
HEAD_END = b"\r\n\r\n"
SILENCE = 0.25  # seconds, after which a client that said nothing whole hangs up
WAIT = 3.0  # the same for one who may have said something whole, and may have promised more
PATIENCE = 30.0  # a server that answers later than this does not answer
PROMISES = (truncated, handshake_noise, flipped, broken_lines)


@dataclass
class Tally:
    """`closes` by code, 0 for a connection that ended without a word; `answers` by status."""

    frames: int = 0
    handshakes: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.frames} frames, {self.handshakes} handshakes; "
            f"closes {dict(sorted(self.closes.items()))}, answers {dict(sorted(self.answers.items()))}"
        )


class Client:
    def __init__(self, targets: list[Target], seed: int) -> None:
        self.targets, self.chance, self.tally = targets, Random(seed), Tally()

    async def attack(self, frames: int, handshakes: int) -> None:
        """Many connections at once, in an order that the seed decides."""
        plans = [*self.conversations(frames), *(self.knock(Random(self.chance.random())) for _ in range(handshakes))]
        self.chance.shuffle(plans)
        room = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(within(room, plan) for plan in plans))

    def conversations(self, frames: int) -> Iterable[Awaitable[None]]:
        while frames > 0:
            said = min(frames, self.chance.randint(1, 29))
            frames -= said
            yield self.converse(Random(self.chance.random()), said)

    async def converse(self, chance: Random, frames: int) -> None:
        """A socket that bears what it can, and then has to end. Who is refused at the door is not heard."""
        end = chance.choice(ENDING)
        target = chance.choice(self.targets)
        borne = (*BORNE, lambda chance: here(chance, target.token))
        parts = [*(chance.choice(borne)(chance) for _ in range(frames - 1)), end(chance)]
        async with connected(target) as (reader, writer):
            writer.write(right(target, chance))
            head = await asyncio.wait_for(reader.readuntil(HEAD_END), PATIENCE)
            self.tally.answers[status_of(head)] += 1
            self.tally.frames += frames
            await say(writer, b"".join(parts), chance)
            heard = await rest(reader, SILENCE if end is noise else PATIENCE)
            if heard is None and end is not noise:
                self.tally.stuck.append(end.__name__)
            self.tally.closes[close_code(heard or b"")] += 1

    async def knock(self, chance: Random) -> None:
        target = chance.choice(self.targets)
        self.tally.handshakes += 1
        async with connected(target) as (reader, writer):
            make = chance.choice(HANDSHAKES)
            await say(writer, content := make(target, chance), chance)
            answer = await first(reader, SILENCE if make in PROMISES else WAIT)
            if answer.startswith(b"HTTP/1.1 101"):
                writer.write(frame(CLOSE, b"\3\xe8"))
                answer += await rest(reader, SILENCE if make is with_frames_behind else PATIENCE) or b""
                self.tally.closes[close_code(answer.partition(HEAD_END)[2])] += 1
            elif not answer:
                with suppress(OSError):
                    writer.write_eof()
                heard = await rest(reader, PATIENCE)
                if heard is None:
                    self.tally.stuck.append(f"{make.__name__}: {content!r:.300}")
                answer = heard or b""
            self.tally.answers[status_of(answer)] += 1


async def within(room: asyncio.Semaphore, plan: Awaitable[None]) -> None:
    async with room:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await plan


@asynccontextmanager
async def connected(target: Target):
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def say(writer: asyncio.StreamWriter, content: bytes, chance: Random) -> None:
    """In one piece, or in pieces that end anywhere."""
    cuts = sorted(chance.randrange(len(content) + 1) for _ in range(chance.choice((0, 0, 0, 1, 5))))
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        writer.write(content[start:end])
        await writer.drain()
        await asyncio.sleep(0)


async def first(reader: asyncio.StreamReader, seconds: float) -> bytes:
    with suppress(TimeoutError, ConnectionError):
        return await asyncio.wait_for(reader.read(65536), seconds)
    return b""


async def rest(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    """Everything until the server says goodbye, or ends the connection; None if it does neither."""
    heard = b""
    with suppress(ConnectionError):
        try:
            async with asyncio.timeout(seconds):
                while (part := await reader.read(65536)) and not close_code(heard := heard + part):
                    pass
        except TimeoutError:
            return None
    return heard


def status_of(answer: bytes) -> int:
    """0 for none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if answer.startswith(b"HTTP/") and len(words) > 1 and words[1].isdigit() else 0


def close_code(heard: bytes) -> int:
    """The code of the close among the server's frames (RFC 6455, section 5.2); 0 if there is none."""
    while len(heard) >= 2:
        opcode, size, head = heard[0] & 15, heard[1] & 127, 2
        if size >= 126:
            head += 2 if size == 126 else 8
            size = int.from_bytes(heard[2:head], "big")
        if opcode == CLOSE and len(heard) >= head + size:
            return int.from_bytes(heard[head : head + 2], "big") or 1005
        heard = heard[head + size :]
    return 0
