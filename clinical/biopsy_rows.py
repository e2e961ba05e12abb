"""What the page of one biopsy shows of it: all lists in one round trip to the database, and whom they name in another."""

from __future__ import annotations

from itertools import chain
from typing import Any

from clinical.models import Biopsy, CourierManifest, Document, ManifestItem, PathologyNotice
from clinical.together import attach, together
from hospital.context import Acting

Rows = dict[str, list[Any]]
OWN = ("parts", "custody", "photos", "tasks", "reports", "reviews", "tellings")


def rows_of(biopsy: Biopsy, acting: Acting) -> Rows:
    rows = together(
        parts=biopsy.parts.order_by("position"),
        custody=biopsy.custody.all(),
        photos=biopsy.photos.filter(document__in=Document.objects.seen_by(acting)),
        tasks=biopsy.rebiopsy_tasks.order_by("-created_at")[:1],
        again=biopsy.rebiopsies.only("id", "serial")[:1],
        here=biopsy.patient.visits.filter(ended_at=None).only("id")[:1],
        listed=on_lists(biopsy),
        reports=biopsy.reports.all(),
        reviews=biopsy.reviews.all(),
        tellings=biopsy.tellings.all(),
        notices=PathologyNotice.objects.open().filter(report__biopsy=biopsy, person=acting.person),
    )
    for row in chain(*(rows[name] for name in OWN)):
        row.biopsy = biopsy
    bind(rows, "part", rows["parts"], "custody", "listed")
    bind(rows, "report", rows["reports"], "reviews", "tellings", "notices")
    bind(rows, "former", rows["reports"], "notices")
    attach(
        [
            *((rows[name], ("by",)) for name in ("custody", "reviews", "tellings")),
            (rows["reports"], ("entered_by", "document")),
            (rows["photos"], ("document",)),
            (rows["tasks"], ("settled_by",)),
            (rows["listed"], ("manifest",)),
        ]
    )
    return rows


def on_lists(biopsy: Biopsy) -> Any:
    """Its containers on a courier's list that is packed now, or that was received without them."""
    packing, received = CourierManifest.Status.PACKING, CourierManifest.Status.RECEIVED
    return ManifestItem.objects.filter(
        part__biopsy=biopsy, part__received_at=None, arrived_at=None, manifest__status__in=(packing, received)
    )


def bind(rows: Rows, key: str, known: list[Any], *names: str) -> None:
    """Give these rows the one that they name, so that nobody asks for it again."""
    found = {one.pk: one for one in known}
    for row in chain(*(rows[name] for name in names)):
        setattr(row, key, found.get(getattr(row, f"{key}_id")))
