"""The log forgets what nobody can ask for any more, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from hospital.models import Letter
from realtime.alerts.models import Alert, Preference, Read
from realtime.alerts.notices import notices
from realtime.log import LIMIT
from realtime.models import Event, Head
from realtime.tests.alarms import critical_value

EVENTS = """
    INSERT INTO realtime_event (id, tenant_id, name, object_id, loudness, roles, people, loud, created_at)
    SELECT gen_random_uuid(), %s, 'visit:created', gen_random_uuid(), '{"checker_doctor": "notice"}', '{checker_doctor}',
        '{}', true, now() - %s FROM generate_series(1, %s)
"""


def happened(hospital, count: int, age: timedelta) -> None:
    with hospital.acting(), connection.cursor() as cursor:
        cursor.execute(EVENTS, [hospital.tenant.pk, age, count])


def numbers(hospital) -> list[int]:
    with hospital.acting():
        return list(Event.objects.values_list("seq", flat=True))


def head(hospital) -> int:
    with hospital.acting():
        return Head.objects.get().seq


def test_events_older_than_a_month_are_forgotten_in_each_hospital_but_the_last_500(alpha, beta, capsys):
    happened(alpha, 20, timedelta(days=31))
    happened(alpha, 30, timedelta(days=29))
    happened(alpha, LIMIT - 10, timedelta(days=1))
    happened(beta, LIMIT + 7, timedelta(days=400))
    old = head(alpha) - (LIMIT - 10) - 30
    last = head(beta)
    call_command("forget_events")
    assert numbers(alpha) == list(range(old + 1, head(alpha) + 1))
    assert numbers(beta) == list(range(last - LIMIT + 1, last + 1))


def test_what_was_read_of_them_goes_with_them_and_alerts_stay(alpha):
    happened(alpha, 3, timedelta(days=31))
    happened(alpha, LIMIT, timedelta(days=31))
    alert = critical_value(alpha)
    with alpha.acting():
        first, last = Event.objects.filter(name="visit:created").first(), Event.objects.last()
        for event in (first, last):
            Read.objects.create(person=alpha.checker_doctor, event=event)
    call_command("forget_events")
    with alpha.acting():
        assert [row.event_id for row in Read.objects.all()] == [last.pk]
        assert Alert.objects.get(pk=alert.pk).climbs.get().told.exists()


def test_nothing_that_the_notices_show_is_forgotten_however_short_the_period_is_set(alpha):
    happened(alpha, 5, timedelta(days=13))
    happened(alpha, LIMIT + 5, timedelta(days=0))
    before = numbers(alpha)
    with override_settings(EVENTS_KEPT=timedelta(0)):
        call_command("forget_events")
    assert numbers(alpha) == before
    with alpha.acting("checker_doctor") as acting:
        assert notices(acting, Preference(read_through=0)).filter(name="visit:created").count() == LIMIT + 10


def test_the_function_reaches_no_other_hospital(alpha, beta):
    happened(beta, LIMIT + 5, timedelta(days=31))
    before = numbers(beta)
    with alpha.acting():
        assert Event.forget(timedelta(days=30)) == 0
    assert numbers(beta) == before


def test_only_the_application_may_call_the_function(alpha):
    with connection.cursor() as cursor:
        cursor.execute("SELECT proacl::text FROM pg_proc WHERE proname = 'realtime_forget'")
        [granted] = cursor.fetchone()
    assert "hospital_app=X" in granted and "{=X" not in granted and ",=X" not in granted


@pytest.mark.parametrize(("state", "days", "stays"), [("sent", 91, False), ("sent", 89, True), ("failed", 91, False)])
def test_letters_are_forgotten_three_months_after_they_were_settled(alpha, capsys, state, days, stays):
    with alpha.acting():
        letter = Letter.post("alert", about=alpha.tenant.pk, to="a@example.com")
        letter.settle(state)
        waiting = Letter.post("alert", about=alpha.tenant.pk, to="b@example.com")
        Letter.objects.filter(pk=letter.pk).update(settled_at=timezone.now() - timedelta(days=days))
        Letter.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(days=days))
    call_command("forget_letters")
    with alpha.acting():
        assert Letter.objects.filter(pk=waiting.pk).exists()
        assert Letter.objects.filter(pk=letter.pk).exists() == stays
