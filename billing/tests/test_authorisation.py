"""Prior authorisations: the machine, the units, the log, the calendar, and who asks whether one covers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing.models import Authorisation, AuthorisationNote, AuthorisationUse, covering
from billing.tasks import authorisations_near_in, watch_authorisations
from billing.tests.authorisations import CODE, a_payer, asked, granted, insured
from clinical import days
from clinical.models import Patient
from hospital.workflow import IllegalMove, Refused
from realtime.alerts.models import Alert
from realtime.models import Event

S = Authorisation.Status


def names(row: Authorisation) -> list[str]:
    return list(Event.objects.filter(object_id=row.pk).order_by("id").values_list("name", flat=True))


def test_it_goes_from_a_draft_over_questions_to_less_than_was_asked_for(alpha):
    row = asked(alpha)
    with alpha.acting("billing") as acting:
        by, today = acting.person, days.today()
        row.submit("By the portal", by=by)
        row.wait("They have it", by=by)
        row.want_more("Photos", by=by, answer_by=today + timedelta(days=5))
        row.wait("Photos sent", by=by)
        row.approve(Decimal(4), today, today + timedelta(days=90), "AUTH-1", "Four of six", by=by)
        assert (row.status, row.left, row.payer_number) == (S.PARTIAL, 4, "AUTH-1")
        steps = list(row.notes.order_by("at", "id").values_list("before", "after"))
    assert [after for _, after in steps] == [
        "draft", "submitted", "pending", "more_info", "pending", "partially_approved"
    ]  # fmt: skip
    with alpha.acting():
        assert "prior_auth:approved" in names(row) and "prior_auth:denied" not in names(row)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda row, by: row.wait("", by=by), "From here it can become: submitted, withdrawn."),
        (lambda row, by: row.deny("No", by=by), "From here it can become: submitted, withdrawn."),
    ],
)
def test_a_step_that_the_machine_does_not_have_is_refused_with_those_it_has(alpha, step, words):
    row = asked(alpha)
    with alpha.acting("billing") as acting, pytest.raises(IllegalMove) as refused:
        step(row, acting.person)
    assert words in str(refused.value)


def test_nothing_is_submitted_without_a_medical_reason(alpha):
    row = asked(alpha, justification="")
    with alpha.acting("billing") as acting, pytest.raises(Refused, match="medical reason"):
        row.submit(by=acting.person)


def test_a_denial_is_an_alert_and_is_appealed_until_the_payers_last_day(alpha):
    row = asked(alpha, doctor=alpha.main_doctor)
    with alpha.acting("billing") as acting:
        row.submit(by=acting.person)
        row.deny("Creams were not tried", by=acting.person)
        assert row.appeal_until == days.today() + timedelta(days=60)
        alert = Alert.objects.get(object_id=row.pk)
        assert alert.kind == "prior_auth:denied" and str(alpha.main_doctor.pk) in map(str, alert.addressed)
        row.appeal("They were, see the note", by=acting.person)
        assert (row.status, row.appeal_level, row.appeal_until) == (S.PENDING, 1, None)
        row.deny("Still not", by=acting.person)
        assert row.appeal_until is None, "this insurer has one level"
        with pytest.raises(Refused, match="no further level"):
            row.appeal("Once more", by=acting.person)


def test_the_days_for_an_appeal_run_from_the_day_of_the_decision(alpha):
    row = asked(alpha)
    with alpha.acting("billing") as acting:
        today = days.today()
        row.submit(by=acting.person)
        row.put(submitted_at=row.submitted_at - timedelta(days=20))
        for day, words in ((today + timedelta(days=1), "not come yet"), (today - timedelta(days=22), "was asked on")):
            with pytest.raises(Refused, match=words):
                row.deny("No", by=acting.person, decided_on=day)
        row.deny("No", by=acting.person, decided_on=today - timedelta(days=11))
        assert row.appeal_until == today + timedelta(days=49)


def test_what_is_denied_is_looked_at_again_only_if_it_is_appealed(alpha):
    row = asked(alpha)
    with alpha.acting("billing") as acting:
        row.submit(by=acting.person)
        with pytest.raises(Refused, match="Only what is denied"):
            row.appeal("Now", by=acting.person)
        row.deny("No", by=acting.person)
        with pytest.raises(Refused, match="if it is appealed"):
            row.wait("They have it", by=acting.person)
        assert (row.status, row.appeal_level) == (S.DENIED, 0)


def test_an_appeal_after_the_last_day_is_refused(alpha):
    row = asked(alpha)
    with alpha.acting("billing") as acting:
        row.submit(by=acting.person)
        row.deny("No", by=acting.person)
        row.put(appeal_until=days.today() - timedelta(days=1))
        with pytest.raises(Refused, match="last day for an appeal"):
            row.appeal("Please", by=acting.person)


def test_units_are_counted_once_a_source_and_end_it_when_none_is_left(alpha):
    row = granted(alpha, units=2)
    with alpha.acting("billing") as acting:
        by, today, line = acting.person, days.today(), uuid4()
        first = row.use(Decimal(1), today, by=by, source=line)
        assert row.use(Decimal(1), today, by=by, source=line) == first
        assert (row.used, row.left) == (1, 1)
        with pytest.raises(Refused, match="Only 1 unit left"):
            row.use(Decimal(2), today, by=by)
        with pytest.raises(Refused, match="does not cover"):
            row.use(Decimal(1), row.valid_until + timedelta(days=1), by=by)
        with pytest.raises(Refused, match="not come yet"):
            row.use(Decimal(1), today + timedelta(days=1), by=by)
        row.use(Decimal(1), today, by=by)
        assert row.status == S.EXHAUSTED
        row.give_back(first, "Did not come", by=by)
        assert (row.status, row.left) == (S.PARTIAL, 1)
        with pytest.raises(Refused, match="given back already"):
            row.give_back(first, "Again", by=by)
    with alpha.acting():
        assert names(row).count("prior_auth:approved") == 1, "units that come back are no new grant"


def test_the_database_counts_the_units_too_and_keeps_every_line(alpha):
    row = granted(alpha, units=2)
    with alpha.acting("billing") as acting:
        row.use(Decimal(1), days.today(), by=acting.person)
    with pytest.raises(IntegrityError, match="do not fit"), alpha.acting():
        AuthorisationUse.objects.create(authorisation=row, units=2, used_on=days.today())
    for model in (AuthorisationUse, AuthorisationNote):
        with alpha.acting(), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")


def test_covering_finds_the_one_that_grants_this_service_on_this_day(alpha):
    row = granted(alpha, units=1, code="9692*")
    with alpha.acting("billing") as acting:
        patient, payer, today = row.patient, row.payer, days.today()
        assert covering(patient, payer, CODE, today) == row
        assert covering(patient, payer, "11100", today) is None
        assert covering(patient, payer, CODE, row.valid_until + timedelta(days=1)) is None
        assert covering(patient, payer, CODE, today, units=Decimal(2)) is None
        assert covering(patient, a_payer("Other House"), CODE, today) is None
        line, former = uuid4(), covering(patient, payer, CODE, today)
        row.use(Decimal(1), today, by=acting.person, source=line)
        with pytest.raises(Refused, match="Only 0 units left"):
            former.use(Decimal(1), today, by=acting.person)
        assert covering(patient, payer, CODE, today) is None, "nothing is left"
        assert covering(patient, payer, CODE, today, source=line) == row, "this line used it"


def test_one_that_is_over_still_covers_the_days_on_which_it_was_good(alpha):
    row = granted(alpha, left=-1, begun=30)
    watch_authorisations()
    with alpha.acting():
        row.refresh_from_db()
        assert row.status == S.EXPIRED
        assert covering(row.patient, row.payer, CODE, days.today() - timedelta(days=5)) == row
        assert covering(row.patient, row.payer, CODE, days.today()) is None


@pytest.mark.parametrize(("left", "told"), [(31, 0), (30, 30), (15, 30), (14, 14), (7, 7), (0, 7)])
def test_the_sweep_tells_once_for_each_tier(alpha, left, told):
    row = granted(alpha, left=left)
    for _ in range(2):
        authorisations_near_in(alpha.tenant)
    with alpha.acting():
        row.refresh_from_db()
        assert row.said_days == told
        assert names(row).count("prior_auth:expiring") == bool(told)


def test_by_the_calendar_it_is_over_whether_or_not_anybody_swept(alpha):
    row = granted(alpha, left=-1, begun=30)
    with alpha.acting():
        row.refresh_from_db()
        assert (row.status, row.has_run_out) == (S.APPROVED, True)
        assert covering(row.patient, row.payer, CODE, days.today()) is None


def test_a_renewal_is_a_draft_that_asks_for_the_same_from_the_day_after(alpha):
    row = granted(alpha, left=10)
    with alpha.acting("billing") as acting:
        assert list(Authorisation.objects.expiring()) == [row]
        again = row.renew(by=acting.person)
        assert (again.status, again.code, again.units) == (S.DRAFT, row.code, row.units)
        assert again.wanted_from == row.valid_until + timedelta(days=1)
        with pytest.raises(Refused, match="renews it already"):
            row.renew(by=acting.person)


def test_a_renewal_that_nobody_submits_silences_nothing(alpha):
    row = granted(alpha, left=10)
    with alpha.acting("billing") as acting:
        again = row.renew(by=acting.person)
        assert list(Authorisation.objects.expiring()) == [row]
    authorisations_near_in(alpha.tenant)
    with alpha.acting("billing") as acting:
        assert names(row).count("prior_auth:expiring") == 1
        again.submit(by=acting.person)
        assert list(Authorisation.objects.expiring()) == []


def test_a_renewal_that_came_to_nothing_renews_nothing(alpha):
    row = granted(alpha, left=10)
    with alpha.acting("billing") as acting:
        row.renew(by=acting.person).withdraw("The wrong policy", by=acting.person)
        assert list(Authorisation.objects.expiring()) == [row] and row.may_be_renewed
    authorisations_near_in(alpha.tenant)
    with alpha.acting("billing") as acting:
        assert "prior_auth:expiring" in names(row)
        assert Authorisation.objects.get(pk=row.pk).renew(by=acting.person).status == S.DRAFT


def test_one_that_nobody_needs_any_more_leaves_the_list(alpha):
    row = granted(alpha, left=10)
    with alpha.acting("billing") as acting:
        row.let_run_out("The plaques are gone", by=acting.person)
        assert list(Authorisation.objects.expiring()) == []
    authorisations_near_in(alpha.tenant)
    with alpha.acting():
        assert "prior_auth:expiring" not in names(row)


def test_only_who_manages_authorisations_asks(alpha):
    with alpha.acting("billing"):
        policy = insured(a_payer())
    with alpha.acting("reception") as acting, pytest.raises(Exception, match="may not ask insurers"):
        Authorisation.request(policy.patient, policy, by=acting.person, code=CODE, service="Laser")


def test_a_policy_of_nobody_in_the_list_cannot_be_asked_by(alpha):
    with alpha.acting("billing") as acting:
        patient = Patient.register(by=None, given_name="Ada", family_name="Ng", sex="female")
        policy = patient.policies.model.record(patient, by=None, insurer="Nobody's", member_number="1")
        with pytest.raises(Refused, match="not in the list of insurers"):
            Authorisation.request(patient, policy, by=acting.person, code=CODE, service="Laser")
