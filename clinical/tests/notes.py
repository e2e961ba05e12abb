"""Notes for the tests: begun, written and signed by the verbs that the pages say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from clinical import note_catalogue
from clinical.models import CosignRule, Encounter, Lesion, NoteTemplate, PlanItem, QuickText, Unmerged, Visit
from clinical.tests.dispensary import COLD, a_checked_visit, load_codes
from hospital.tests.hospital import PASSWORD, Hospital

WORDS = {"complaint": "Cough for a week", "examination": "Lungs clear", "assessment": "A cold"}
SPOT = {"site": "forearm_front", "laterality": "right", "kind": "naevus", "size_mm": Decimal("4.5")}
PLACE = {"x": Decimal("55.0"), "y": Decimal("170.0")}
PROOF = {"proof": PASSWORD}


def a_diagnosed_visit(hospital: Hospital, code: str = COLD) -> Visit:
    load_codes()
    with hospital.acting():
        visit = a_checked_visit()
    with hospital.acting("main_doctor") as acting:
        visit.diagnose(by=acting.person, diagnoses=[{"code": code}])
    return visit


def begun(
    hospital: Hospital, visit: Visit | None = None, *, key: str = "general", role: str = "main_doctor"
) -> Encounter:
    visit = visit or a_diagnosed_visit(hospital)
    with hospital.acting(role) as acting:
        note_catalogue.install()
        return Encounter.begin(visit, NoteTemplate.objects.get(key=key), by=acting.person)


def written(hospital: Hospital, texts: dict[str, str] | None = None, **how: Any) -> Encounter:
    note = begun(hospital, **how)
    with hospital.acting(how.get("role", "main_doctor")) as acting:
        note.write(WORDS if texts is None else texts, by=acting.person)
    return note


def signed(hospital: Hospital, *, cosigner: Any = None, **how: Any) -> Encounter:
    note = written(hospital, **how)
    with hospital.acting(how.get("role", "main_doctor")) as acting:
        note.sign(by=acting.person, cosigner=cosigner)
    return note


def furnish(hospital: Hospital, mark: str, over: Visit, going_on: Visit) -> Encounter:
    """A row at least of everything: a signed note with lesions, plan and addendum, and an open one."""
    words = {"complaint": f"Cough {mark}", "assessment": f"Fever {mark}"}
    with hospital.acting():
        CosignRule.objects.create(person=hospital.checker_doctor)
    open_one = written(hospital, words, visit=going_on)
    note = written(hospital, words, visit=over, key="dermatology")
    with hospital.acting("main_doctor") as acting:
        QuickText.objects.create(person=acting.person, code="own", text=f"Rash {mark}")
        Unmerged.objects.create(section=open_one.sections.first(), person=acting.person, text=f"Ill {mark}")
        for one in (note, open_one):
            Lesion.put(one, by=acting.person, **SPOT, **PLACE, description=f"Rash {mark}")
            PlanItem.put(one, by=acting.person, text=f"Dressing {mark}")
        note.sign(by=acting.person)
        note.add(f"Letter {mark}", by=acting.person)
    return open_one


def at(hospital: Hospital, note: Encounter, more: str = "") -> str:
    return f"{hospital.url}/notes/{note.pk}/{more}"


def form_of(note: Encounter, **changed: str) -> dict[str, str]:
    """All sections as an open page would send them, with what was typed there."""
    texts = dict(note.sections.values_list("key", "text"))
    opened = {f"opened-{key}": text for key, text in texts.items()}
    return {"version": "1", **opened, **texts, **changed}
