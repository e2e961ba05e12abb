"""The log is numbered at COMMIT: dense, in the order of the commits, whatever happens between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import NotSupportedError, ProgrammingError, connection, transaction

from hospital.models import Membership, Role, SignIn
from hospital.tenancy import acting_for
from realtime.models import Event, Head


def sign_in(hospital, note: str = "") -> SignIn:
    return SignIn.objects.create(person=hospital.admin, role="admin", session=note)


def numbers(hospital) -> list[int]:
    with hospital.acting():
        return list(Event.objects.values_list("seq", flat=True))


def in_threads(work, count: int) -> None:
    def once(number: int) -> None:
        try:
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(once, range(count)))


def test_an_event_has_no_number_before_the_commit(alpha):
    with alpha.acting("admin"):
        before = Head.objects.first().seq
        sign_in(alpha)
        assert list(Event.objects.filter(name="user:signed_in").values_list("seq", flat=True)) == [None]
        assert Head.objects.first().seq == before
    assert numbers(alpha)[-1] == before + 1


def test_a_rollback_is_silent_and_leaves_no_gap(alpha):
    before = numbers_after_one(alpha)
    with pytest.raises(InterruptedError):
        sign_in_and_fail(alpha)
    with alpha.acting("admin"):
        sign_in(alpha)
    assert numbers(alpha) == [*before, before[-1] + 1]


def sign_in_and_fail(hospital) -> None:
    with hospital.acting("admin"):
        sign_in(hospital)
        raise InterruptedError


def numbers_after_one(hospital) -> list[int]:
    with hospital.acting("admin"):
        sign_in(hospital)
    return numbers(hospital)


def test_many_writers_with_rollbacks_leave_a_dense_log(alpha):
    numbers_after_one(alpha)

    def write(number: int) -> None:
        for turn in range(20):
            if turn % 5 == 4:
                with suppress(InterruptedError):
                    sign_in_and_fail(alpha)
            else:
                with acting_for(alpha.tenant, alpha.admin, "admin"):
                    sign_in(alpha, f"{number}:{turn}")

    in_threads(write, 6)
    found = numbers(alpha)
    assert found == list(range(1, len(found) + 1))
    with alpha.acting():
        assert Event.objects.filter(name="user:signed_in").count() == 1 + 6 * 16


def test_an_event_that_commits_late_comes_after_those_that_were_read(alpha):
    """With a number taken at the insert, a reader would pass over the slow one."""
    numbers_after_one(alpha)
    written, read = threading.Event(), threading.Event()

    def slow(number: int) -> None:
        with acting_for(alpha.tenant, alpha.admin, "admin"):
            sign_in(alpha, "slow")
            written.set()
            assert read.wait(10)

    def quick(number: int) -> None:
        assert written.wait(10)
        with acting_for(alpha.tenant, alpha.admin, "admin"):
            sign_in(alpha, "quick")
        read.set()

    before = numbers(alpha)
    in_threads(lambda number: (slow, quick)[number](number), 2)
    with alpha.acting():
        late = list(Event.objects.filter(seq__gt=before[-1]).order_by("seq").values_list("object_id", flat=True))
        assert [SignIn.objects.get(pk=pk).session for pk in late] == ["quick", "slow"]


def test_each_tenant_counts_alone(alpha, beta):
    numbers_after_one(alpha)
    with beta.acting():
        before = Event.objects.count()
    numbers_after_one(alpha)
    with beta.acting():
        assert Event.objects.count() == before


def test_a_transaction_over_two_tenants_numbers_each_event_in_its_own(alpha, beta):
    before = numbers_after_one(alpha), numbers_after_one(beta)
    with transaction.atomic():
        for hospital in (alpha, beta):
            with hospital.acting("admin"):
                sign_in(hospital)
    assert (numbers(alpha), numbers(beta)) == ([*before[0], before[0][-1] + 1], [*before[1], before[1][-1] + 1])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE realtime_event SET name = 'x:y'",
        "DELETE FROM realtime_event",
        "UPDATE realtime_head SET seq = 0",
        "DELETE FROM realtime_head",
        "INSERT INTO realtime_head (id, tenant_id, epoch) SELECT gen_random_uuid(), tenant_id, tenant_id FROM realtime_head",
        "SELECT realtime_number()",
    ],
)
def test_the_application_cannot_rewrite_the_log(alpha, statement):
    numbers_after_one(alpha)
    with pytest.raises((ProgrammingError, NotSupportedError)), alpha.acting(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_cursor_of_a_silent_tenant_is_the_one_its_first_event_continues(alpha):
    from hospital.models import Tenant

    silent = Tenant.open("Silent", f"silent-{alpha.mark}")
    with acting_for(silent):
        epoch, seq = Head.cursor().split(":")
        Membership.objects.create(person=alpha.admin, role=Role.objects.get(key="admin"))
    with acting_for(silent):
        assert Head.cursor() == f"{epoch}:{int(seq) + 1}"
