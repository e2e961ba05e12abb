"""What is taken for a message, whatever its separators, letters and line ends; and the answer, word by word of the standard."""

from __future__ import annotations

import contextlib

import pytest

from clinical.hl7.ack import Problem, Verdict, answers, rejection
from clinical.hl7.reading import Unreadable, announced, digest, messages_in, read
from clinical.tests.messages import adt, message, oru, row_of, send

PLAIN = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5\rPID|1||7^^^X||Ng^Ada"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n\n"])
def test_lines_may_end_in_any_way(end):
    found = read(PLAIN.replace(b"\r", end))
    assert found.first("PID").part(5, 2) == "Ada"
    assert digest(PLAIN.replace(b"\r", end)) == digest(PLAIN)


def test_a_message_chooses_its_own_separators():
    found = read(b"MSH$%!?@$A$B$C$D$20260101$$ADT%A08$1$P$2.5\rPID$1$$7%%%X@1.2@ISO!8$$Ng%A?T?da")
    assert found.first("PID").part(5, 2) == "A@da"
    assert [value.part(1) for value in found.first("PID").all(3)] == ["7", "8"]
    assert found.first("PID").value(3).subs(4) == ["X", "1.2", "ISO"]


def test_escapes_are_read_and_unknown_ones_stay():
    text = r"a\F\b \T\ \X41\ \XC39C\ \.br\next \H\bold\N\ \Zx\ \XZZ\ \X00FF\ C:\temp"
    found = read(PLAIN + b"\rNTE|1||" + text.encode())
    assert found.first("NTE").value(3).whole == "a|b & A Ü \nnext bold  \\XZZ\\ ÿ C:\\temp"


@pytest.mark.parametrize(
    ("declared", "content", "name"),
    [
        ("8859/1", "Jürgen".encode("latin-1"), "Jürgen"),
        ("UNICODE UTF-8", "Łukasz".encode(), "Łukasz"),
        ("8859/2", "Łukasz".encode("iso-8859-2"), "Łukasz"),
        ("", "José".encode("cp1252"), "José"),
        ("UNICODE UTF-8", "José".encode("cp1252"), "José"),
        ("ISO IR87", "山田".encode("iso2022_jp"), "山田"),
    ],
)
def test_letters_are_read_as_declared_or_as_what_they_can_only_be(declared, content, name):
    raw = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5||||||" + declared.encode() + b"\rPID|1||7||Ng^" + content
    assert read(raw).first("PID").part(5, 2) == name


def test_a_file_holds_several_messages_in_the_envelope_of_a_batch():
    batch = b"\xef\xbb\xbfFHS|^~\\&|A\r\nBHS|^~\\&|A\r\n" + PLAIN + b"\r\n" + PLAIN + b"\r\nBTS|2\r\nFTS|1"
    assert len(list(messages_in(batch))) == 2
    assert announced(batch) == 2
    assert len(list(messages_in(PLAIN.decode().encode("utf-16")))) == 1


def test_text_that_runs_over_lines_belongs_to_its_field():
    found = read(PLAIN + b"\nOBX|1|TX|1^x^L||First line\nSecond line\nNTE|1||note")
    assert found.first("OBX").value(5).whole == "First line\nSecond line"
    assert found.first("NTE").value(3).whole == "note"


@pytest.mark.parametrize(
    "odd", [b"", b"PID|1", b"MSH", b"MSH|^~\\&", b"MSHAAAAAAAAAAA", b"MSH||||||||||", b"\x00\xff\xfe"]
)
def test_what_is_no_message_is_refused_in_words(odd):
    with contextlib.suppress(Unreadable):
        assert read(odd).segments


def test_more_parts_than_memory_allows_are_refused():
    with pytest.raises(Unreadable, match="parts"):
        read(PLAIN + b"\rZZZ" + b"|" * 300_000)


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "verdict", "codes"),
    [
        ("|", Verdict.ACCEPT, ["AA"]),
        ("|", Verdict.ERROR, ["AE"]),
        ("|", Verdict.REJECT, ["AR"]),
        ("AL|NE", Verdict.ACCEPT, ["CA"]),
        ("AL|NE", Verdict.REJECT, ["CR"]),
        ("AL|AL", Verdict.ACCEPT, ["CA", "AA"]),
        ("NE|AL", Verdict.ERROR, ["AE"]),
        ("ER|ER", Verdict.ACCEPT, []),
        ("ER|ER", Verdict.REJECT, ["CR", "AR"]),
        ("SU|SU", Verdict.ACCEPT, ["CA", "AA"]),
        ("NE|NE", Verdict.ACCEPT, []),
        ("??|", Verdict.ACCEPT, ["AA"]),
    ],
)
def test_the_answer_follows_the_mode_that_the_message_asks_for(mode, verdict, codes):
    found = answers(read(message("ADT^A08^ADT_A01", "PID|1", mode=mode)), verdict)
    assert [read(one.encode()).first("MSA").part(1) for one in found] == codes


def test_an_answer_goes_back_to_its_sender_with_the_control_id_and_says_where_the_error_is():
    raw = message("ORU^R01", "PID|1", control="X9", sender="LAB|NORTH", charset="8859/1")
    told = read(answers(read(raw), Verdict.ERROR, Problem(101, "No | here", ("PID", "1", "3")))[0].encode())
    assert (told.sender, told.receiver) == (("HERE", "HOUSE"), ("LAB", "NORTH"))
    assert (told.code, told.trigger, told.head.part(12), told.head.part(18)) == ("ACK", "R01", "2.5.1", "8859/1")
    assert (told.first("MSA").part(1), told.first("MSA").part(2)) == ("AE", "X9")
    error = told.first("ERR")
    assert [error.part(2, at) for at in (1, 2, 3)] == ["PID", "1", "3"]
    assert (error.part(3, 1), error.part(4), error.part(8)) == ("101", "E", "No | here")


def test_versions_before_2_5_have_the_error_in_its_first_field():
    raw = message("ADT^A08", "PID|1", version="2.3")
    told = read(answers(read(raw), Verdict.ERROR, Problem(204, "Unknown", ("PID", "1", "3")))[0].encode())
    assert told.first("ERR").value(1).subs(4)[:2] == ["204", "Unknown key identifier"]


def test_what_cannot_be_read_is_rejected_with_the_control_id_if_it_can_be_seen():
    told = read(rejection(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|Q7", "Broken").encode())
    assert (told.first("MSA").part(1), told.first("MSA").part(2)) == ("AR", "Q7")
    assert read(rejection(b"\x00\x01", "Broken").encode()).first("MSA").part(1) == "AR"


# --- never twice, never lost ------------------------------------------------------------------------


def test_the_same_message_is_applied_once_and_answered_alike(alpha):
    raw = adt("A28")
    first, second = send(alpha, raw), send(alpha, raw.replace(b"\r", b"\n"))
    assert (first.word, second.word) == ("applied", "duplicate")
    assert first.answers == second.answers


def test_a_control_id_that_comes_again_on_another_message_waits(alpha):
    send(alpha, adt("A28", control="SAME"))
    row = row_of(alpha, send(alpha, adt("A28", "5^^^Z^MR||Other^One||19700101|M", control="SAME")))
    assert row.waits_for == "conflict"
    assert send(alpha, oru("OBR|1||F|1^x^LN", "OBX|1|ST|1-8^x^LN||y", control="SAME")).word == "applied"


def test_without_control_id_or_type_it_is_kept_and_answered_as_an_error(alpha):
    for raw in (PLAIN.replace(b"|1|P|", b"||P|"), PLAIN.replace(b"ADT^A08", b"")):
        receipt = send(alpha, raw)
        assert receipt.word == "inbox"
        told = read(receipt.answers[0].encode())
        assert (told.first("MSA").part(1), told.first("ERR").part(3)) == ("AE", "101")


def test_a_part_of_a_longer_message_waits(alpha):
    assert row_of(alpha, send(alpha, PLAIN + b"\rDSC|123|F")).words.startswith("It is a part")


def test_bytes_that_are_no_message_are_kept_once_and_rejected(alpha):
    first, second = send(alpha, b"hello"), send(alpha, b"hello")
    assert (first.word, second.word) == ("refused", "duplicate")
    assert row_of(alpha, first).waits_for == "unreadable"
