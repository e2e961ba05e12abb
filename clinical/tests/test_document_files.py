"""What becomes of a file between the browser and the storage: traces of a camera, retries, kills, quotas, a real S3."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import struct
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from clinical import orphans, photos
from clinical.models import Document
from clinical.tests.papers import jpeg, pdf, png, upload
from clinical.tests.wards import a_patient
from hospital.tests.hospital import Hospital
from hospital.workflow import Refused
from realtime.alerts.models import Alert
from realtime.tests.server import wait_until

GPS = {1: "N", 2: (48.0, 12.0, 30.0), 3: "E", 4: (16.0, 22.0, 10.0)}


def photo(kind: str, turned: int = 6) -> bytes:
    """A picture as a telephone makes it: turned, with place, model and comment."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = turned, "Telephone Maker", "Model Secret"
    exif.get_ifd(0x8825).update(GPS)
    content = io.BytesIO()
    Image.new("RGB", (40, 20), "teal").save(content, kind, exif=exif.tobytes())
    return content.getvalue()


def tiff_of(side: int) -> bytes:
    """A head that says how large it is, and one strip of eight bytes."""
    tags = {256: side, 257: side, 258: 1, 259: 1, 262: 1, 273: 8, 277: 1, 278: side, 279: 8}
    lines = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 16) + bytes(8) + struct.pack("<H", len(tags)) + lines + bytes(4)


def webp_of(side: int) -> bytes:
    head = struct.pack("<I", 0x10) + (side - 1).to_bytes(3, "little") * 2
    frame = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 1, 1) + bytes(8)
    parts = b"VP8X" + struct.pack("<I", len(head)) + head + b"VP8 " + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WEBP" + parts


BOMBS = {"png": png(30_000, 30_000), "jpg": jpeg(30_000, 30_000), "webp": webp_of(16_000), "tif": tiff_of(30_000)}


def file_of(hospital, content: bytes, name: str, **more) -> Document:
    with hospital.acting("lab_technician") as acting:
        return Document.upload(upload(content, name), patient=a_patient(), by=acting.person, **more)


def stored(document: Document) -> bytes:
    with default_storage.open(document.file.name) as kept:
        return kept.read()


class TestPhotos:
    @pytest.mark.parametrize(("kind", "ending"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
    def test_where_it_was_taken_and_by_what_is_not_kept_and_it_shows_the_same(self, alpha, kind, ending):
        sent = photo(kind)
        assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)
        kept = stored(file_of(alpha, sent, f"wound.{ending}"))
        picture = Image.open(io.BytesIO(kept))
        assert dict(picture.getexif().get_ifd(0x8825)) == {}
        assert b"Secret" not in kept
        assert picture.convert("RGB").tobytes() == Image.open(io.BytesIO(sent)).convert("RGB").tobytes()

    def test_a_turned_photo_stays_turned(self, alpha):
        kept = stored(file_of(alpha, photo("JPEG", turned=6), "wound.jpg"))
        assert dict(Image.open(io.BytesIO(kept)).getexif()) == {0x0112: 6}

    def test_what_is_hidden_behind_a_photo_is_cut_off(self, alpha):
        kept = stored(file_of(alpha, photo("JPEG") + b"PK\x03\x04 a whole archive", "wound.jpg"))
        assert kept.endswith(b"\xff\xd9")
        assert b"archive" not in kept

    def test_a_tiff_that_says_where_is_refused(self, alpha):
        with pytest.raises(Refused, match="where it was taken"):
            file_of(alpha, photo("TIFF"), "wound.tif")


class TestOnce:
    def test_sent_again_after_a_lost_answer_it_is_filed_once_also_under_a_new_key(self, alpha):
        with alpha.acting("reception"):
            patient = a_patient()
        client, address = alpha.client("reception"), f"{alpha.url}/patients/{patient.pk}/documents/upload/"
        for _ in range(2):
            client.post(address, {"files": [upload(photo("JPEG"), "card.jpg")], "category": "identity"})
        with alpha.acting():
            assert Document.objects.count() == 1

    def test_a_request_that_is_cut_off_at_99_percent_leaves_nothing(self, alpha, site):
        with alpha.acting("reception"):
            patient = a_patient()
        client = alpha.client("reception")
        cookie = "; ".join(f"{key}={one.value}" for key, one in client.cookies.items())
        path = f"{alpha.url}/patients/{patient.pk}/documents/upload/"
        with socket.create_connection(("127.0.0.1", site.port)) as line:
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nContent-Length: 100000\r\n"
            line.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode() + b"-" * 99000)
        with alpha.acting():
            assert not Document.objects.exists()


class TestQuota:
    def test_a_person_files_no_more_than_so_much_in_a_day(self, alpha, monkeypatch):
        monkeypatch.setattr(settings, "UPLOAD_DAY_PERSON", 2 * len(pdf()))
        file_of(alpha, pdf(), "a.pdf")
        file_of(alpha, pdf(), "b.pdf")
        with pytest.raises(Refused, match="as one person may"):
            file_of(alpha, pdf(), "c.pdf")

    def test_an_organisation_too_and_another_one_does_not_notice(self, alpha, beta, monkeypatch):
        monkeypatch.setattr(settings, "UPLOAD_DAY_TENANT", len(pdf()))
        file_of(alpha, pdf(), "a.pdf")
        with pytest.raises(Refused, match="Your organisation"):
            file_of(alpha, pdf(), "b.pdf")
        file_of(beta, pdf(), "a.pdf")

    def test_so_many_files_and_no_more(self, alpha, monkeypatch):
        monkeypatch.setattr(settings, "UPLOAD_DAY_FILES", 1)
        file_of(alpha, pdf(), "a.pdf")
        with pytest.raises(Refused):
            file_of(alpha, pdf(), "b.pdf")

    @pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif"])
    def test_a_bomb_of_a_picture_is_refused_by_its_head(self, alpha, kind):
        with pytest.raises(Refused, match="pixels, which is more than any camera's"):
            file_of(alpha, BOMBS[kind], f"bomb.{kind}")


def aged(key: str) -> None:
    then = (timezone.now() - timedelta(hours=2)).timestamp()
    os.utime(default_storage.path(key), (then, then))


KILLED = """
import os, signal, sys, django
django.setup()
from django.conf import settings
for alias in ("default", "owner"):
    settings.DATABASES[alias]["NAME"] = sys.argv[3]
from clinical.models import Document, Patient
from clinical.tests.papers import pdf, upload
from hospital.models import Tenant
from hospital.tenancy import acting_for
with acting_for(Tenant.objects.get(pk=sys.argv[1])):
    Document.upload(upload(pdf(b"% killed")), patient=Patient.objects.get(pk=sys.argv[2]), by=None)
    os.kill(os.getpid(), signal.SIGKILL)
"""


class TestOrphans:
    def test_a_process_killed_before_the_commit_leaves_a_file_without_a_row_until_the_sweep(self, alpha):
        with alpha.acting("reception"):
            patient = a_patient()
        before = keys(alpha)
        given = [alpha.tenant.pk, patient.pk, settings.DATABASES["default"]["NAME"]]
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "hospital.settings"}
        done = subprocess.run([sys.executable, "-c", KILLED, *map(str, given)], env=environment, check=False)
        assert done.returncode == -signal.SIGKILL
        [orphan] = keys(alpha) - before
        with alpha.acting():
            assert not Document.objects.exists()
        orphans.sweep_all()
        assert orphan in keys(alpha)  # too young: its row may be about to commit
        aged(orphan)
        call_command("sweep_orphans")
        assert orphan not in keys(alpha)

    def test_what_a_row_names_stays_however_old(self, alpha):
        document = file_of(alpha, pdf(), "a.pdf")
        aged(document.file.name)
        orphans.sweep_all()
        assert stored(document) == pdf()

    def test_photos_of_patients_that_no_record_names_are_swept_and_the_others_stay(self, alpha):
        with alpha.acting("reception") as acting:
            patient = a_patient()
            photos.give(patient, SimpleUploadedFile("face.jpg", photo("JPEG")), by=acting.person)
        lost = default_storage.save(f"photos/{alpha.tenant.pk}/{'cd' * 24}.jpg", SimpleUploadedFile("x", b"x"))
        aged(lost)
        aged(patient.photo)
        assert orphans.sweep(alpha.tenant) == 1
        assert default_storage.exists(patient.photo)
        assert not default_storage.exists(lost)

    def test_what_is_not_a_document_of_ours_is_left_alone(self, alpha):
        other = default_storage.save(f"{alpha.tenant.pk}/photos/face", SimpleUploadedFile("face", b"x"))
        aged(other)
        orphans.sweep_all()
        assert default_storage.exists(other)


def keys(hospital: Hospital) -> set[str]:
    root = Path(default_storage.location)
    return {str(path.relative_to(root)) for path in (root / str(hospital.tenant.pk)).rglob("*") if path.is_file()}


class TestDamage:
    def test_a_flipped_byte_is_an_alarm_for_the_administrators_once(self, alpha):
        document = file_of(alpha, pdf(), "a.pdf", title="Histology")
        Path(default_storage.path(document.file.name)).write_bytes(pdf().replace(b"Catalog", b"Katalog"))
        for _ in range(2):
            answer = alpha.client("main_doctor").get(f"{alpha.url}/documents/{document.pk}/file/")
            assert answer.status_code == 409
        with alpha.acting("admin"):
            [alert] = Alert.objects.filter(kind="document:damaged")
            assert alert.titles["admin"] == "A document was damaged in storage: Histology"


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """A real S3 server in a process of its own; storages["default"] leads there for the time of a test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("moto_server")
    server = subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url), 60, "the S3 server did not start")
    requests.put(f"{url}/hospital-files", timeout=20)
    yield url
    server.kill()
    server.wait(10)


def answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=5).ok
    return False


@pytest.fixture
def in_bucket(s3, monkeypatch):
    options = {
        "bucket_name": "hospital-files",
        "endpoint_url": s3,
        "access_key": "key",
        "secret_key": "secret",
        "region_name": "us-east-1",
        "default_acl": None,
        "file_overwrite": False,
        "max_memory_size": 1024,
    }
    was = settings.STORAGES["default"]
    monkeypatch.setitem(settings.STORAGES, "default", {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options})
    bucket = storages.create_storage(settings.STORAGES["default"])
    for place in ("clinical.filing.default_storage", "clinical.orphans.default_storage"):
        monkeypatch.setattr(place, bucket)
    monkeypatch.setattr(Document._meta.get_field("file"), "storage", bucket)
    yield bucket
    settings.STORAGES["default"] = was


class TestS3:
    def test_a_file_goes_there_and_comes_back_whole(self, alpha, in_bucket):
        document = file_of(alpha, pdf(b"% far away"), "a.pdf")
        assert in_bucket.exists(document.file.name)
        answer = alpha.client("main_doctor").get(f"{alpha.url}/documents/{document.pk}/file/")
        assert b"".join(answer.streaming_content) == pdf(b"% far away")

    def test_a_changed_object_is_refused(self, alpha, in_bucket):
        document = file_of(alpha, pdf(), "a.pdf")
        in_bucket.bucket.Object(document.file.name).put(Body=b"something else")
        assert alpha.client("main_doctor").get(f"{alpha.url}/documents/{document.pk}/file/").status_code == 409

    def test_orphans_are_swept_there_too(self, alpha, in_bucket, monkeypatch):
        document = file_of(alpha, pdf(), "a.pdf")
        lost = in_bucket.save(f"{alpha.tenant.pk}/{'ab' * 1}/{'cd' * 24}", SimpleUploadedFile("x", b"x"))
        monkeypatch.setattr(orphans, "YOUNG", timedelta(seconds=-5))
        assert orphans.sweep(alpha.tenant) == 1
        assert not in_bucket.exists(lost)
        assert in_bucket.exists(document.file.name)
