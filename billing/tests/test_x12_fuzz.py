"""Real files, damaged in every way: never a crash, and every segment is in the structure or in the complaints."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.tests.x12_samples import ENVELOPE, PLAIN, REAL, RICH, SECOND, file_of, needs_samples
from billing.x12.balance import imbalances
from billing.x12.claim_writing import write_claims
from billing.x12.complaints import Complaints
from billing.x12.contents import KINDS, Contents, understood
from billing.x12.fields import Fields
from billing.x12.loops import Node, grown
from billing.x12.remittance import Remittance
from billing.x12.spoken import lines_of

pytestmark = needs_samples

NAMES = [path.name for path in REAL if path.suffix != ".276"] + ["written by us"]
TEXTS = [path.read_text() for path in REAL if path.suffix != ".276"] + [
    write_claims(file_of(PLAIN, RICH, SECOND), ENVELOPE)
]
ODD = [
    "",
    "*",
    "~",
    ":",
    "^",
    "\n",
    "-",
    ".",
    "9" * 40,
    "-0.001",
    "NaN",
    "1E9",
    "Infinity",
    "٣",
    "\0",
    "é",
    "ISA",
    "ST",
    "CLP",
    "HL",
    "20",
    "99999999",
    "20260231-2",
]
MORE = [
    "HL*9*9*22*0",
    "HL*1*2*22",
    "CLP*1*22*-5*-5",
    "CAS*PR",
    "CAS*CO*45*1*2*3*4",
    "SVC",
    "NM1*QC",
    "PLB*1**WO:1*5*L6*3",
    "LX",
    "EB",
    "AK2",
    "STC*A3:1*1*U",
    "ISA*1",
    "ST*835*9",
    "SE",
    "GS",
    "TRN*2*X",
]
FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def damaged(draw) -> str:
    """A real file after some accidents with its segments and elements, and some with single letters."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    segments = chance.choice(TEXTS).replace("\n", "").split("~")
    for _ in range(draw(st.integers(0, 6))):
        shaken(segments, chance)
    text = chance.choice(("~", "~\n", "~\r\n")).join(segments)
    for _ in range(draw(st.integers(0, 4))):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice([*ODD, text[at : at + 30]]) + text[at + chance.randrange(4) :]
    return text


def shaken(segments: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(segments))
    accident = chance.randrange(5)
    if accident == 0 and len(segments) > 2:
        del segments[at]
    elif accident == 1:
        segments.insert(at, chance.choice([*MORE, *segments]))
    elif accident == 2:
        other = chance.randrange(len(segments))
        segments[at], segments[other] = segments[other], segments[at]
    elif accident == 3:
        del segments[at + 1 :]
        segments.append("")
    else:
        elements = segments[at].split("*")
        elements[chance.randrange(len(elements))] = chance.choice(ODD)
        segments[at] = "*".join(elements)


@FUZZ
@given(damaged())
def test_a_damaged_file_never_crashes_and_loses_no_segment(text):
    file = understood(text)
    told = {one.position for one in file.complaints}
    envelopes = {segment.position for segment in file.document.envelopes}
    kept = set().union(*(structure_of(part) for part in file.contents)) if file.contents else set()
    for segment in file.document.segments:
        assert segment.position in told | envelopes | kept, segment
    for part in file.contents:
        assert lines_of(part).lines
        if isinstance(part.meaning, Remittance):
            imbalances(part.meaning)


def structure_of(part: Contents) -> set[int]:
    """The segments that a reader has taken into its values; all of them where the kind is not read, which is an error."""
    segments = {segment.position for segment in part.transaction.segments}
    if part.meaning is None:
        return segments
    complaints = Complaints()
    kind = KINDS[part.transaction.code]
    root = grown(kind.grammar, part.transaction.segments, complaints)
    kind.reads(root, Fields(complaints), part.transaction)
    return read_in(root)


def read_in(node: Node) -> set[int]:
    return node.read.union(*(read_in(one) for one in node.below))


@FUZZ
@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False))
def test_no_segment_of_a_file_by_the_book_disappears_between_the_text_and_the_segments(text, chance):
    """Counted by another way of reading: whatever else happens to a segment's elements, there are as many as there were ends."""
    segments = text.replace("\n", "").rstrip("~").split("~")
    for _ in range(5):
        at = chance.randrange(3, len(segments))
        elements = segments[at].split("*")
        elements[chance.randrange(1, len(elements) + 1) - 1] += chance.choice(["X", "9", "-", "Q Q", "."])
        segments[at] = "*".join(elements)
    file = understood("~".join(segments) + "~")
    assert len(file.document.segments) == len(segments)
    assert [segment.name for segment in file.document.segments] == [one.split("*")[0].upper() for one in segments]


BRACKETS = ("LS", "LE", "LX")  # around others, and nothing by themselves


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
def test_a_segment_that_is_taken_away_is_missed(text):
    """So that no reader only claims to have read one: without it the values or the complaints are others."""
    segments = text.replace("\n", "").rstrip("~").split("~")
    whole = said(segments)
    for at in range(3, len(segments) - 3):
        if not segments[at].startswith(BRACKETS):
            assert said([*segments[:at], *segments[at + 1 :]]) != whole, segments[at]


def said(segments: list[str]) -> tuple:
    (part,) = understood("~".join(segments) + "~").contents
    return part.meaning, Counter((one.segment, one.words) for one in part.complaints)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_at_all_are_answered_and_never_raised(content):
    understood(content)
    understood(b"ISA*" + content)
    understood(TEXTS[0][:106].encode() + content)
