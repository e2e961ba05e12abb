"""Free slots are computed, never stored: this is the whole computation. Who is open and who is taken is read elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from scheduling.moments import Span

NOTHING = timedelta()


def free_slots(
    hours: Iterable[Span],
    taken: Iterable[Span],
    *,
    length: timedelta,
    step: timedelta,
    before: timedelta = NOTHING,
    after: timedelta = NOTHING,
    not_before: datetime | None = None,
) -> list[Span]:
    """What can be booked, in order: spans of exactly `length`, begun every `step` from the beginning of the hours.

    A slot lies wholly within one span of the hours. With its buffers, `before` and `after`, it overlaps nothing that is
    taken; the buffers themselves may lie outside the hours. Everything is in UTC, so that no slot ever begins in a gap
    of the clock and each keeps its length on the days on which the clock is changed.
    """
    taken, found = sorted(taken), []
    for span in merged(hours):
        begins = span.begins
        while begins + length <= span.ends:
            slot = Span(begins, begins + length)
            busy = Span(slot.begins - before, slot.ends + after)
            late_enough = not_before is None or begins >= not_before
            if late_enough and not any(busy.overlaps(other) for other in taken):
                found.append(slot)
            begins += step
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible: those that touch or overlap become one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.begins <= found[-1].ends:
            found[-1] = Span(found[-1].begins, max(found[-1].ends, span.ends))
        else:
            found.append(span)
    return found


def common(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The time that lies in both."""
    others = merged(others)
    shared = [
        Span(max(one.begins, other.begins), min(one.ends, other.ends))
        for one in merged(some)
        for other in others
        if one.overlaps(other)
    ]
    return merged(shared)


def without(some: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What is left of the spans when the taken time is cut out of them."""
    left = merged(some)
    for cut in merged(taken):
        left = [piece for span in left for piece in _cut(span, cut)]
    return left


def _cut(span: Span, cut: Span) -> list[Span]:
    if not span.overlaps(cut):
        return [span]
    pieces = (Span(span.begins, cut.begins), Span(cut.ends, span.ends))
    return [piece for piece in pieces if piece.begins < piece.ends]
