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
from realtime.models import Event
from realtime.signals import hint_after_commit
from realtime.tests.faults.pages import Page, end_all
from realtime.tests.faults.run import Run


def frames_disturbed(run: Run) -> None:
    """FA-11: a frame is lost, comes twice, or comes after the next one. The page notices, and asks again."""
    run.prepare()
    with run.damage():
        for page in run.pages:
            page.disturbed = 0.3
        run.work(3, 8)
        for page in run.pages:
            page.disturbed = 0.0
    run.heals(within=6)
    lost = sum(page.lost for page in run.pages)
    run.figure("lost frames", lost)
    if not lost:
        run.blame("no frame was lost, so nothing was tried")


def cursors_impossible(run: Run) -> None:
    """FA-11: a cursor beyond the head, of another epoch, or too old: the page fetches itself."""
    run.prepare()
    run.work(1, 2)
    with run.damage():
        run.loop.do(misplace(run))
        run.work(1, 2)
    run.heals(within=6)
    if not any(page.jumps for page in run.pages):
        run.blame("no page was told to fetch itself")


async def misplace(run: Run) -> None:
    for number, page in enumerate(run.pages):
        if number % 2:
            page.misplaced = 10_000
            page.seq += page.misplaced
        else:
            page.epoch = str(uuid.uuid4())
        await page.resume()


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
    tasks = await asyncio.gather(*(open_late(page, delay, run) for page, delay in zip(pages, delays, strict=True)))
    visit = await write
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(told(page, visit) for page in pages)), 15)
    await end_all(tasks)
    return visit


async def open_late(page: Page, delay: float, run: Run) -> asyncio.Task:
    await page.open()
    await asyncio.sleep(delay)
    return asyncio.ensure_future(page.live(run.chance))


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
    """FA-13: an event whose fragment cannot be rendered. Its readers fetch themselves, and the stream goes on."""
    run.prepare()
    with run.damage():
        for hospital in run.hospitals:
            emit(hospital, "prescription:status_changed")
            run.work(0.2, 1)
    run.work(1)
    run.heals(within=5, lag=3)
    expect_no_resync(run)


def emit(hospital: Hospital, name: str) -> None:
    roles = ["reception", "checker_doctor", "admin"]
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
            emit(hospital, "ward:repainted")
        run.loop.do(speak_strangely(run.pages))
        run.work(1, 2)
    run.heals(within=5, lag=3)
    expect_no_resync(run)
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


FAULTS: dict[str, Callable[[Run], None]] = {
    "FA-11-frames": frames_disturbed,
    "FA-11-cursors": cursors_impossible,
    "FA-12": written_between,
    "FA-13": poison,
    "FA-14": releases_mixed,
}
