"""Who hears what while a note is typed: each save goes only to those who have it open."""

from __future__ import annotations

from clinical.models import PlanItem
from clinical.tests.notes import WORDS, at, begun, form_of
from realtime.tests.heard import events_named


def heard(hospital, note, since: int = 0) -> list[list]:
    """Of each event of the note, only whom it is for; nobody named: both roles of doctors."""
    with hospital.acting():
        events = events_named("encounter:updated", object_id=note.pk)
        return [sorted(map(str, event.people)) for event in events[since:]]


def test_the_first_words_are_told_to_all_doctors_and_the_next_ones_to_nobody_else(alpha):
    note = begun(alpha)
    with alpha.acting("main_doctor") as acting:
        note.write(WORDS, by=acting.person)
        for words in ("A", "A co", "A cold"):
            note.write({"assessment": words}, by=acting.person)
        PlanItem.put(note, by=acting.person, text="Rest")
    mine = [str(alpha.main_doctor.pk)]
    assert heard(alpha, note) == [[], mine, mine, mine, mine]


def test_a_colleague_who_has_the_note_open_hears_each_save_and_the_steps_go_to_all(alpha):
    note = begun(alpha)
    with alpha.acting("main_doctor") as acting:
        note.write(WORDS, by=acting.person)
    assert alpha.client("checker_doctor").get(at(alpha, note)).status_code == 200
    with alpha.acting("main_doctor"):
        sent = form_of(note, assessment="A cold, going away")
    alpha.client("main_doctor").post(at(alpha, note, "save/"), sent)
    with alpha.acting("main_doctor") as acting:
        note.complete(by=acting.person)
    both = sorted(str(one.pk) for one in (alpha.main_doctor, alpha.checker_doctor))
    assert heard(alpha, note, since=1) == [both, []]
