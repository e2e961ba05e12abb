"""FA-1 to FA-7: the servers."""

from __future__ import annotations

import os
import signal
import subprocess

from realtime.tests.faults.run import Run


def one_or_all_servers_killed(run: Run) -> None:
    """FA-1"""
    run.prepare()
    run.work(1, 3)
    chosen = run.world.sites if run.chance.random() < 0.5 else [run.chance.choice(run.world.sites)]
    with run.damage():
        for site in chosen:
            site.process.kill()
            site.process.wait()
        run.work(1)
        for site in chosen:
            site.start()
    run.work(1, 2)
    run.heals(within=5)


def valkey_killed(run: Run) -> None:
    """FA-3"""
    run.prepare()
    run.work(1, 3)
    with run.damage():
        run.world.valkey.kill()
        run.work(3, 6)
    run.world.valkey.start()
    run.work(1)
    run.heals(within=3, lag=2)


FAULTS = {"FA-1": one_or_all_servers_killed, "FA-3": valkey_killed}
