"""Writes events until it is killed, one to ten in each commit, and says of each that it was committed: only after the commit.

`python -m realtime.tests.faults.scribe TENANT PERSON SEED` reads the number of a place from each line: whoever writes there is
killed, and somebody else begins. All are forks of one process that has loaded the product, so that the time goes into writing.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import traceback
import uuid
from contextlib import suppress
from typing import NoReturn

import django

ROLLED_BACK = 0.05
TOGETHER = 10


class ChangedMyMind(Exception):
    pass


def main(tenant_id: str, person_id: str, seed: str) -> None:
    django.setup()
    writing: dict[str, int] = {}
    killed: list[bool] = []
    for number, place in enumerate(sys.stdin):
        if place in writing:
            killed.append(kill(writing.pop(place)))
        writing[place] = os.fork() or begin(tenant_id, person_id, f"{seed}/{number}")
    killed += [kill(process) for process in writing.values()]
    if not all(killed):
        sys.exit("A scribe ended by itself.")


def kill(process: int) -> bool:
    """Whether it still ran."""
    ended, _ = os.waitpid(process, os.WNOHANG)
    if not ended:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    return not ended


def begin(tenant_id: str, person_id: str, seed: str) -> NoReturn:
    try:
        write_on(tenant_id, person_id, random.Random(seed))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def write_on(tenant_id: str, person_id: str, chance: random.Random) -> NoReturn:
    from hospital.models import Person, Tenant
    from hospital.tenancy import acting_for

    tenant, person = Tenant.objects.get(pk=tenant_id), Person.objects.get(pk=person_id)
    while True:
        marks = [uuid.uuid4().hex for _ in range(chance.randint(1, TOGETHER))]
        with suppress(ChangedMyMind):
            with acting_for(tenant, person, "admin"):
                write(person, marks, keep=chance.random() >= ROLLED_BACK)
            # So short a line is written whole or not at all, whoever else writes to the same pipe.
            os.write(sys.stdout.fileno(), f"{' '.join(marks)}\n".encode())


def write(person, marks: list[str], *, keep: bool) -> None:
    from hospital.models import SignIn

    for mark in marks:
        SignIn.objects.create(person=person, role="admin", session=mark if keep else f"never {mark}")
    if not keep:
        raise ChangedMyMind


if __name__ == "__main__":
    main(*sys.argv[1:])
