"""Bytes to transactions: interchange (ISA to IEA), group (GS to GE), transaction (ST to SE).

Nothing is raised and nothing is lost. A segment is an envelope's, a transaction's, or there is a complaint with its position.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from billing.x12.complaints import Complaint, Complaints, errors_of
from billing.x12.segments import Segment, segments_in
from clinical.hl7.charsets import decoded
from clinical.hl7.reading import as_bytes

CODE = re.compile(r"[0-9]{3}")  # every transaction of X12 is called by three digits
KINDS = {"GS": "a group", "ISA": "an interchange", "ST": "a transaction"}


@dataclass
class Transaction:
    """What stands between ST and SE. `version` is the guide that it follows, such as 005010X221A1."""

    header: Segment | None
    group: Segment | None
    interchange: Segment | None
    segments: list[Segment] = field(default_factory=list)
    trailer: Segment | None = None

    @property
    def code(self) -> str:
        return self.header.at(1) if self.header else ""

    @property
    def control(self) -> str:
        return self.header.at(2) if self.header else ""

    @property
    def version(self) -> str:
        said = self.header.at(3) if self.header else ""
        return (said or (self.group.at(8) if self.group else "")).upper()

    @property
    def group_control(self) -> str:
        return self.group.at(6) if self.group else ""

    @property
    def interchange_control(self) -> str:
        return self.interchange.at(13) if self.interchange else ""

    @property
    def is_test(self) -> bool:
        return bool(self.interchange) and self.interchange is not None and self.interchange.at(15) == "T"


@dataclass
class Document:
    segments: list[Segment]
    transactions: list[Transaction]
    envelopes: list[Segment]
    complaints: list[Complaint]

    @property
    def errors(self) -> tuple[Complaint, ...]:
        return errors_of(self.complaints)


def read(content: bytes | str) -> Document:
    complaints = Complaints()
    text = content if isinstance(content, str) else decoded(as_bytes(content), [])[0]
    segments = list(segments_in(text.replace("\0", ""), complaints))
    reader = Envelopes(complaints)
    reader.take(segments)
    if segments and not reader.transactions:
        complaints.error("There is no transaction in it.")
    return Document(segments, reader.transactions, reader.envelopes, complaints.found)


class Envelopes:
    def __init__(self, complaints: Complaints) -> None:
        self.complaints = complaints
        self.transactions: list[Transaction] = []
        self.envelopes: list[Segment] = []
        self.interchange: Segment | None = None
        self.group: Segment | None = None
        self.transaction: Transaction | None = None
        self.groups_seen = self.sets_seen = 0

    def take(self, segments: Iterable[Segment]) -> None:
        steps = {"ISA": self._isa, "GS": self._gs, "ST": self._st, "SE": self._se, "GE": self._ge, "IEA": self._iea}
        for segment in segments:
            step = steps.get(segment.name)
            if step:
                self.envelopes.append(segment)
                step(segment)
            else:
                self._content(segment)
        self._end_interchange(None)

    def _content(self, segment: Segment) -> None:
        if self.transaction is not None:
            self.transaction.segments.append(segment)
            return
        if segment.name in ("TA1", "ISB", "ISE"):
            self.complaints.note("Left out: it speaks of the interchange only.", segment.name, segment.position)
            return
        self.complaints.error("Left out: it stands outside a transaction.", segment.spoken, segment.position)

    def _isa(self, segment: Segment) -> None:
        self._end_interchange(segment)
        self.interchange, self.groups_seen = segment, 0

    def _gs(self, segment: Segment) -> None:
        self._end_group(segment)
        self.group, self.sets_seen = segment, 0
        self.groups_seen += 1

    def _st(self, segment: Segment) -> None:
        self._end_transaction(segment)
        self.sets_seen += 1
        if not CODE.fullmatch(segment.at(1)):
            self.complaints.error("It does not say which transaction begins.", segment.name, segment.position, 1)
            return
        self.transaction = Transaction(segment, self.group, self.interchange)
        self.transactions.append(self.transaction)

    def _se(self, segment: Segment) -> None:
        transaction, self.transaction = self.transaction, None
        if transaction is None:
            self._stray(segment, "transaction")
            return
        transaction.trailer = segment
        self._count(segment, len(transaction.segments) + 2, "segments")
        self._control(segment, transaction.control)

    def _ge(self, segment: Segment) -> None:
        self._end_transaction(segment)
        group, self.group = self.group, None
        if group is None:
            self._stray(segment, "group")
            return
        self._count(segment, self.sets_seen, "transactions")
        self._control(segment, group.at(6))

    def _iea(self, segment: Segment) -> None:
        self._end_group(segment)
        interchange, self.interchange = self.interchange, None
        if interchange is None:
            self._stray(segment, "interchange")
            return
        self._count(segment, self.groups_seen, "groups")
        self._control(segment, interchange.at(13))

    def _end_transaction(self, segment: Segment | None) -> None:
        if self.transaction is not None:
            self._unfinished("transaction", "SE", segment)
        self.transaction = None

    def _end_group(self, segment: Segment | None) -> None:
        self._end_transaction(segment)
        if self.group is not None:
            self._unfinished("group", "GE", segment)
        self.group = None

    def _end_interchange(self, segment: Segment | None) -> None:
        self._end_group(segment)
        if self.interchange is not None:
            self._unfinished("interchange", "IEA", segment)
        self.interchange = None

    def _unfinished(self, what: str, trailer: str, segment: Segment | None) -> None:
        """Without its end nobody knows whether all of it has come: a transaction cut short is an error."""
        words = f"The {what} has no end ({trailer})."
        tell = self.complaints.error if what == "transaction" else self.complaints.warn
        tell(words, segment.name if segment else "", segment.position if segment else 0)

    def _stray(self, segment: Segment, what: str) -> None:
        self.complaints.warn(f"It ends no {what} that has begun.", segment.name, segment.position)

    def _count(self, segment: Segment, real: int, what: str) -> None:
        said = segment.at(1)
        if not said:
            self.complaints.warn(f"It does not say how many {what} there are.", segment.name, segment.position, 1)
        elif not (said.isascii() and said.isdigit() and len(said) < 12 and int(said) == real):
            words = f"It says another number of {what} than the {real} that are there."
            self.complaints.warn(words, segment.name, segment.position, 1)

    def _control(self, segment: Segment, begun: str) -> None:
        if segment.at(2).lstrip("0") != begun.lstrip("0"):
            words = "Its control number is not that of the beginning."
            self.complaints.warn(words, segment.name, segment.position, 2)
