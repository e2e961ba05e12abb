"""A file on its way into the storage and out of it: a clean name, its hash, kept before its row, forgotten after it."""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage

from hospital.db.base import on_rollback

log = logging.getLogger(__name__)
INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # among them line ends, and letters that turn the reading direction
NAME_LENGTH = 200


def clean_name(name: str) -> str:
    """The last part of a path without anything invisible, at most 200 letters, its ending kept."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    seen = (
        "".join(letter for letter in last if unicodedata.category(letter) not in INVISIBLE).strip().lstrip(".").strip()
    )
    stem, dot, ending = seen.rpartition(".")
    if dot and len(seen) > NAME_LENGTH and len(ending) <= 8:
        return f"{stem[: NAME_LENGTH - len(ending) - 1]}.{ending}"
    return seen[:NAME_LENGTH] or "file"


def digest(file: File) -> str:
    found = hashlib.sha256()
    for chunk in file.chunks():
        found.update(chunk)
    file.seek(0)
    return found.hexdigest()


def keep(file: File, key: str) -> str:
    """Store the bytes before the row: a row without its object is worse than an object without its row."""
    stored = default_storage.save(key, file)
    on_rollback(lambda: forget(stored))
    return stored


def forget(key: str) -> Any:
    try:
        default_storage.delete(key)
    except Exception:
        log.exception("object %s could not be deleted", key)
