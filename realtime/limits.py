"""How much one person, and one socket, may ask of us."""

from __future__ import annotations

import time
from collections.abc import Hashable

SOCKETS = 20  # of a person, in this process
HANDSHAKES, HANDSHAKES_EACH_SECOND = 60, 2.0  # all pages of a person may come back three times at once
MESSAGES, MESSAGES_EACH_SECOND = 30, 5.0
BYTES = 4096  # of a message


class Allowance:
    """A bucket: holds `room` and fills again at `rate` a second."""

    __slots__ = ("at", "left", "rate", "room")

    def __init__(self, room: float, rate: float) -> None:
        self.room, self.rate = room, rate
        self.left, self.at = room, time.monotonic()

    def take(self) -> bool:
        self._fill()
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def give_back(self) -> None:
        self.left += 1

    def is_full(self) -> bool:
        self._fill()
        return self.left >= self.room

    def _fill(self) -> None:
        now = time.monotonic()
        self.left = min(self.room, self.left + (now - self.at) * self.rate)
        self.at = now


class Allowances:
    """One for each key. Those who are quiet are forgotten, so that it does not grow."""

    KEPT = 1000

    def __init__(self, room: float, rate: float) -> None:
        self.room, self.rate = room, rate
        self.by_key: dict[Hashable, Allowance] = {}
        self.forget_at = self.KEPT

    def take(self, key: Hashable) -> bool:
        allowance = self.by_key.get(key)
        if allowance is None:
            allowance = self.by_key[key] = Allowance(self.room, self.rate)
            self._forget()
        return allowance.take()

    def _forget(self) -> None:
        if len(self.by_key) > self.forget_at:
            self.by_key = {key: kept for key, kept in self.by_key.items() if not kept.is_full()}
            self.forget_at = max(self.KEPT, 2 * len(self.by_key))
