"""Files without a row: what a process left that was killed between the file and the row, or between the row and the file.

The file is kept before its row commits, and deleted after the row let go of it, so a row never lacks its file. What is
swept has the shape of a key of ours, belongs to a tenant of ours, is an hour old, and is named by no row.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from clinical.filing import forget
from clinical.models import Document, Patient
from hospital.models import Tenant
from hospital.tenancy import acting_for

log = logging.getLogger(__name__)
YOUNG = timedelta(hours=1)  # longer than any upload takes to commit
FOLDER, KEY, PHOTO = (re.compile(rf"\A{shape}\Z") for shape in ("[0-9a-f]{2}", "[0-9a-f]{48}", r"[0-9a-f]{48}\.jpg"))


def sweep_all() -> int:
    return sum(sweep(tenant) for tenant in Tenant.objects.all())


def sweep(tenant: Tenant) -> int:
    swept = 0
    for folder, keys in kept(tenant):
        with acting_for(tenant):
            named = named_in(folder)
        for key in keys:
            if key not in named and is_old(key):
                log.warning("object %s has no row and is deleted", key)
                forget(key)
                swept += 1
    return swept


def kept(tenant: Tenant) -> Iterator[tuple[str, list[str]]]:
    """Folder by folder, so that no list becomes long: the keys are listed before the rows are asked."""
    for name in listed(str(tenant.pk))[0]:
        if FOLDER.match(name):
            yield shaped(f"{tenant.pk}/{name}", KEY)
    yield shaped(f"photos/{tenant.pk}", PHOTO)


def shaped(folder: str, shape: re.Pattern[str]) -> tuple[str, list[str]]:
    return folder, [f"{folder}/{key}" for key in listed(folder)[1] if shape.match(key)]


def named_in(folder: str) -> set[str]:
    """The keys that documents and patients name, those of merged records too."""
    documents = Document.objects.filter(file__startswith=f"{folder}/").order_by().values_list("file", flat=True)
    photos = Patient.objects.filter(photo__startswith=f"{folder}/").order_by().values_list("photo", flat=True)
    return {*documents, *photos}


def listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def is_old(key: str) -> bool:
    try:
        return default_storage.get_modified_time(key) < timezone.now() - YOUNG
    except FileNotFoundError:
        return False
