"""What stands in the way of a step of a biopsy, beside the table of its machine: one named function for each condition."""

from __future__ import annotations

from collections.abc import Callable

from clinical.models.biopsy import Biopsy, Malignancy
from clinical.models.biopsy_telling import missing_of
from clinical.models.pathology import FollowUp
from hospital.seals import raw
from hospital.workflow import Refused

S = Biopsy.Status
Guard = Callable[[Biopsy], None]


def patient_is_identified(biopsy: Biopsy) -> None:
    if not biopsy.is_identified:
        raise Refused("Identify the patient first, by number and date of birth: it counts for two hours.")


def time_out_is_taken(biopsy: Biopsy) -> None:
    if not biopsy.is_confirmed:
        raise Refused(
            "Take the time-out first: each point is confirmed before anything is taken, and again after two hours."
        )


def containers_are_labelled(biopsy: Biopsy) -> None:
    bare = [part.name for part in biopsy.specimens if not part.is_labelled]
    if bare:
        raise Refused(f"Specimen {', '.join(bare)} has no label of today. Print it in front of the patient.")


def is_on_no_list(biopsy: Biopsy) -> None:
    listed = biopsy.packed_on()
    if listed:
        raise Refused(f"{biopsy.number} is on the courier's list {listed}. Send the list, or take it off.")


def rebiopsy_is_decided(biopsy: Biopsy) -> None:
    if biopsy.rebiopsy_tasks.open().exists():
        raise Refused("Decide about the re-biopsy first: order it, or say why it is not taken again.")


@raw()
def nothing_is_diagnosed(biopsy: Biopsy) -> None:
    """What has a diagnosis is reviewed and told; only what gave none, and never a malignant one, is taken again instead."""
    coded = biopsy.report.coded if biopsy.report else None
    was_malignant = biopsy.reports.filter(malignancy=Malignancy.MALIGNANT).exists()
    if was_malignant or (coded is not None and coded.follow_up != FollowUp.AGAIN):
        raise Refused(
            f"{biopsy.number} has a diagnosis. It is reviewed, and the patient is told. "
            "Another biopsy is ordered beside it."
        )


def report_is_there(biopsy: Biopsy) -> None:
    if not biopsy.reports.exists():
        raise Refused("Enter the report of the laboratory: without one there is no result.")


def report_is_reviewed(biopsy: Biopsy) -> None:
    """A diagnosis with its code, and what follows; for a malignancy the plan. See `BiopsyReview.sign`."""
    if not biopsy.reviews.filter(report=biopsy.report_id).exists():
        raise Refused("Review the report: choose the diagnosis and what follows.")


def patient_knows(biopsy: Biopsy) -> None:
    if missing := missing_of(biopsy):
        raise Refused(f"{biopsy.number} is not closed yet. {missing}")


# Each condition of a step, by the status that it comes from and the one that it leads to.
GUARDS: dict[tuple[str, str], tuple[Guard, ...]] = {
    (S.ORDERED, S.COLLECTED): (patient_is_identified, time_out_is_taken, containers_are_labelled),
    (S.COLLECTED, S.SENT): (is_on_no_list,),
    (S.COLLECTED, S.LOST): (is_on_no_list,),
    (S.COLLECTED, S.UNSATISFACTORY): (is_on_no_list,),
    (S.PROCESSING, S.RESULTED): (report_is_there,),
    (S.LOST, S.RESULTED): (report_is_there,),
    (S.UNSATISFACTORY, S.RESULTED): (report_is_there,),
    (S.RESULTED, S.REVIEWED): (report_is_reviewed,),
    (S.RESULTED, S.UNSATISFACTORY): (nothing_is_diagnosed,),
    (S.REVIEWED, S.CLOSED): (patient_knows, rebiopsy_is_decided),
    (S.LOST, S.CLOSED): (rebiopsy_is_decided,),
    (S.UNSATISFACTORY, S.CLOSED): (rebiopsy_is_decided,),
}


def check(biopsy: Biopsy, to: str) -> None:
    """Called by `Biopsy.go` with the row locked."""
    for guard in GUARDS.get((biopsy.status, to), ()):
        guard(biopsy)
