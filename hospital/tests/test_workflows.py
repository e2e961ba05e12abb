from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from hospital.management.commands.workflows import machines
from hospital.roles import PERMISSIONS
from hospital.workflow import SYSTEM


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("workflows", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_page_about_state_machines_is_current():
    page = Path(settings.BASE_DIR, "docs/workflows.md").read_text(encoding="utf-8")
    assert page == printed("--markdown"), "Run: manage.py workflows --markdown > docs/workflows.md"


def test_every_step_goes_to_a_status_that_is_known_and_asks_for_a_permission_that_exists():
    for model in machines():
        known = set(dict(model._meta.get_field("status").flatchoices))
        assert known >= {*model.MOVES, *(to for steps in model.MOVES.values() for to in steps)}
        assert {permission for steps in model.MOVES.values() for permission in steps.values()} <= {SYSTEM, *PERMISSIONS}


def test_every_status_can_be_reached():
    for model in machines():
        reached = {model._meta.get_field("status").default, *(to for steps in model.MOVES.values() for to in steps)}
        assert reached == set(dict(model._meta.get_field("status").flatchoices)), model


def test_the_machines_are_printed_for_the_eye_too():
    assert "registered     -> checked        clinical.examine" in printed()
