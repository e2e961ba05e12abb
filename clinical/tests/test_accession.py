"""The number on a tube: made, read, and refused when a character is wrong."""

from __future__ import annotations

import pytest

from clinical import accession, ucum

SERIALS = (1, 42, 123, 999_999, 1_000_000, 123_456_789)


@pytest.mark.parametrize("serial", SERIALS)
def test_it_is_read_as_it_is_written_and_as_it_is_scanned(serial):
    words, bars = accession.in_words(serial), accession.in_bars(serial)
    for text in (words, bars, words.lower(), f" {bars} ", words.replace("-", " ")):
        assert accession.parse(text) == serial


def test_the_check_is_that_of_iso_7064_mod_37_36():
    assert accession.check_character("A12425GABC1234002") == "M"  # the example of the Global Release Identifier


@pytest.mark.parametrize("serial", SERIALS)
def test_every_single_wrong_character_is_noticed(serial):
    bars = accession.in_bars(serial)
    for at in range(1, len(bars)):
        for other in accession.ALPHABET if at == len(bars) - 1 else "0123456789":
            if other != bars[at]:
                with pytest.raises(accession.BadAccession):
                    accession.parse(bars[:at] + other + bars[at + 1 :])


@pytest.mark.parametrize("serial", SERIALS)
def test_two_neighbours_that_change_places_are_noticed(serial):
    bars = accession.in_bars(serial)
    for at in range(1, len(bars) - 2):
        if bars[at] != bars[at + 1]:
            with pytest.raises(accession.BadAccession, match="wrong character"):
                accession.parse(bars[:at] + bars[at + 1] + bars[at] + bars[at + 2 :])


@pytest.mark.parametrize("text", ["", "P-000123", "123", "S-12-K", "S" + "1" * 40, "S-00012\u0663-K"])
def test_what_is_no_number_of_a_tube_is_told_how_one_looks(text):
    with pytest.raises(accession.BadAccession, match="S-000123-K"):
        accession.parse(text)


@pytest.mark.parametrize(
    "unit", ["", "mmol/L", "10*3/uL", "mg/dL", "{INR}", "m[IU]/L", "Cel", "%", "mL/min", "{cells}/uL", "[IU]/mL", "1"]
)
def test_units_that_laboratories_use_are_units_of_ucum(unit):
    assert ucum.is_unit(unit)


@pytest.mark.parametrize(
    "unit", ["mg%", "mmol/l/", "mg/", "x10^9/L", "MG/DL", "Cel/h", "mmol per L", "g/L/h", "{", "/"]
)
def test_others_are_not(unit):
    assert not ucum.is_unit(unit)
