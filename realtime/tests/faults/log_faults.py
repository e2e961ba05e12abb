"""FA-11 to FA-14: what is between the log and a page goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Callable

from clinical.models import Visit
from clinical.tests.wards import a_visit
from hospital.tenancy import TenantModel
from hospital.tests.hospital import Hospital
from realtime.log import LIMIT
from realtime.models import Event
from realtime.signals import hint_after_commit
from realtime.tests.faults.flood import flood, some_visits
from realtime.tests.faults.pages import Page, end_all
from realtime.tests.faults.run import PLACES, Run

ROLES = [role for role, _ in PLACES]
POISON, FUTURE = "prescription:status_changed", "ward:repainted"
LONG_AGO = 1  # a number of the log
TRIED = 20.0  # seconds


def frames_disturbed(run: Run) -> None:
    """FA-11: a frame is lost, comes twice, or comes when newer ones are known. The page notices, and asks again."""
    run.prepare()
    with run.damage():
        for page in run.pages:
            page.disturbed = 0.45
        run.work(3, 8)
        run.until(lambda: all(disturbances(run)), TRIED, "not every kind of disturbance was tried")
        for page in run.pages:
            page.disturbed = 0.0
    run.heals(within=6)
    for name, count in zip(("lost", "doubled", "late"), disturbances(run), strict=True):
        run.figure(f"{name} frames", count)


def disturbances(run: Run) -> list[int]:
    return [sum(counts) for counts in zip(*((page.lost, page.doubled, page.late) for page in run.pages), strict=True)]


def cursors_impossible(run: Run) -> None:
    """FA-11: a cursor beyond the head, of another epoch, or too old: the page fetches itself."""
    run.prepare()
    for hospital in run.hospitals:
        flood(hospital, some_visits(hospital, 2), times=LIMIT)
    run.until(lambda: all(page.seq > LONG_AGO + LIMIT for page in run.pages), 15, "pages did not follow the news")
    run.work(1, 2)
    with run.damage():
        run.loop.do(misplace(run.pages))
        run.work(1, 2)
    run.heals(within=6)
    if untold := [MISPLACED[number % 3].__name__ for number, page in enumerate(run.pages) if not page.jumps]:
        run.blame(f"pages were not told to fetch themselves: {untold}")


async def misplace(pages: list[Page]) -> None:
    for number, page in enumerate(pages):
        MISPLACED[number % 3](page)
        await page.resume()


def of_another_epoch(page: Page) -> None:
    page.epoch = str(uuid.uuid4())


def beyond_the_head(page: Page) -> None:
    page.misplaced = 10_000
    page.seq += page.misplaced


def too_old(page: Page) -> None:
    page.misplaced = LONG_AGO - page.seq
    page.seq += page.misplaced


MISPLACED = (of_another_epoch, beyond_the_head, too_old)


def written_between(run: Run) -> None:
    """FA-12: a write commits while pages are rendered and before their sockets are open."""
    run.prepare()
    hospital = run.hospitals[0]
    trials, missed = 1000 if run.is_full else 50, 0
    together = 10
    with run.damage():
        for _ in range(trials // together):
            pages = [run.page(run.world.url, len(run.hospitals) * number) for number in range(together)]
            visit = run.loop.do(race(run, hospital, pages))
            missed += sum(not shows(page, visit) for page in pages)
            take_back(hospital, visit)
    run.figure("trials", trials)
    if missed:
        run.blame(f"{missed} of {trials} pages missed what was written between their rendering and their socket")
    run.heals(within=5)


async def race(run: Run, hospital: Hospital, pages: list[Page]) -> str:
    delays = [run.chance.uniform(0, 0.2) for _ in pages]
    write = asyncio.get_running_loop().run_in_executor(None, register, hospital, run.chance.uniform(0, 0.2))
    tasks = await asyncio.gather(*(open_late(page, delay) for page, delay in zip(pages, delays, strict=True)))
    visit = await write
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(told(page, visit) for page in pages)), 15)
    await end_all(tasks)
    return visit


async def open_late(page: Page, delay: float) -> asyncio.Task:
    await page.open()
    await asyncio.sleep(delay)
    return asyncio.ensure_future(page.live())


def register(hospital: Hospital, delay: float) -> str:
    from django.db import connection

    time.sleep(delay)
    try:
        with hospital.acting("reception"):
            visit = a_visit()
            return f"visit-{visit.pk}:{visit.version}"
    finally:
        connection.close()


async def told(page: Page, visit: str) -> None:
    while not shows(page, visit):
        await page.next_message()


def take_back(hospital: Hospital, visit: str) -> None:
    """So that the list stays shorter than a page."""
    with hospital.acting("admin") as acting:
        key = visit.removeprefix("visit-").rsplit(":", 1)[0]
        Visit.objects.get(pk=key).cancel("One of many trials", by=acting.person)


def shows(page: Page, visit: str) -> bool:
    row, version = visit.rsplit(":", 1)
    return any(rows.get(row, 0) >= int(version) for rows in page.lists.values())


def poison(run: Run) -> None:
    """FA-13: an event whose fragment cannot be rendered for the role that hears it. Its pages fetch themselves, and no
    others; the stream goes on.
    """
    run.prepare()
    role = run.in_turn(ROLES)
    with run.damage():
        for hospital in run.hospitals:
            emit(hospital, POISON, [role])
            run.work(0.2, 1)
    run.work(1)
    run.heals(within=5, lag=3)
    expect_no_resync(run)
    expect_fetches(run, POISON, [role])


def expect_fetches(run: Run, name: str, roles: list[str]) -> None:
    """By the pages that could not be told all, once, and by nobody else."""
    for page in run.pages:
        due = [name] if page.role in roles else []
        if page.told_to_fetch != due:
            run.blame(f"{page.role} on {page.path} was told to fetch itself for {page.told_to_fetch}, not for {due}")
        if due and not page.whole_fetches:
            run.blame(f"{page.role} on {page.path} did not fetch itself")


def emit(hospital: Hospital, name: str, roles: list[str]) -> None:
    with hospital.acting():
        loudness = dict.fromkeys(roles, "info")
        event = Event(name=name, object_id=uuid.uuid4(), roles=roles, loudness=loudness)
        TenantModel.save(event)  # past the check that it is declared: another release has declared it
        hint_after_commit(str(hospital.tenant.pk))


def expect_no_resync(run: Run) -> None:
    if any(page.jumps for page in run.pages):
        run.blame("one bad event made pages lose their place")


def releases_mixed(run: Run) -> None:
    """FA-14: events and messages of another release, in both directions."""
    run.prepare()
    with run.damage():
        for hospital in run.hospitals:
            emit(hospital, FUTURE, ROLES)
        run.loop.do(speak_strangely(run.pages))
        run.loop.do(hear_strangely(run))
        run.work(1, 2)
    run.heals(within=5, lag=3)
    expect_no_resync(run)
    expect_fetches(run, FUTURE, ROLES)
    if broken := [page.path for page in run.pages if page.connects > 1]:
        run.blame(f"{len(broken)} sockets were closed because of a message of another release")


async def speak_strangely(pages: list[Page]) -> None:
    for page in pages:
        for message in (
            {"future": {"a": 1}},
            {"type": "websocket.disconnect"},
            {"ack": "7"},
            {"resume": 7},
            [],
            "x",
            None,
        ):
            await page.socket.send(json.dumps(message))


async def hear_strangely(run: Run) -> None:
    """Real pages hear what a later server may say. They say nothing of it, and keep their sockets."""
    for window in run.windows:
        wrong = await window.hear(
            {"future": {"a": 1}},
            {"prev": 0, "head": 0, "future": 1},
            {"prev": 0, "seq": 0, "html": [], "events": [], "future": 1},
        )
        run.blame(*(f"a page did not bear a message of a later release: {sentence}" for sentence in wrong))


FAULTS: dict[str, Callable[[Run], None]] = {
    "FA-11-frames": frames_disturbed,
    "FA-11-cursors": cursors_impossible,
    "FA-12": written_between,
    "FA-13": poison,
    "FA-14": releases_mixed,
}
