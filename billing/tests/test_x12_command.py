"""`manage.py x12` tells what files are, and needs no database for it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing.tests.x12_samples import ENVELOPE, PLAIN, RICH, SAMPLES, file_of, needs_samples, real
from billing.x12.claim_writing import write_claims


def told(*paths: object, **options: object) -> str:
    out = StringIO()
    try:
        call_command("x12", *map(str, paths), stdout=out, no_color=True, **options)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


@needs_samples
def test_a_remittance_is_told_with_its_parties_sums_and_balance():
    text = told(SAMPLES / "managed-care.835")
    assert "remittance (835 005010X221A1), number 112233, a test" in text
    assert "from RUSHMORE LIFE to ACME MEDICAL CENTER (5544667733)" in text
    assert "claim 8765432112: processed as primary, charge 1200.00, paid 495.00, patient 600.00, 1 lines" in text
    assert "2 claims, paid 945.00, adjusted: contractual 155.00, patient 900.00, provider adjustments 0.00" in text
    assert "in balance: every line, every claim and the payment" in text
    assert "warning: BPR at 4, element 16: It is no day of the calendar." in text


@needs_samples
def test_a_file_out_of_balance_fails(tmp_path):
    path = tmp_path / "wrong.835"
    path.write_text(real("managed-care.835").replace("BPR*I*945.00", "BPR*I*946.00"))
    assert "out of balance: The payment: 946.00 paid, 945.00 by its claims and provider adjustments" in told(path)
    with pytest.raises(CommandError, match="1 of 1 with an error or out of balance"):
        call_command("x12", str(path), stdout=StringIO())


@needs_samples
def test_a_folder_is_looked_through_for_what_begins_like_x12(tmp_path):
    (tmp_path / "letter.txt").write_text("ISA is a name")
    (tmp_path / "one.837").write_text("\n" + write_claims(file_of(PLAIN, RICH), ENVELOPE))
    text = told(tmp_path)
    assert "letter" not in text
    assert "2 claims, charge 242.08" in text and "claim CLM-0002: frequency 7, charge 121.04, 2 lines" in text
    everything = told(SAMPLES)
    assert "JOHN SMITH (123456789) with ABC COMPANY (841610001): active, 5 benefits" in everything
    assert "claim ABCXYC3: F2 decided: denied" in everything
    assert "note: TS3 at 13: Not used here." in everything and "note:" not in told(SAMPLES, quiet=True)
    assert everything.endswith("1 of 12 with an error or out of balance.")


def test_what_is_not_there_or_is_no_x12_is_said(tmp_path):
    assert told(tmp_path / "none").endswith("is not there.")
    assert told(tmp_path) == "There is no X12 file here."
    path = tmp_path / "letter.txt"
    path.write_text("Dear all")
    assert "error: This is no X12: there is no ISA, GS or ST." in told(path)
