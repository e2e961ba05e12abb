"""A declaration that is wrong stops the start, and a save writes exactly the declared events."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core import serializers
from django.core.management import call_command

from hospital.identifiers import uuid7
from hospital.models import Invitation, Membership, Person, Role, SignIn, Tenant
from hospital.roles import ROLE_KEYS
from realtime.catalogue import (
    Catalogue,
    LiveEvent,
    Loudness,
    Undeclared,
    catalogue,
    changed,
    created,
    either,
    reached,
)
from realtime.checks import check_catalogue, faults_of
from realtime.models import Event
from realtime.render import fragment
from realtime.signals import emit

ROOT = Path(__file__).resolve().parent.parent.parent
ROW = "people/_membership.html"


def event(name: str = "user:changed", model: type = Membership, **more) -> LiveEvent:
    return LiveEvent(name, model, **{"when": created, "hears": ("admin",), "needs": ("hospital.manage_people",)} | more)


@pytest.mark.parametrize(
    ("declared", "id"),
    [
        (event("UserChanged"), "realtime.E001"),
        (event(hears=()), "realtime.E003"),
        (event(hears=("admin", "janitor")), "realtime.E004"),
        (event(loudness={"janitor": Loudness.NOTICE}), "realtime.E004"),
        (event(model=Tenant), "realtime.E005"),
        (event(model=SignIn, template=ROW), "realtime.E006"),
        (event(template="people/_no_such.html"), "realtime.E007"),
        (event(link="no:such"), "realtime.E008"),
        (event(link="people"), "realtime.E008"),
        (event(needs=()), "realtime.E009"),
        (event(needs=("hospital.fly",)), "realtime.E009"),
        (event(hears=("admin", "reception")), "realtime.E010"),
    ],
)
def test_a_wrong_declaration_is_an_error(declared, id):
    assert [fault.id for fault in faults_of(Catalogue([declared]))] == [id]


def test_a_name_is_declared_once():
    assert [fault.id for fault in faults_of(Catalogue([event(), event()]))] == ["realtime.E002"]


def test_a_right_declaration_has_no_fault():
    assert (
        list(faults_of(Catalogue([event(template=ROW, link="end_membership", loudness={"admin": Loudness.NOTICE})])))
        == []
    )


def test_the_catalogue_of_this_house_has_no_fault():
    assert check_catalogue() == []


def test_everybody_who_hears_is_a_known_role():
    assert {role for declared in catalogue for role in declared.hears} <= set(ROLE_KEYS)


def test_the_page_of_events_is_current():
    printed = StringIO()
    call_command("events", "--markdown", stdout=printed)
    assert printed.getvalue() == (ROOT / "docs/events.md").read_text(), (
        "run manage.py events --markdown > docs/events.md"
    )


def test_the_table_for_the_terminal_has_a_line_for_each_event():
    printed = StringIO()
    call_command("events", stdout=printed)
    assert len(printed.getvalue().splitlines()) == 1 + len(catalogue)


class Row:
    status = "released"


@pytest.mark.parametrize(
    ("when", "was_created", "fields", "happens"),
    [
        (created, True, None, True),
        (created, False, None, False),
        (reached("released"), False, frozenset({"status", "version"}), True),
        (reached("released"), True, None, True),
        (reached("released"), False, None, False),
        (reached("released"), False, frozenset({"note"}), False),
        (reached("collected"), False, frozenset({"status"}), False),
        (changed("note"), False, frozenset({"note"}), True),
        (changed("note"), False, frozenset({"status"}), False),
        (changed("note"), False, None, True),
        (changed("note"), True, None, False),
        (changed(), False, frozenset({"status"}), True),
        (either(created, reached("released")), False, frozenset({"status"}), True),
        (either(created, reached("collected")), False, frozenset({"status"}), False),
    ],
)
def test_when(when, was_created, fields, happens):
    assert when(Row(), was_created, fields) is happens


def test_loudness_is_one_for_all_or_by_role_or_decided_by_the_row():
    assert event().levels_for(Row()) == {"admin": "info"}
    both = event(hears=("admin", "pharmacy"), loudness={"pharmacy": Loudness.NOTICE})
    assert both.levels_for(Row()) == {"admin": "info", "pharmacy": "notice"}
    decided = event(hears=("admin", "pharmacy"), loudness=lambda row: {"pharmacy": None, "admin": Loudness.CRITICAL})
    assert decided.levels_for(Row()) == {"admin": "critical"}


def events_of(hospital, name: str) -> list[Event]:
    with hospital.acting():
        return list(Event.objects.filter(name=name))


def test_one_person_may_hear_it_louder_than_the_role():
    somebody = uuid7()
    declared = event(notice_to=lambda row: [somebody, None])
    assert declared.personal_levels_for(None) == {str(somebody): Loudness.NOTICE}
    assert declared.levels_for(None) == {"admin": Loudness.INFO}


def test_a_save_is_one_line_of_the_log_with_its_audience(alpha):
    with alpha.acting("admin"):
        SignIn.objects.create(person=alpha.admin, role="admin")
    [line] = events_of(alpha, "user:signed_in")
    assert (line.roles, line.loudness, line.people, line.patient_id) == (["admin"], {"admin": "info"}, [], None)


def test_loading_a_fixture_is_silent(alpha):
    with alpha.acting("admin"):
        sign_in = SignIn.objects.create(person=alpha.admin, role="admin")
        for loaded in serializers.deserialize("json", serializers.serialize("json", [sign_in])):
            loaded.save()
    assert len(events_of(alpha, "user:signed_in")) == 1


def test_a_model_without_events_is_silent(alpha):
    with alpha.acting("admin"):
        before = Event.objects.count()
        Invitation.issue(email="a@example.org", name="A", role=Role.objects.first(), by=None)
        assert Event.objects.count() == before


def test_what_is_not_declared_cannot_be_told(alpha):
    """Neither a line of the log by hand, nor an event of a declared name with an audience of its own."""
    with alpha.acting("admin"):
        before = Event.objects.count()
        sign_in = SignIn(person=alpha.admin, role="admin")
        with pytest.raises(Undeclared, match="unheard:of"):
            Event.objects.create(name="unheard:of", object_id=sign_in.pk, roles=["admin"])
        with pytest.raises(Undeclared, match="reception"):
            emit(event("user:signed_in", SignIn, hears=("reception",)), sign_in)
        assert Event.objects.count() == before


def test_a_fragment_knows_the_role_and_not_the_viewer(alpha):
    person = Person.objects.create(email=f"n@{alpha.mark}.example", name="Nora")
    with alpha.acting("admin"):
        seen_by_admin = fragment(ROW, Membership.grant(person, "reception"))
    assert alpha.admin.name not in seen_by_admin
    assert "csrfmiddlewaretoken" not in seen_by_admin
