"""How the events of biopsies are said, and how loudly: decided here, on the server, never in a browser."""

from __future__ import annotations

from uuid import UUID

from clinical.models import Biopsy, CourierManifest
from clinical.models.biopsy import Malignancy
from hospital.seals import raw
from realtime.catalogue import Loudness, said


@said("the pathology result is in, or a review finds a malignancy that it does not say")
def result_is_in(biopsy: Biopsy, created: bool, fields: frozenset[str] | None) -> bool:
    """The first, and each that takes its place: then too when nothing else changed."""
    if biopsy.is_news:
        return biopsy.status == Biopsy.Status.REVIEWED and "malignancy" in (fields or ())
    return biopsy.status == Biopsy.Status.RESULTED and not {"resulted_at", "report"}.isdisjoint(fields or ())


@said("critical if malignant, else notice")
@raw()
def result_loudness(biopsy: Biopsy) -> Loudness:
    return Loudness.CRITICAL if biopsy.malignancy == Malignancy.MALIGNANT else Loudness.NOTICE


def title_of_result(biopsy: Biopsy, role: str) -> str:
    """Who and which, and not a word of what it is: that is read where it may be read."""
    return f"Pathology result: {biopsy.number}, {biopsy.patient.name}"


def orderer(biopsy: Biopsy) -> UUID | None:
    return biopsy.ordered_by_id


@said("notice if overdue, missing, lost or unsatisfactory")
def step_loudness(biopsy: Biopsy) -> Loudness:
    return Loudness.NOTICE if biopsy.says else Loudness.INFO


def title_of_step(biopsy: Biopsy, role: str) -> str:
    """Read when it is shown, perhaps by another process: from what is stored, as it stands by then."""
    return f"{standing(biopsy)}: {biopsy.number}, {biopsy.patient.name}"


def standing(biopsy: Biopsy) -> str:
    if biopsy.has_failed:
        return f"{biopsy.get_status_display()}, decide about a re-biopsy"
    if biopsy.is_missing:
        return "Missing at the laboratory"
    if biopsy.tier:
        return biopsy.late_words
    return "The report is corrected" if biopsy.report and biopsy.report.number > 1 else biopsy.get_status_display()


@said("notice for who read a report that is corrected")
def who_must_know(biopsy: Biopsy) -> tuple[UUID, ...]:
    return biopsy.telling


@said("notice if the two ends differ")
def manifest_loudness(manifest: CourierManifest) -> Loudness:
    return Loudness.NOTICE if manifest.differences else Loudness.INFO


def title_of_manifest(manifest: CourierManifest, role: str) -> str:
    return f"Courier's list {manifest.number}: {manifest.differences}"
