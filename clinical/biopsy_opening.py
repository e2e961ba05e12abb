"""Whoever reads what came out of a biopsy leaves a line that names it: `biopsy_readers` asks for these when it is corrected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from clinical.biopsy_readers import PAGE, TABLE
from clinical.chart import JUST, open_chart
from clinical.privacy import is_masked
from hospital.context import current
from hospital.models import AuditEntry

if TYPE_CHECKING:
    from clinical.models import Biopsy, Patient


def open_biopsy(biopsy: Biopsy, *, page: str = PAGE, at_work: bool = False) -> Patient:
    """The chart, with the version that is read: a page that fetches itself when a new one is there is read anew."""
    version = biopsy.report.number if biopsy.report else 0
    return open_chart(biopsy.patient, page=page, at_work=at_work, about={"about": str(biopsy.pk), "version": version})


def note_list(rows: Iterable[Biopsy]) -> None:
    """One line for a list with results: the numbers of those that it showed."""
    shown = results_in(rows)
    if shown and not was_listed_just_now(shown):
        AuditEntry.note("view", table=TABLE, detail={"page": "biopsies", "results": shown})


def note_export(rows: list[Biopsy], *, with_results: bool, filters: dict[str, Any]) -> None:
    results = results_in(rows) if with_results else []
    AuditEntry.note("export", table=TABLE, detail={"rows": len(rows), "filters": filters, "results": results})


def results_in(rows: Iterable[Biopsy]) -> list[int]:
    return sorted(row.serial for row in rows if row.report_id and not is_masked(row.patient))


def was_listed_just_now(shown: list[int]) -> bool:
    """The log fetches itself with each event: the same rows within a minute are one look."""
    acting = current()
    if not acting.says_again or acting.person is None:
        return False
    lines = AuditEntry.objects.filter(table=TABLE, row_id=None, action="view", at__gt=timezone.now() - JUST)
    return lines.filter(person_id=acting.person.pk, after__results=shown).exists()
