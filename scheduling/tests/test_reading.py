"""A file with appointments is read: which column is which, and how people write days and times."""

from __future__ import annotations

from datetime import date

import pytest

from hospital.workflow import Refused
from scheduling.imports import LARGEST, MOST_LINES, read
from scheduling.judging import clock_in_words, day_in_words
from scheduling.tests.lists import text


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "There is no appointment"),
        (b"date,time,type,provider,patient\n", "There is no appointment"),
        ("date\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 a spreadsheet", "no CSV file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no CSV file"),
        ("patient,date,time,type,provider\nZoë".encode("latin-1"), "line 2 has a letter in another encoding"),
        (b'patient,date,time,type,provider\n"1,2\n', "is no CSV"),
        (b"patient,date\n1,2", "Missing: time, type, provider"),
        (b"family name,date,time,type,provider\n1,2", "Missing: patient_number"),
        (b"patient,mrn,date,time,type,provider\n1,2", "Two columns are for “patient_number”"),
        (b"a" * (LARGEST + 1), "larger than 2 MB"),
        (text(*["x"] * (MOST_LINES + 1)), "more than 5,000 lines"),
    ],
)
def test_what_is_no_such_file_is_refused_with_the_reason(content, words):
    with pytest.raises(Refused, match=words):
        read(content)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_known_by_their_names_in_any_order(delimiter):
    heading = delimiter.join(["Doctor", "Start time", "MRN", "Insurance", "DAY", "Service"])
    table = read(
        f"\ufeff{heading}\r\nDr A{delimiter}9:30{delimiter}7{delimiter}x{delimiter}2027-01-04{delimiter}Check-up\r\n".encode()
    )
    (row,) = table.rows
    said = {name: table.get(row, name) for name in ("provider", "time", "patient_number", "date", "type", "note")}
    assert said == {
        "provider": "Dr A",
        "time": "9:30",
        "patient_number": "7",
        "date": "2027-01-04",
        "type": "Check-up",
        "note": "",
    }


def test_a_line_keeps_its_number_although_others_are_empty_or_run_over_two():
    table = read(text('1,2027-01-04,9:30,"two\nlines",x,,', "", ",,,", "2,2027-01-04,9:30,b,x,,"))
    assert [row.number for row in table.rows] == [2, 6]


@pytest.mark.parametrize(
    "words, clock",
    [
        ("9:30", "09:30"),
        ("09.30", "09:30"),
        ("14:30:00", "14:30"),
        ("2:30 pm", "14:30"),
        ("12 am", "00:00"),
        ("12:05PM", "12:05"),
    ],
)
def test_times_are_read_as_people_write_them(words, clock):
    assert f"{clock_in_words(words):%H:%M}" == clock


@pytest.mark.parametrize("words", ["", "9", "24:00", "9:60", "13 pm", "0 am", "noon", "9:3"])
def test_what_is_no_time_is_none(words):
    assert clock_in_words(words) is None


def test_days_are_read_as_they_cannot_be_mistaken():
    assert day_in_words("2028-02-29") == day_in_words("29.2.2028") == date(2028, 2, 29)
    for words in ("2027-02-29", "03/04/2027", "4 March", "", "2027-13-01"):
        assert day_in_words(words) is None
