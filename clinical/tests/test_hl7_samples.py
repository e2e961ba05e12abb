"""Real messages that nobody here wrote: each is applied, or waits with a reason; never lost, never twice."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from clinical.models import Hl7Message, Patient
from hospital.tests.public_data import ROOT, needs, public_files

SAMPLES = ROOT / "hl7v2"


@needs(public_files("hl7v2", "*"))
@pytest.mark.parametrize("tests", [False, True])
def test_each_of_the_twenty_is_applied_or_waits_with_a_reason_and_a_second_run_changes_nothing(alpha, beta, tests):
    def run() -> str:
        out = StringIO()
        call_command("hl7", str(SAMPLES), tenant=alpha.tenant.slug, tests=tests, stdout=out)
        return out.getvalue().splitlines()[-1]

    run()
    with alpha.acting():
        rows, patients = list(Hl7Message.objects.all()), Patient.objects.count()
    assert len(rows) == 20
    assert {row.status for row in rows} == {"applied", "waiting"}
    assert all(row.effect if row.status == "applied" else row.waits_for and row.words for row in rows)
    assert "fault" not in {row.waits_for for row in rows}
    assert run() == "0 applied, 0 inbox, 20 duplicate, 0 refused"
    with alpha.acting():
        assert (Hl7Message.objects.count(), Patient.objects.count()) == (20, patients)
    with beta.acting():
        assert not Hl7Message.objects.exists()
