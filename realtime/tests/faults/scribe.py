"""Writes events until it is killed, one to ten in each commit, and says of each that it was committed: only after the commit.

`python -m realtime.tests.faults.scribe TENANT PERSON SEED`
"""

from __future__ import annotations

import random
import sys
import uuid
from contextlib import suppress

import django

ROLLED_BACK = 0.05
TOGETHER = 10


class ChangedMyMind(Exception):
    pass


def main(tenant_id: str, person_id: str, seed: str) -> None:
    django.setup()
    from hospital.models import Person, Tenant
    from hospital.tenancy import acting_for

    tenant, person = Tenant.objects.get(pk=tenant_id), Person.objects.get(pk=person_id)
    chance = random.Random(seed)
    while True:
        marks = [uuid.uuid4().hex for _ in range(chance.randint(1, TOGETHER))]
        with suppress(ChangedMyMind):
            with acting_for(tenant, person, "admin"):
                write(person, marks, keep=chance.random() >= ROLLED_BACK)
            sys.stdout.write(f"{' '.join(marks)}\n")
            sys.stdout.flush()


def write(person, marks: list[str], *, keep: bool) -> None:
    from hospital.models import SignIn

    for mark in marks:
        SignIn.objects.create(person=person, role="admin", session=mark if keep else f"never {mark}")
    if not keep:
        raise ChangedMyMind


if __name__ == "__main__":
    main(*sys.argv[1:])
