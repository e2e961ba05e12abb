"""After the database was restored to an earlier time, no page continues what it knew of the log."""

from __future__ import annotations

from contextlib import ExitStack

from django.core.management import call_command

from hospital.tests.databases import owner
from realtime.models import Head
from realtime.tests.listening import Listener, cursor_of
from realtime.tests.test_socket import grant, is_told_to_fetch_itself


def restore(hospital, seq: int) -> None:
    """The log as it was at this number, as a restored database has it."""
    tenant_id = hospital.tenant.pk
    with owner() as database, database.transaction():
        database.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant_id)])
        database.execute("DELETE FROM realtime_event WHERE tenant_id = %s AND seq > %s", [tenant_id, seq])
        database.execute("UPDATE realtime_head SET seq = %s WHERE tenant_id = %s", [seq, tenant_id])


def number(cursor: str) -> int:
    return int(cursor.split(":")[1])


def test_a_page_with_a_cursor_of_before_the_restore_fetches_what_it_shows(site, alpha):
    before = cursor_of(alpha)
    for name in ("Lost", "Lost too"):
        grant(alpha, name)
    known = cursor_of(alpha)
    restore(alpha, number(before))
    call_command("new_epoch")
    for name in ("Anew", "Anew too", "Anew again"):  # the log has grown beyond what the page has seen
        grant(alpha, name)
    assert number(known) < number(cursor_of(alpha))
    is_told_to_fetch_itself(site, alpha, known)


def test_pages_that_are_open_meanwhile_and_those_of_every_hospital_are_told(site, alpha, beta):
    with ExitStack() as pages:
        opened = [pages.enter_context(Listener(site, hospital, "admin")).joined() for hospital in (alpha, beta)]
        call_command("new_epoch")
        for hospital, page in zip((alpha, beta), opened, strict=True):
            page.until(lambda page=page: any("resync" in message for message in page.messages))
            assert page.cursor == cursor_of(hospital)
            grant(hospital)
            page.hears("user:changed")


def test_a_log_without_events_begins_anew_too(alpha):
    """Else its first event after the restore would take up the epoch in which a page has seen another one."""
    seen = cursor_of(alpha).split(":")[0]
    with owner() as database:
        database.execute("SELECT set_config('app.tenant', %s, false)", [str(alpha.tenant.pk)])
        for table in ("realtime_event", "realtime_head"):
            database.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [alpha.tenant.pk])
    call_command("new_epoch")
    with alpha.acting():
        assert Head.cursor().split(":")[0] != seen
        assert Head.cursor().endswith(":0")
