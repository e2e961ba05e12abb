"""A note's life by its verbs: begun once, merged, signed for good, co-signed, added to, entered in error."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from clinical.models import CosignRule, Encounter, Lesion, PlanItem
from clinical.models.encounter_parts import DiagnosisSnapshot
from clinical.models.signature import canonical, digest
from clinical.tasks import notes_late_in
from clinical.tests.dispensary import COLD
from clinical.tests.notes import PLACE, SPOT, WORDS, a_diagnosed_visit, begun, signed, written
from clinical.tests.wards import fresh
from hospital.tests.databases import owner
from hospital.tests.hospital import Hospital
from hospital.workflow import IllegalMove, Refused

OTHER = "R05.9"
Status = Encounter.Status


def age(hospital: Hospital, note: Encounter, hours: int) -> None:
    with hospital.acting(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE clinical_encounter SET started_at = now() - %s * interval '1 hour' WHERE id = %s", [hours, note.pk]
        )


# --- begun and written ------------------------------------------------------------------------


def test_a_provider_has_one_open_note_of_a_visit_and_a_colleague_another(alpha):
    note = begun(alpha)
    with alpha.acting():
        visit = note.visit
    assert begun(alpha, visit) == note
    assert begun(alpha, visit, role="checker_doctor") != note
    with alpha.acting("main_doctor"), pytest.raises(IntegrityError), transaction.atomic():
        Encounter.objects.create(visit=visit, patient=visit.patient, provider=alpha.main_doctor, template=note.template)


def test_the_first_words_take_a_draft_into_progress_and_only_once(alpha):
    note = begun(alpha)
    assert note.status == Status.DRAFT
    with alpha.acting("main_doctor") as acting:
        note.write(WORDS, by=acting.person)
        assert fresh(note).status == Status.IN_PROGRESS
        version = fresh(note).version
        note.write(WORDS, by=acting.person)
        assert fresh(note).version == version


def test_a_note_goes_back_from_review_and_no_step_is_skipped(alpha):
    note = written(alpha)
    with alpha.acting("main_doctor") as acting:
        note.complete(by=acting.person)
        note.resume(by=acting.person)
        assert fresh(note).status == Status.IN_PROGRESS
        with pytest.raises(IllegalMove):
            note.move_to(Status.SIGNED, by=acting.person)


def test_who_may_not_write_begins_nothing(alpha):
    visit = a_diagnosed_visit(alpha)
    with pytest.raises(PermissionDenied):
        begun(alpha, visit, role="pharmacy")


def test_an_unsigned_note_does_not_hold_the_visit(alpha):
    note = written(alpha)
    with alpha.acting("main_doctor") as acting:
        note.visit.finish_consultation(by=acting.person)
        assert fresh(note.visit).status == "done"
        note.sign(by=acting.person)


# --- signed -----------------------------------------------------------------------------------


def test_a_signature_covers_everything_that_is_read(alpha):
    note = written(alpha, key="dermatology", texts={"complaint": "A spot"})
    with alpha.acting("main_doctor") as acting:
        Lesion.put(note, by=acting.person, **SPOT, **PLACE)
        PlanItem.put(note, by=acting.person, text="Excise", who="Patient")
        signature = note.sign(by=acting.person)
        said = signature.said
        assert digest(canonical(said)) == signature.sha256 == fresh(note).sha256
        assert [one["text"] for one in said["sections"] if one["text"]] == ["A spot"]
        assert [one["code"] for one in said["diagnoses"]] == [COLD]
        assert [(one["site"], one["laterality"], one["size_mm"]) for one in said["lesions"]] == [
            ("forearm_front", "right", "4.5")
        ]
        assert [one["text"] for one in said["plan"]] == ["Excise"]
        assert said["patient"]["name"] == note.patient.name
        assert said["signature"]["signer"] == str(acting.person.pk)
        assert type(signature).objects.get(pk=signature.pk).is_intact


def test_the_diagnoses_of_a_signed_note_stay_as_they_were(alpha):
    note = signed(alpha)
    with alpha.acting("main_doctor") as acting:
        note.visit.diagnose(by=acting.person, diagnoses=[{"code": OTHER}])
        assert [one.code for one in fresh(note).diagnoses()] == [COLD]
        assert [one.code for one in note.visit.diagnoses.standing()] == [OTHER]


def test_only_the_author_signs_and_only_once(alpha):
    note = written(alpha)
    with alpha.acting("checker_doctor") as acting, pytest.raises(Refused, match="Only its author"):
        note.sign(by=acting.person)
    with alpha.acting("main_doctor") as acting:
        note.sign(by=acting.person)
        with pytest.raises(IllegalMove):
            fresh(note).sign(by=acting.person)


WRITES = (
    "UPDATE clinical_encounter SET template_id = template_id, sha256 = 'x' WHERE id = %(note)s",
    "UPDATE clinical_encounter SET status = 'in_progress' WHERE id = %(note)s",
    "UPDATE clinical_encounter SET signed_at = NULL WHERE id = %(note)s",
    "UPDATE clinical_encounter SET provider_id = %(colleague)s WHERE id = %(note)s",
    "DELETE FROM clinical_encounter WHERE id = %(note)s",
    "INSERT INTO clinical_encountersection (id, tenant_id, encounter_id, key, title, hint, shape, choices, text, position,"
    " version, created_at, updated_at) SELECT gen_random_uuid(), tenant_id, id, 'late', 'Late', '', 'text', '{}', 'x', 99,"
    " 1, now(), now() FROM clinical_encounter WHERE id = %(note)s",
    "INSERT INTO clinical_planitem (id, tenant_id, encounter_id, text, who, position, version, created_at, updated_at)"
    " SELECT gen_random_uuid(), tenant_id, id, 'x', '', 9, 1, now(), now() FROM clinical_encounter WHERE id = %(note)s",
    "INSERT INTO clinical_lesion (id, tenant_id, encounter_id, number, site, laterality, kind, description, x, y, version,"
    " created_at, updated_at) SELECT gen_random_uuid(), tenant_id, id, 9, 'scalp', '', 'scar', 'x', 1, 1, 1, now(), now()"
    " FROM clinical_encounter WHERE id = %(note)s",
    "UPDATE clinical_encountersection SET text = 'x' WHERE encounter_id = %(note)s",
    "DELETE FROM clinical_encountersection WHERE encounter_id = %(note)s",
    "UPDATE clinical_encountersection SET encounter_id = %(note)s WHERE encounter_id = %(open)s",
    "UPDATE clinical_lesion SET description = 'x' WHERE encounter_id = %(note)s",
    "DELETE FROM clinical_lesion WHERE encounter_id = %(note)s",
    "UPDATE clinical_planitem SET text = 'x' WHERE encounter_id = %(note)s",
    "UPDATE clinical_planitem SET encounter_id = %(open)s WHERE encounter_id = %(note)s",
    "UPDATE clinical_diagnosissnapshot SET title = 'x' WHERE encounter_id = %(note)s",
    "DELETE FROM clinical_diagnosissnapshot WHERE encounter_id = %(note)s",
    "UPDATE clinical_signature SET content = 'x' WHERE encounter_id = %(note)s",
    "DELETE FROM clinical_signature WHERE encounter_id = %(note)s",
    "UPDATE clinical_addendum SET text = 'x' WHERE encounter_id = %(note)s",
    "DELETE FROM clinical_addendum WHERE encounter_id = %(note)s",
)


def test_raw_sql_of_the_application_changes_nothing_of_a_signed_note(alpha):
    note = written(alpha, key="dermatology", texts={"complaint": "A spot"})
    with alpha.acting():
        visit = note.visit
    open_one = written(alpha, visit=visit, role="checker_doctor")
    with alpha.acting("main_doctor") as acting:
        for one in (note, open_one):
            Lesion.put(one, by=acting.person, **SPOT, **PLACE)
            PlanItem.put(one, by=acting.person, text="Excise")
        note.sign(by=acting.person)
        note.add("The margin was 2 mm", by=acting.person)
    keys = {"note": note.pk, "open": open_one.pk, "colleague": alpha.checker_doctor.pk}
    for statement in WRITES:
        with alpha.acting(), pytest.raises(IntegrityError, match=r"signed note|append-only"), transaction.atomic():
            connection.cursor().execute(statement, keys)
            pytest.fail(statement)
    with alpha.acting(), pytest.raises(IntegrityError), transaction.atomic():
        DiagnosisSnapshot.objects.create(encounter=note, position=9, code=COLD, title="x", certainty="confirmed")
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="addendum"):
        fresh(note).write({"complaint": "x"}, by=acting.person)


def test_a_change_behind_the_back_of_the_triggers_is_found(alpha, capsys):
    from django.core.management import CommandError, call_command

    note = signed(alpha)
    call_command("verify_signatures", alpha.tenant.slug)
    with owner() as database:
        database.execute("ALTER TABLE clinical_encountersection DISABLE TRIGGER signed_note")
        try:
            database.execute(f"SET app.tenant = '{alpha.tenant.pk}'")
            database.execute(
                f"UPDATE clinical_encountersection SET text = 'Never ill' WHERE encounter_id = '{note.pk}' AND key = 'complaint'"
            )
        finally:
            database.execute("ALTER TABLE clinical_encountersection ENABLE TRIGGER signed_note")
    with alpha.acting():
        assert note.signatures.get().faults == ["What is shown as “sections” is not what was signed."]
    with pytest.raises(CommandError, match="1 of 1 signatures do not hold"):
        call_command("verify_signatures", alpha.tenant.slug)


def test_a_signed_note_whose_signature_is_gone_is_found(alpha, capsys):
    from django.core.management import CommandError, call_command

    note = signed(alpha)
    with alpha.acting("main_doctor") as acting:
        note.add("Later words", by=acting.person)
    with owner() as database:
        database.execute("ALTER TABLE clinical_signature DISABLE TRIGGER append_only")
        try:
            database.execute(f"SET app.tenant = '{alpha.tenant.pk}'")
            database.execute(f"DELETE FROM clinical_signature WHERE encounter_id = '{note.pk}'")
        finally:
            database.execute("ALTER TABLE clinical_signature ENABLE TRIGGER append_only")
    with pytest.raises(CommandError, match="2 of 2 signatures do not hold"):
        call_command("verify_signatures", alpha.tenant.slug)
    assert capsys.readouterr().err.count("its author's signature is gone") == 2
    page = alpha.client("main_doctor").get(f"{alpha.url}/notes/{note.pk}/").content.decode()
    assert page.count("author&#x27;s signature is gone") + page.count("author's signature is gone") == 2


def test_the_hash_can_be_computed_without_this_program(alpha):
    import hashlib

    note = signed(alpha)
    with alpha.acting():
        row = note.signatures.get()
        told = json.loads(row.content)
        again = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        assert hashlib.sha256(again.encode("utf-8")).hexdigest() == row.sha256


# --- a second signature, later words, mistakes ---------------------------------------------------


def test_a_trainees_note_waits_for_the_chosen_colleague(alpha):
    chief = alpha.person("main_doctor", "Chief")
    with alpha.acting():
        CosignRule.objects.create(person=alpha.checker_doctor, cosigner=chief)
    note = written(alpha, role="checker_doctor")
    with alpha.acting("checker_doctor") as acting:
        with pytest.raises(Refused, match="Choose by whom"):
            note.sign(by=acting.person)
        fresh(note).sign(by=acting.person, cosigner=chief)
    with alpha.acting("main_doctor") as acting, pytest.raises(Refused, match="waits for Chief"):
        fresh(note).cosign(by=acting.person)
    with alpha.acting("main_doctor", "Chief") as acting:
        assert [*Encounter.objects.to_cosign(chief)] == [note]
        fresh(note).cosign(by=acting.person)
        assert fresh(note).status == Status.COSIGNED
        assert [one.meaning for one in note.signatures.all()] == ["author", "cosigner"]
        assert all(one.is_intact for one in fresh(note).signatures.all())


def test_a_rule_for_everybody_holds_for_those_without_one_of_their_own(alpha):
    with alpha.acting():
        assert not CosignRule.applies_to(alpha.main_doctor)
        CosignRule.objects.create()
        assert CosignRule.applies_to(alpha.main_doctor)


def test_addenda_are_numbered_and_each_has_its_own_signature(alpha):
    note = signed(alpha)
    with alpha.acting("checker_doctor") as acting:
        first = fresh(note).add("The culture is back", by=acting.person)
        second = fresh(note).add("And the sensitivity", by=acting.person)
        assert (first.number, second.number) == (1, 2)
        assert all(one.signatures.get().is_intact for one in (first, second))
        assert first.signatures.get().signer == acting.person


def test_what_was_entered_in_error_stays_readable_and_counts_no_more(alpha):
    note = signed(alpha)
    with alpha.acting("checker_doctor") as acting, pytest.raises(PermissionDenied):
        fresh(note).enter_in_error("Not mine", by=acting.person)
    with alpha.acting("main_doctor") as acting:
        with pytest.raises(Refused):
            fresh(note).enter_in_error(" ", by=acting.person)
        fresh(note).enter_in_error("Another patient", by=acting.person)
        row = fresh(note)
        assert (row.status, row.error_reason, row.error_by) == (
            Status.ENTERED_IN_ERROR,
            "Another patient",
            acting.person,
        )
        assert row.sections.get(key="complaint").text == WORDS["complaint"]
        assert not Encounter.objects.counted().filter(pk=row.pk).exists()


# --- unsigned ---------------------------------------------------------------------------------------


def test_the_provider_is_told_once_for_each_tier(alpha):
    note = written(alpha)
    assert notes_late_in(alpha.tenant) == 0
    for hours, tier in ((25, 24), (49, 48), (73, 72)):
        age(alpha, note, hours)
        with alpha.acting():
            assert fresh(note).tier == tier  # found by reading too
        assert notes_late_in(alpha.tenant) == 1
        assert notes_late_in(alpha.tenant) == 0
        with alpha.acting():
            assert fresh(note).told_tier == tier


def test_a_signed_note_is_never_late(alpha):
    note = written(alpha)
    age(alpha, note, 80)
    with alpha.acting("main_doctor") as acting:
        fresh(note).sign(by=acting.person)
        assert fresh(note).tier == 0
    assert notes_late_in(alpha.tenant) == 0
