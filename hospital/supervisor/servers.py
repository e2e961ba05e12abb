"""The embedded servers while `bin/run` works: one that ends is started again."""

import contextlib
import threading
import time
from collections.abc import Iterator

from hospital.embedded import Embedded, ServerError
from hospital.supervisor.children import QUICK_DEATHS, show

LOOK_SECONDS = 2
QUICK_SECONDS = 60


class Keeper(threading.Thread):
    """Looks beside the crew, whose output must go on being read while a server replays its log."""

    def __init__(self, servers: Embedded) -> None:
        super().__init__(name="servers", daemon=True)
        self.servers = servers
        self.leaving = threading.Event()
        self.starts: list[float] = []
        self.reason = ""

    def has_given_up(self) -> bool:
        return bool(self.reason)

    def run(self) -> None:
        while not self.reason and not self.leaving.wait(LOOK_SECONDS):
            try:
                self.look()
            except (ServerError, OSError) as error:
                self.reason = str(error)

    def look(self) -> None:
        if not (ended := self.servers.ended()):
            return
        for server in ended:
            show(f"{server.name} has ended; starting it again")
        self.refuse_to_go_on_for_ever(ended[0].name)
        self.servers.revive()
        show(f"{' and '.join(server.name for server in ended)} answers again")

    def refuse_to_go_on_for_ever(self, name: str) -> None:
        now = time.monotonic()
        self.starts = [*(start for start in self.starts if now - start < QUICK_SECONDS), now]
        if len(self.starts) >= QUICK_DEATHS:
            raise ServerError(f"{name} ends again and again; its log is in {self.servers.home.base}.")


@contextlib.contextmanager
def kept(servers: Embedded) -> Iterator[Keeper]:
    keeper = Keeper(servers)
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.leaving.set()
        keeper.join()
