"""The photo of a patient: made small and new from what came, so that nothing of the original file is kept."""

from __future__ import annotations

import io
import secrets
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image, ImageOps, UnidentifiedImageError

from clinical.filing import forget, keep
from clinical.models.patient import Patient
from hospital.models import Person
from hospital.workflow import Refused

SIDE = 320  # pixels
PIXELS = 60_000_000  # more than any telephone makes; a picture that says it has more is made to hurt
LARGEST = 15 * 1024**2
KINDS = ("JPEG", "PNG", "WEBP")


@transaction.atomic
def give(patient: Patient, file: Any, *, by: Person | None) -> None:
    """The former photo goes away, unless a record that was merged has the same."""
    small = smaller(file)
    key = f"photos/{patient.tenant_id}/{secrets.token_hex(24)}.jpg"
    before, stored = patient.photo, keep(ContentFile(small), key)
    patient.change(by=by, photo=stored)
    drop(before)


@transaction.atomic
def remove(patient: Patient, *, by: Person | None) -> None:
    before = patient.photo
    patient.change(by=by, photo="")
    drop(before)


def drop(key: str) -> None:
    if key and not Patient.objects.filter(photo=key).exists():
        transaction.on_commit(lambda: forget(key))


def read(patient: Patient) -> bytes:
    with default_storage.open(patient.photo) as stored:
        return stored.read()


def smaller(file: Any) -> bytes:
    """A square of the middle, turned as the camera was held, without what the camera wrote into it."""
    if file.size > LARGEST:
        raise Refused("The photo is larger than 15 MB. Take a smaller one.", status=422, field="photo")
    try:
        with Image.open(file, formats=KINDS) as picture:
            if picture.width * picture.height > PIXELS:
                raise Refused("The photo has too many pixels. Take a smaller one.", status=422, field="photo")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refused(
            "This is no photo that can be read. Take a JPEG, PNG or WebP.", status=422, field="photo"
        ) from error
    out = io.BytesIO()
    ImageOps.fit(upright, (SIDE, SIDE)).save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()
