"""Nobody's X12 is quite by the book: odd separators, line ends, headers and trailers are understood, and complained about."""

from __future__ import annotations

import random
import re

import pytest

from billing.tests.x12_samples import REAL, needs_samples, real
from billing.x12.complaints import Level
from billing.x12.contents import understood
from billing.x12.envelopes import read
from billing.x12.remittance import Remittance

PLAIN = real("managed-care.835")


def words(text: str | bytes, *levels: Level) -> list[str]:
    return [str(one) for one in understood(text).complaints if not levels or one.level in levels]


def remittance(text: str | bytes) -> Remittance:
    (found,) = understood(text).of(Remittance)
    return found


pytestmark = needs_samples


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("\n", ""), id="on one line"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param(lambda text: text.replace("~\n", "\n").rstrip("~") + "\n", id="the line end ends the segment"),
        pytest.param(lambda text: text.replace("~\n", "\r\n").rstrip("~") + "\r\n", id="so does that of Windows"),
        pytest.param(lambda text: text.replace("~\n", "\r").rstrip("~") + "\r", id="so does that of old machines"),
        pytest.param(lambda text: "\n".join(re.findall(r".{1,80}", text.replace("\n", ""))), id="folded at 80 letters"),
        pytest.param(lambda text: text.replace("*", "|").replace("~", "'"), id="other separators"),
        pytest.param(
            lambda text: text.replace("*", "\x1d").replace("~", "\x1c").replace(":", "\x1f"), id="control letters"
        ),
        pytest.param(lambda text: re.sub(r" +\*", "*", text), id="no padding in the first segment"),
        pytest.param(lambda text: text.replace("*30*", "*30*    ", 1), id="too much of it"),
        pytest.param(lambda text: "\ufeff\n\n" + text + "\n\n \n", id="blanks around, and a byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\n~~\n"), id="empty segments"),
    ],
)
def test_a_file_of_another_form_says_the_same_without_a_complaint(change):
    changed = change(PLAIN)
    assert changed != PLAIN
    assert [claim.paid for claim in remittance(changed).claims] == [claim.paid for claim in remittance(PLAIN).claims]
    assert remittance(changed).claims[0].lines[0].procedure.code == "99211"
    assert not words(changed, Level.ERROR)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_letters_of_any_codec_are_read(codec):
    text = PLAIN.replace("RUSHMORE LIFE", "ASSURANCE ÉLÉMENTAIRE")
    assert remittance(text.encode(codec)).payer.name == "ASSURANCE ÉLÉMENTAIRE"


def test_without_its_first_segment_the_separators_are_guessed_and_that_is_said():
    text = PLAIN[PLAIN.index("GS*") :]
    assert remittance(text).missing == 0
    assert "There is no ISA that says the separators; they are guessed." in words(text, Level.WARNING)


def test_the_separator_of_components_may_be_missing():
    text = PLAIN.replace("*T*:~", "*T*~")
    assert remittance(text).claims[0].lines[0].procedure.code == "99211"
    assert words(text, Level.WARNING)[0] == "ISA at 1, element 16: The separator of components is missing."


def test_components_with_another_mark_than_is_said_are_read_and_complained_about():
    text = PLAIN.replace("HC:99211", "HC>99211>25")
    line = remittance(text).claims[0].lines[0]
    assert (line.procedure.code, line.procedure.modifiers) == ("99211", ("25",))
    assert any("another mark" in one and one.startswith("SVC at 16, element 1") for one in words(text))


def test_two_files_in_one_may_have_separators_of_their_own():
    text = PLAIN + real("medicare-part-a.835").replace("*", "|").replace("~", "!")
    first, second = understood(text).of(Remittance)
    assert (first.total, second.total) == (remittance(PLAIN).total, remittance(real("medicare-part-a.835")).total)


def test_a_version_that_is_not_known_is_read_as_the_usual_one_and_said():
    text = PLAIN.replace("005010X221A1", "006020X999")
    assert remittance(text).missing == 0
    assert words(text, Level.WARNING)[0].startswith("ST at 3, element 3: It follows a guide that is not known")


def test_the_version_before_needs_no_repetitions():
    text = PLAIN.replace("005010X221A1", "004010X091A1").replace("*^*00501*", "*U*00401*")
    assert remittance(text).claims[1].payer_control_number == "94077799230000"
    assert not words(text, Level.ERROR)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SE*26*", "SE*27*", "SE at 28, element 1: It says another number of segments than the 26 that are there."),
        ("SE*26*", "SE**", "SE at 28, element 1: It does not say how many segments there are."),
        ("SE*26*112233", "SE*26*112234", "SE at 28, element 2: Its control number is not that of the beginning."),
        ("GE*1*", "GE*x*", "GE at 29, element 1: It says another number of transactions than the 1 that are there."),
        ("GE*1*1~", "", "IEA at 29: The group has no end (GE)."),
        ("IEA*1*000000907~", "", "The interchange has no end (IEA)."),
        ("IEA*1*", "IEA*٣*", "IEA at 30, element 1: It says another number of groups than the 1 that are there."),
    ],
)
def test_wrong_trailers_are_told_with_segment_and_position_and_nothing_else_is_lost(old, new, said):
    text = PLAIN.replace(old, new)
    assert said in words(text, Level.WARNING)
    assert len(remittance(text).claims) == 2


def test_a_transaction_that_has_no_end_is_an_error_since_nobody_knows_whether_all_of_it_came():
    text = PLAIN[: PLAIN.index("SE*26")]
    assert "The transaction has no end (SE)." in words(text, Level.ERROR)


def test_segments_outside_of_a_transaction_or_where_they_have_no_place_are_named():
    text = PLAIN.replace("ST*835", "REF*ZZ*LOST~\nST*835").replace("LX*1~", "LX*1~\nXYZ*1~\n*?~\nSV1*HC:1~")
    assert words(text, Level.ERROR) == [
        "REF at 3: Left out: it stands outside a transaction.",
        "XYZ at 14: Left out: it has no place here.",
        "segment at 15: Left out: it is no segment.",
        "SV1 at 16: Left out: it has no place here.",
    ]


def test_what_is_in_order_and_has_no_use_here_is_noted():
    assert words(real("medicare-part-a.835")) == [
        "TS3 at 13: Not used here.",
        "TS2 at 14: Not used here.",
        "TS3 at 23: Not used here.",
    ]


def test_a_complaint_never_repeats_what_stands_in_the_file():
    text = PLAIN.replace("LX*1~", "LX*1~\nBUDD WILLIAM 33344555510~").replace("*800.00*450.00*", "*BUDD*333-4455*")
    assert len(words(text, Level.ERROR)) == 3
    assert "BUDD" not in " ".join(words(text)) and "333445" not in " ".join(words(text))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"ISA",
        b"ISA*",
        b"ISA" + b"*" * 20,
        b"ISA~~~",
        b"hello",
        b"\xff\xfe",
        b"ISA\n" * 90,
        b"GS*",
        b"ST*835*1",
    ],
)
def test_what_is_no_x12_is_told_and_never_raised(content):
    assert understood(content).errors


@pytest.mark.parametrize("begins", [b"", b"\x89PNG\r\n\x1a\n", b"ISA*", b"ISA*00*\nGS*HP*A~ST\xd6\xcd~"], ids=ascii)
def test_noise_is_no_transaction_even_where_it_has_the_letters_of_one(begins):
    chance = random.Random(5)
    for _ in range(10):
        noise = b"ST\xd6\xcd".join(chance.randbytes(5_000) for _ in range(3)) + b"GS\x01ST*8GS\xe9~ST|12345"
        read = understood(begins + noise)
        assert read.errors and not read.contents


def test_kinds_that_are_not_read_here_are_errors():
    assert words(real("claim-level-status.276")) == ["ST at 3, element 1: This kind of transaction is not read here."]
    institutional = real("demo.example1.837").replace("005010X222A2", "005010X223A3")
    assert words(institutional) == ["ST at 3, element 1: These are institutional claims, which are not read here."]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_every_real_file_has_each_of_its_segments_once(path):
    text = path.read_text()
    document = read(text)
    assert len(document.segments) == text.count("~")
    assert [segment.position for segment in document.segments] == list(range(1, text.count("~") + 1))
    assert not document.complaints
