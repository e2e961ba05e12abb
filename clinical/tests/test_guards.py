"""What the database refuses of releases and signatures, from whoever holds the application's role."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from clinical.models import Correction, LabOrder, NoteTemplate
from clinical.models.signature import canonical, digest
from clinical.tests.laboratories import culture, ordered, potassium, potassium_ordered, worked
from clinical.tests.notes import begun, signed, written
from clinical.tests.test_laboratory_correction import corrected, two_persons
from clinical.tests.wards import fresh
from hospital.models import Membership
from hospital.workflow import Refused


def refused(hospital, sql: str, values: Any, says: str, role: str = "lab_technician") -> None:
    with (
        hospital.acting(role),
        pytest.raises(IntegrityError, match=says),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- releases ---------------------------------------------------------------------------------

SHOW = "UPDATE clinical_laborder SET result_id = %s WHERE id = %s"
COPY = """
INSERT INTO clinical_laborder SELECT (jsonb_populate_record(o, %s::jsonb)).* FROM clinical_laborder o WHERE id = %s
"""
CORRECT = """
INSERT INTO clinical_correction (id, tenant_id, version, created_at, updated_at, status, order_id, former_id, result_id, released_by_id)
SELECT gen_random_uuid(), tenant_id, 1, now(), now(), %s, %s, %s, %s, %s FROM clinical_laborder LIMIT 1
"""


class TestReleases:
    def test_a_correction_of_another_test_opens_no_release(self, alpha):
        with alpha.acting("admin"):
            tests = potassium(), culture()
        _, (mine, other) = ordered(alpha, *tests)
        worked(alpha, mine, "released")
        worked(alpha, other, "released", "No growth")
        corrected(alpha, other, "Escherichia coli")
        with alpha.acting("lab_technician"):
            foreign = Correction.objects.get(order=other)
        refused(alpha, SHOW, [foreign.result_id, mine.pk], "another test|released correction")

    def test_a_correction_leads_from_what_is_out_to_a_result_of_the_same_test(self, alpha):
        with alpha.acting("admin"):
            tests = potassium(), culture()
        _, (mine, other) = ordered(alpha, *tests)
        worked(alpha, mine, "released")
        worked(alpha, other, "released", "No growth")
        for result, former in ((other.result_id, mine.result_id), (mine.result_id, other.result_id)):
            values = ["released", mine.pk, former, result, alpha.lab_technician.pk]
            refused(alpha, CORRECT, values, "result of the same test")

    def test_no_test_is_born_released_nor_with_a_result(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "released")
        for more in ("", '"status": "resulted", "released_at": null,'):
            changed = f'{{{more} "id": "{uuid4()}", "accession": 999}}'
            refused(alpha, COPY, [changed, order.pk], "before it has a result")

    def test_what_is_released_stays_released(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "released")
        for change in ("status = 'resulted'", "released_at = now() - interval '1 day'", "released_by_id = NULL"):
            refused(alpha, f"UPDATE clinical_laborder SET {change} WHERE id = %s", [order.pk], "a release stands")

    def test_nothing_is_released_without_a_result_or_in_the_name_of_a_colleague(self, alpha):
        empty, resulted = (worked(alpha, potassium_ordered(alpha), "in_progress"), None)
        release = "UPDATE clinical_laborder SET status = 'released', released_by_id = %s WHERE id = %s"
        refused(alpha, release, [alpha.lab_technician.pk, empty.pk], "without a result")
        resulted = worked_on(alpha, empty)
        refused(alpha, release, [alpha.admin.pk, resulted.pk], "who acts")


def worked_on(hospital, order: LabOrder) -> LabOrder:
    with hospital.acting("lab_technician") as acting:
        order.enter_result("4.1", by=acting.person)
    return order


class TestAwayFromCritical:
    def test_a_correction_of_a_critical_value_to_a_normal_one_needs_a_second_person(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "released", "7.1")
        two_persons(alpha, "critical")
        waiting = corrected(alpha, order, "4.7")
        with alpha.acting("main_doctor"):
            assert str(fresh(order).result) == "7.1 mmol/L"
        with alpha.acting("lab_technician") as acting, pytest.raises(Refused, match="colleague"):
            waiting.release(by=acting.person)
        sql = "UPDATE clinical_correction SET status = 'released', released_by_id = %s WHERE id = %s"
        refused(alpha, sql, [alpha.lab_technician.pk, waiting.pk], "second person")
        with alpha.acting("admin") as acting:
            waiting.release(by=acting.person)
            assert str(fresh(order).result) == "4.7 mmol/L"

    def test_between_two_values_that_are_not_critical_one_person_is_enough(self, alpha):
        order = worked(alpha, potassium_ordered(alpha), "released")
        two_persons(alpha, "critical")
        assert corrected(alpha, order, "4.7").status == "released"


# --- signatures -------------------------------------------------------------------------------

SIGN = """
INSERT INTO clinical_signature (id, tenant_id, encounter_id, addendum_id, meaning, signer_id, signed_at, content, sha256)
SELECT gen_random_uuid(), tenant_id, id, NULL, %(meaning)s, %(signer)s, '2026-05-04 03:02:01+00', %(content)s, %(sha256)s
FROM clinical_encounter WHERE id = %(note)s
"""
MOMENT = "2026-05-04T03:02:01.000000Z"


def forgery(note, signer, meaning: str = "cosigner", *, sha256: str = "", **said: Any) -> dict[str, Any]:
    seal = {"meaning": meaning, "signer": str(signer.pk), "signer_name": signer.name, "signed_at": MOMENT}
    about = {"format": "encounter-note/2", "encounter": str(note.pk), "note_sha256": note.sha256}
    content = canonical(about | {"signature": seal} | said)
    values = {"meaning": meaning, "signer": signer.pk, "content": content, "note": note.pk}
    return values | {"sha256": sha256 or digest(content)}


class TestSignatures:
    @pytest.mark.parametrize("meaning", ["cosigner", "reviewer"])
    def test_nobody_signs_in_the_name_of_a_colleague(self, alpha, meaning):
        note = signed(alpha)
        values = forgery(note, alpha.checker_doctor, meaning)
        refused(alpha, SIGN, values, "who signs is who acts", role="main_doctor")
        refused(alpha, SIGN, values, "who signs is who acts", role="")

    def test_the_text_has_its_hash_and_names_this_note_and_this_signer(self, alpha):
        note, other = signed(alpha), signed(alpha)
        me = alpha.checker_doctor
        for values, says in (
            (forgery(note, me, sha256="0" * 64), "another hash"),
            (forgery(note, me, encounter=str(other.pk)), "names another note"),
            (forgery(note, me, signature={"signer": str(alpha.main_doctor.pk)}), "names another note"),
            (forgery(note, me, note_sha256=other.sha256), "not signed, or it is another"),
        ):
            refused(alpha, SIGN, values, says, role="checker_doctor")

    def test_only_the_awaited_co_signer_and_never_the_author(self, alpha):
        chief = alpha.person("main_doctor", "Chief")
        note = signed(alpha, cosigner=chief)
        refused(alpha, SIGN, forgery(note, alpha.checker_doctor), "wait for this co-signer", role="checker_doctor")
        refused(alpha, SIGN, forgery(note, alpha.main_doctor), "their own note", role="main_doctor")

    def test_an_open_note_is_neither_reviewed_nor_signed_with_other_words(self, alpha):
        note = written(alpha)
        refused(alpha, SIGN, forgery(note, alpha.checker_doctor), "not signed", role="checker_doctor")
        with alpha.acting("main_doctor") as acting:
            note.complete(by=acting.person)
        values = forgery(note, alpha.main_doctor, "author", sections=[], title=note.title)
        refused(alpha, SIGN, values, "says something else", role="main_doctor")

    def test_whoever_left_signs_nothing(self, alpha):
        note = signed(alpha)
        with alpha.acting("admin"):
            Membership.objects.filter(person=alpha.checker_doctor).get().end()
        with (
            pytest.raises(IntegrityError, match="works here"),
            alpha_as(alpha, alpha.checker_doctor),
            connection.cursor() as cursor,
        ):
            cursor.execute(SIGN, forgery(note, alpha.checker_doctor, "reviewer"))

    def test_who_works_here_and_may_not_sign_signs_nothing(self, alpha):
        values = forgery(signed(alpha), alpha.lab_technician, "reviewer")
        refused(alpha, SIGN, values, "none of their roles may sign", role="lab_technician")

    def test_no_note_is_signed_or_co_signed_without_a_signature(self, alpha):
        note, done = written(alpha), signed(alpha)
        sign = "UPDATE clinical_encounter SET status = 'signed', signed_at = now(), sha256 = 'x' WHERE id = %s"
        refused(alpha, sign, [note.pk], "author has not signed", role="main_doctor")
        cosign = (
            "UPDATE clinical_encounter SET status = 'cosigned', cosigned_at = now(), cosigner_id = %s WHERE id = %s"
        )
        refused(alpha, cosign, [alpha.checker_doctor.pk, done.pk], "co-signer has not signed", role="checker_doctor")

    def test_an_addendum_is_its_authors_and_only_to_a_signed_note(self, alpha):
        add = (
            "INSERT INTO clinical_addendum (id, tenant_id, encounter_id, number, text, author_id, written_at)"
            " SELECT gen_random_uuid(), tenant_id, id, 9, 'x', %s, now() FROM clinical_encounter WHERE id = %s"
        )
        refused(alpha, add, [alpha.checker_doctor.pk, signed(alpha).pk], "who adds is who acts", role="main_doctor")
        refused(alpha, add, [alpha.main_doctor.pk, begun(alpha).pk], "only to a signed note", role="main_doctor")


def alpha_as(hospital, person):
    """Somebody who works here no more, with a connection that is still open."""
    from hospital.tenancy import acting_for

    return acting_for(hospital.tenant, person, lambda: None)


# --- the title --------------------------------------------------------------------------------


class TestTitle:
    def rename(self, hospital, note) -> None:
        with hospital.acting("admin"):
            template = NoteTemplate.objects.get(pk=note.template_id)
            template.name = "Renamed since"
            template.save(update_fields=["name"])

    def test_a_signed_note_is_called_as_it_was(self, alpha):
        note = signed(alpha)
        self.rename(alpha, note)
        client = alpha.client("main_doctor")
        for more in ("", "print/"):
            page = client.get(f"{alpha.url}/notes/{note.pk}/{more}").content.decode()
            assert "Renamed since" not in page
            assert note.title in page

    def test_the_title_is_signed(self, alpha):
        note = signed(alpha)
        with alpha.acting("main_doctor"):
            assert note.signatures.get().said["title"] == note.title == note.template.name
