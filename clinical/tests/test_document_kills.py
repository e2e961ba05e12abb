"""kill -9 of the real processes in the two moments that matter: no row lacks its file, and what lacks a row is swept."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from django.conf import settings
from django.db import transaction

from clinical import orphans
from clinical.models import Document, Patient
from clinical.tests.papers import VIRUS, clamd, pdf, upload
from clinical.tests.test_document_files import in_bucket, s3
from clinical.tests.test_document_storm import Desk
from clinical.tests.wards import a_patient, fresh
from realtime.tests.server import ROOT, Site, environment_of_run, free_port, wait_until
from realtime.tests.servers import pass_on

__all__ = ["in_bucket", "s3"]


def command(name: str, environment: dict[str, str]) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "manage.py", name], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def kill(process: subprocess.Popen) -> None:
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL


# --- between the object and the row ----------------------------------------------------------


@pytest.fixture
def doomed(tmp_path) -> Iterator[Site]:
    """A server of its own, with a folder of files of its own."""
    site = Site(tmp_path / "site.log", FILES_DIR=str(tmp_path / "files")).start()
    yield site
    site.stop()


def stored_in(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


def test_a_server_killed_between_the_object_and_the_commit_leaves_no_row_and_the_sweep_takes_the_object(
    alpha, doomed, tmp_path
):
    with alpha.acting("reception"):
        patient = a_patient()
    desk, files = Desk(doomed, alpha, patient), tmp_path / "files"
    with alpha.acting(), transaction.atomic():
        Patient.objects.select_for_update().get(pk=patient.pk)  # the row waits for it, when the object is there already
        sending = Thread(target=lost, args=(desk,))
        sending.start()
        wait_until(lambda: stored_in(files), 60, "nothing was stored")
        kill(doomed.process)
    sending.join(60)
    [orphan] = stored_in(files)
    with alpha.acting():
        assert not Document.objects.exists()
    environment = environment_of_run() | {"FILES_DIR": str(files)}
    assert command("sweep_orphans", environment).wait(120) == 0
    assert stored_in(files) == [orphan]  # too young: its row may be about to commit
    os.utime(orphan, (time.time() - 7200,) * 2)
    assert command("sweep_orphans", environment).wait(120) == 0
    assert stored_in(files) == []


def lost(desk: Desk) -> None:
    with contextlib.suppress(OSError):
        desk.send([("report.pdf", pdf(b"% killed"))])


# --- between the row and the object -----------------------------------------------------------


class Way:
    """To the storage. What would delete something never arrives; that it was sent is noticed."""

    def __init__(self, target: str) -> None:
        self.target = (target.rpartition("/")[2].partition(":")[0], int(target.rpartition(":")[2]))
        self.port, self.deletes = free_port(), Event()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                Thread(target=pass_on, args=[Watched(near, self.deletes), far], daemon=True).start()


class Watched:
    """One end of a line: reads as the socket does, but for what deletes."""

    def __init__(self, line: socket.socket, deletes: Event) -> None:
        self.line, self.deletes = line, deletes

    def fileno(self) -> int:
        return self.line.fileno()

    def recv(self, size: int) -> bytes:
        data = self.line.recv(size)
        if data.startswith(b"DELETE "):
            self.deletes.set()
            time.sleep(60)  # nobody answers; whoever asked is killed meanwhile
            return b""
        return data

    def sendall(self, data: bytes) -> None:
        self.line.sendall(data)

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *error: object) -> None:
        self.line.close()


def test_a_worker_killed_between_the_row_and_the_object_leaves_a_rejected_row_and_the_sweep_takes_the_object(
    alpha, s3, in_bucket, tmp_path, monkeypatch
):
    monkeypatch.setattr(settings, "CLAMD_SOCKET", str(tmp_path / "away"))
    with alpha.acting("lab_technician") as acting:
        content = pdf(b"% " + VIRUS)
        document = Document.upload(upload(content, "bad.pdf"), patient=a_patient(), by=acting.person)
    key, way = str(document.file.name), Way(s3)
    places = {"S3_BUCKET": "hospital-files", "S3_ENDPOINT_URL": way.url, "S3_REGION": "us-east-1"}
    keys = {"S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret"}
    with clamd(tmp_path) as address:
        worker = command("scan_documents", environment_of_run() | places | keys | {"CLAMD_SOCKET": address})
        assert way.deletes.wait(120), "the object was never to be deleted"
        kill(worker)
    with alpha.acting():
        row = fresh(document)
        assert (row.status, row.file.name) == ("rejected", "")
    assert in_bucket.exists(key)
    monkeypatch.setattr(orphans, "YOUNG", timedelta(seconds=-5))
    assert orphans.sweep(alpha.tenant) == 1
    assert not in_bucket.exists(key)
