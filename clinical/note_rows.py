"""Everything that stands on the page of a note: one round trip, and one more for whoever is named.

So what the signatures are checked against is what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from clinical.models import Diagnosis, Encounter, Prescription, QuickText, Unmerged
from clinical.together import attach, keep, together
from hospital.models import Person

OWN = ("sections", "diagnosis_snapshots", "lesions", "plan_items", "signatures", "addenda")


@dataclass(frozen=True)
class Beside:
    """What is not the note's own: the visit's, and the reader's."""

    diagnoses: list[Diagnosis]
    prescriptions: list[Prescription]
    quick_texts: list[QuickText]
    unmerged: list[Unmerged]


def load(note: Encounter, person: Person) -> Beside:
    """From here on the note and its visit have their rows. Only for reading: what is written later is not seen."""
    visit = note.visit
    told = together(
        **{name: getattr(note, name).all() for name in OWN},
        places=visit.places.filter(ended_at=None)[:1],
        diagnoses=visit.diagnoses.standing(),
        prescriptions=visit.prescriptions.order_by("pk"),
        quick_texts=QuickText.objects.for_person(person),
        unmerged=Unmerged.objects.filter(section__encounter=note, person=person),
    )
    named = {"sections": "written_by", "lesions": "photo", "signatures": "signer", "addenda": "author"}
    attach([(told[name], (field,)) for name, field in named.items()])
    for name in OWN:
        keep(note, name, told[name])
        for row in told[name]:
            row.encounter = note
    _join(told["addenda"], told["signatures"])
    sections = {row.pk: row for row in told["sections"]}
    for row in told["unmerged"]:
        row.section = sections[row.section_id]
    visit.open_places = told["places"]
    return Beside(told["diagnoses"], told["prescriptions"], told["quick_texts"], told["unmerged"])


def _join(addenda: list, signatures: list) -> None:
    for addendum in addenda:
        its = [row for row in signatures if row.addendum_id == addendum.pk]
        keep(addendum, "signatures", its)
        for row in its:
            row.addendum = addendum
