"""The listener, on a real port: however the bytes come, each message is answered, and nothing ends the listener."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from clinical.hl7.door import Door
from clinical.hl7.mllp import Limits, Listener
from clinical.hl7.reading import read
from clinical.hl7.routes import Routes
from clinical.models import Hl7Message, Hl7Sender, Patient
from clinical.tests.messages import PERSON, adt, message, oru
from hospital.tests.hospital import Hospital

VT, END = b"\x0b", b"\x1c\r"
PATIENCE = 60


class Sender:
    """A plain socket that speaks MLLP."""

    def __init__(self, port: int) -> None:
        self.line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.kept = b""

    def write(self, content: bytes) -> None:
        self.line.sendall(content)

    def answer(self) -> bytes:
        while END not in self.kept:
            chunk = self.line.recv(65536)
            assert chunk, "the listener hung up"
            self.kept += chunk
        found, _, self.kept = self.kept.partition(END)
        return found.removeprefix(VT)

    def ask(self, raw: bytes) -> str:
        self.write(VT + raw + END)
        return code_of(self.answer())

    def is_over(self) -> bool:
        return self.line.recv(1) == b""


def code_of(answer: bytes) -> str:
    return read(answer).first("MSA").part(1)


@contextmanager
def listening(hospital: Hospital | None, **limits: float) -> Iterator[int]:
    """In a thread of its own, with an event loop of its own."""
    loop, ready, ports = asyncio.new_event_loop(), threading.Event(), []
    listener = Listener(Routes(hospital.tenant if hospital else None), Limits(**limits))

    async def serve() -> None:
        server = await listener.start("127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        async with server:
            await server.serve_forever()

    task = loop.create_task(serve())
    thread = threading.Thread(target=run, args=(loop, task), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(PATIENCE)
        listener.pool.shutdown()


def run(loop: asyncio.AbstractEventLoop, task: asyncio.Task) -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        for other in asyncio.all_tasks(loop):
            other.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()


def count(hospital: Hospital, **of: object) -> int:
    with hospital.acting():
        return Hl7Message.objects.filter(**of).count()


def test_frames_come_whole_in_pieces_and_two_at_once_on_one_connection(alpha, beta):
    with listening(alpha) as port:
        sender = Sender(port)
        assert sender.ask(adt("A28")) == "AA"
        for byte in (piece := VT + adt("A08") + END)[:40]:
            sender.write(bytes([byte]))
        sender.write(piece[40:])
        assert code_of(sender.answer()) == "AA"
        sender.write(VT + adt("A08") + END + b"\n" + VT + adt("A08") + END)
        assert [code_of(sender.answer()) for _ in range(2)] == ["AA", "AA"]
        sender.write(VT + adt("A08") + b"\r" + adt("A08") + END)
        assert [code_of(sender.answer()) for _ in range(2)] == ["AA", "AA"]
    assert count(alpha, status="applied") == 6
    assert count(beta) == 0


def test_broken_frames_are_rejected_and_the_next_one_is_taken(alpha):
    with listening(alpha, frame_seconds=2, message_bytes=20_000) as port:
        sender = Sender(port)
        sender.write(VT + adt("A28")[:80] + VT + adt("A28") + END)
        assert [code_of(sender.answer()) for _ in range(2)] == ["AR", "AA"]
        assert sender.ask(b"") == "AR"
        sender.write(VT + adt("A08"))
        assert code_of(sender.answer()) == "AR"
        assert sender.is_over()
        large = Sender(port)
        large.write(VT + b"MSH|" + b"x" * 30_000)
        assert code_of(large.answer()) == "AR"
        gone = Sender(port)
        gone.write(VT + b"MSH|^~")
        gone.line.close()
        assert Sender(port).ask(adt("A08")) == "AA"


def test_more_connections_than_allowed_and_idle_ones_are_ended(alpha):
    with listening(alpha, connections=2, idle_seconds=3) as port:
        first, second = Sender(port), Sender(port)
        assert (first.ask(adt("A28")), second.ask(adt("A08"))) == ("AA", "AA")
        third = Sender(port)
        assert third.is_over()
        assert first.is_over()


def test_the_same_message_on_many_connections_at_once_is_applied_once(alpha):
    raw, told = adt("A28"), []
    with listening(alpha) as port:
        threads = [threading.Thread(target=lambda: told.append(Sender(port).ask(raw))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert told == ["AA"] * 8
    assert count(alpha) == 1
    with alpha.acting():
        assert Patient.objects.count() == 1


def test_one_listener_brings_each_sender_to_its_own_organisation(alpha, beta):
    for hospital, facility in ((alpha, "NORTH"), (beta, "SOUTH")):
        with hospital.acting():
            Hl7Sender.objects.create(application=f"RT{alpha.mark}", facility=facility, is_routed=True)
    with listening(None) as port:
        sender = Sender(port)
        assert sender.ask(adt("A28", sender=f"RT{alpha.mark}|SOUTH")) == "AA"
        assert sender.ask(adt("A28", sender=f"RT{alpha.mark}|EAST")) == "AR"
        assert sender.ask(b"no message") == "AR"
    assert (count(alpha), count(beta)) == (0, 1)
    with alpha.acting():
        Hl7Sender.objects.create(application=f"RT{alpha.mark}", facility="SOUTH", is_routed=True)
    with listening(None) as port:
        assert Sender(port).ask(adt("A08", sender=f"RT{alpha.mark}|SOUTH")) == "AR"


# --- odd bytes ---------------------------------------------------------------------------------------

SEEDS = [
    adt("A04", PERSON, "PV1|1|I|||||||||||||||||V1", "AL1|1|DA|P^Penicillin", control="F1"),
    oru("OBR|1|L-1|F1|2823-3^K^LN", "OBX|1|NM|2823-3^K^LN||4.1|mmol/L|3-5|HH|||F", "NTE|1||x", control="F2"),
    message("SIU^S12", "SCH|1|2", f"PID|1||{PERSON}", "AIS|1|A|X^Y|20261201", "AIP|1|A|7^Doe^Jo", control="F3"),
    message("ADT^A40", f"PID|1||{PERSON}", "MRG|9^^^CITY&1.2.3.4&ISO", control="F4"),
    message("VXU^V04", f"PID|1||{PERSON}", "RXA|0|1|2026||9^V^CVX|1", control="F5"),
]
SPICE = [
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b"\x00",
    b"\xff",
    b'""',
    b"\\X41\\",
    b"MSH|",
    b"99999999999999999999",
    b"-1",
]


def mutated(chance: random.Random) -> bytes:
    raw = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 6)):
        at, way = chance.randrange(len(raw) or 1), chance.randrange(4)
        if way == 0:
            raw[at : at + 1] = bytes([chance.randrange(256)])
        elif way == 1:
            del raw[at : at + chance.randint(1, 40)]
        elif way == 2:
            raw[at:at] = chance.choice(SPICE) * chance.choice((1, 1, 3, 50))
        else:
            raw[at:at] = raw[chance.randrange(len(raw) or 1) :][: chance.randint(1, 60)]
    return bytes(raw)


def test_damaged_messages_are_all_kept_and_answered(alpha):
    chance, words = random.Random(20261122), {"applied": 0, "inbox": 0, "duplicate": 0, "refused": 0}
    door = Door(Routes(alpha.tenant), via="damage")
    for _ in range(700):
        for taken in door.take_all(mutated(chance)):
            words[taken.word] += 1
            assert all(answer.startswith(b"MSH") for answer in taken.answers)
            assert taken.answers or "no answer wanted" in taken.line
    assert words["applied"]
    assert words["refused"]
    assert count(alpha) == words["applied"] + words["inbox"] + words["refused"]
    assert count(alpha, status="received") == 0


@tries(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.sampled_from(SEEDS), st.integers(0, 400))
def test_no_bytes_at_all_break_the_reader_or_its_answers(content, seed, at):
    from clinical.hl7.ack import Verdict, answers, rejection
    from clinical.hl7.reading import Unreadable, messages_in

    for raw in messages_in(seed[:at] + content + seed[at:]):
        try:
            found = read(raw)
            told = answers(found, Verdict.ACCEPT)
            assert found.digest
        except Unreadable as error:
            told = [rejection(raw, str(error))]
        assert all(read(one.encode()).first("MSA") for one in told)


def test_damaged_frames_never_end_the_listener(alpha):
    chance = random.Random(7)
    with listening(alpha, frame_seconds=5) as port:
        for _ in range(40):
            sender = Sender(port)
            sender.write(VT + mutated(chance) + END)
            sender.answer()
            sender.line.close()
        assert Sender(port).ask(adt("A31", control="last")) in ("AA", "AE")


# --- a machine that dies ------------------------------------------------------------------------------


@contextmanager
def process(hospital: Hospital) -> Iterator[tuple[subprocess.Popen, int]]:
    """`manage.py mllp` on the database of this run."""
    script = (
        "import os,sys;os.environ['DJANGO_SETTINGS_MODULE']='hospital.settings';"
        "from django.conf import settings;settings.DATABASES['default']['NAME']=sys.argv.pop(1);"
        "from django.core.management import execute_from_command_line as go;go(['manage.py',*sys.argv[1:]])"
    )
    name = str(connection.settings_dict["NAME"])
    words = [sys.executable, "-c", script, name, "mllp", "--port", "0", "--tenant", hospital.tenant.slug]
    run = subprocess.Popen(words, cwd=settings.BASE_DIR, env=os.environ.copy(), stdout=subprocess.PIPE, text=True)
    try:
        line = run.stdout.readline() if run.stdout else ""
        assert line.startswith("listening"), line
        yield run, int(line.rpartition(":")[2])
    finally:
        run.kill()
        run.wait()


def test_a_listener_killed_between_storing_and_answering_answers_the_second_time_and_applies_nothing_twice(alpha):
    raw = adt("A28", control="KILLED")
    with process(alpha) as (run, port):
        sender = Sender(port)
        sender.write(VT + raw + END)
        wait_for(lambda: count(alpha) == 1)
        run.send_signal(signal.SIGKILL)
        run.wait()
    with process(alpha) as (_, port):
        assert Sender(port).ask(raw) == "AA"
    assert count(alpha) == 1
    with alpha.acting():
        assert Patient.objects.count() == 1


def wait_for(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.mark.parametrize("odd", [b"\x0b\x1c\r", b"\x1c\r\x1c\r\x0bx\x1c\r"])
def test_empty_and_odd_frames_are_answered(alpha, odd):
    with listening(alpha) as port:
        sender = Sender(port)
        sender.write(odd)
        assert code_of(sender.answer()) == "AR"
