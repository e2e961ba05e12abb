"""Who has read what came out of a biopsy: on a page of its own, as the file of the report, or in a list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db.models import Q

from clinical.seen import moment, readings

if TYPE_CHECKING:
    from clinical.models import Biopsy, PathologyReport

READS_RESULTS, READS_FILES = "clinical.view_results", "clinical.view_document"
# The pages of a patient that show what was found.
PAGE, LETTER, HISTORY = "biopsy", "biopsy letter", "biopsy history"
SHOWS = (PAGE, LETTER, HISTORY)
TABLE = "clinical_biopsy"


class Read(NamedTuple):
    person: UUID
    at: datetime
    how: str


def readers_of(report: PathologyReport) -> dict[UUID, str]:
    """Whoever read this version, and how that is known."""
    found = reads_of(report.biopsy, since=report.entered_at, files=[report.document_id])
    return {one.person: f"{one.how} on {moment(one.at)}" for one in found}


def first_reads(biopsy: Biopsy) -> list[Read]:
    """Each person with the first time for each way, whichever version it was by then."""
    reports = list(biopsy.reports.order_by("number"))
    if not reports:
        return []
    first: dict[tuple[UUID, str], Read] = {}
    for one in reads_of(biopsy, since=reports[0].entered_at, files=[report.document_id for report in reports]):
        first.setdefault((one.person, one.how), one)
    return list(first.values())


def reads_of(biopsy: Biopsy, *, since: datetime, files: list[UUID | None]) -> list[Read]:
    """In the order in which it was read."""
    return sorted(all_reads(biopsy, since, [str(key) for key in files if key]), key=lambda one: one.at)


def all_reads(biopsy: Biopsy, since: datetime, files: list[str]) -> Iterator[Read]:
    viewed = Q(patient_id=biopsy.patient_id, action="view")
    own = Q(after__about=str(biopsy.pk)) | ~Q(after__has_key="about")  # lines of old name no biopsy
    listed = Q(table=TABLE, row_id=None, after__results__contains=[biopsy.serial])
    asked = (
        ("opened it", viewed & own & Q(after__page__in=SHOWS), READS_RESULTS),
        ("opened its file", viewed & Q(after__page="document", after__about__in=files), READS_FILES),
        ("read it in a list", listed & Q(action="view"), READS_RESULTS),
        ("exported it", listed & Q(action="export"), READS_RESULTS),
    )
    for how, lines, permission in asked:
        for person, at in readings(lines, permission, since=since):
            yield Read(person, at, how)
