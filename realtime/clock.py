"""What time it is by the database: the clocks of two servers may differ by minutes."""

from __future__ import annotations

import time


class DatabaseClock:
    """Told by whatever asks the database anyway, and gone on since by this process's steady clock."""

    def __init__(self) -> None:
        self.ahead = time.time() - time.monotonic()  # the own one, until it is told

    def set(self, seconds: float) -> None:
        self.ahead = seconds - time.monotonic()

    def time(self) -> float:
        return time.monotonic() + self.ahead


database_clock = DatabaseClock()
