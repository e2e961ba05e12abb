"""What a transaction says, in plain values. The one door for every kind that is read here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from billing.x12 import acknowledgement, claim_reading, eligibility_reading, remittance_reading, status
from billing.x12.acknowledgement import Acknowledgement
from billing.x12.claim import ClaimFile
from billing.x12.complaints import Complaint, Complaints, errors_of
from billing.x12.eligibility import Eligibility, Inquiries
from billing.x12.envelopes import Document, Transaction, read
from billing.x12.fields import Fields
from billing.x12.loops import Loop, Node, grown, tell_of_the_rest
from billing.x12.remittance import Remittance
from billing.x12.status import StatusReport

Meaning = Remittance | Acknowledgement | StatusReport | Eligibility | ClaimFile | Inquiries


@dataclass(frozen=True)
class Kind:
    """`guides` are those that we know; `function` is what the group says for it (GS01)."""

    code: str
    name: str
    guides: tuple[str, ...]
    grammar: Loop
    reads: Callable[[Node, Fields, Transaction], Any]


KINDS = {
    kind.code: kind
    for kind in (
        Kind("835", "remittance", ("X221", "X091"), remittance_reading.GRAMMAR, remittance_reading.remittance),
        Kind("999", "acknowledgement", ("X231",), acknowledgement.GRAMMAR, acknowledgement.acknowledgement),
        Kind("997", "acknowledgement", ("",), acknowledgement.GRAMMAR, acknowledgement.acknowledgement),
        Kind("277", "status of claims", ("X214", "X212", "X093"), status.GRAMMAR, status.status_report),
        Kind(
            "271",
            "answer on eligibility",
            ("X279", "X092"),
            eligibility_reading.GRAMMAR,
            eligibility_reading.eligibility,
        ),
        Kind(
            "270",
            "question on eligibility",
            ("X279", "X092"),
            eligibility_reading.GRAMMAR,
            eligibility_reading.inquiries,
        ),
        Kind("837", "professional claims", ("X222", "X098"), claim_reading.GRAMMAR, claim_reading.claim_file),
    )
}
OTHER_CLAIMS = {"X223": "institutional", "X096": "institutional", "X224": "dental", "X097": "dental"}


@dataclass(frozen=True)
class Contents:
    """`meaning` is None where the transaction is of a kind that is not read here; the complaints say so."""

    transaction: Transaction
    kind: str
    meaning: Meaning | None
    complaints: tuple[Complaint, ...]

    @property
    def errors(self) -> tuple[Complaint, ...]:
        return errors_of(self.complaints)


def contents_of(transaction: Transaction) -> Contents:
    complaints = Complaints()
    head = transaction.header
    kind = KINDS.get(transaction.code)
    reason = unknown(kind, transaction)
    if kind is None or reason:
        complaints.error(reason, "ST", head.position if head else 0, 1)
        return Contents(transaction, f"transaction {transaction.code}", None, tuple(complaints.found))
    if not any(guide in transaction.version for guide in kind.guides):
        complaints.warn(
            "It follows a guide that is not known; it is read as the usual one.", "ST", head.position if head else 0, 3
        )
    root = grown(kind.grammar, transaction.segments, complaints)
    meaning = kind.reads(root, Fields(complaints), transaction)
    tell_of_the_rest(root, complaints)
    return Contents(transaction, kind.name, meaning, tuple(complaints.found))


def unknown(kind: Kind | None, transaction: Transaction) -> str:
    if kind is None:
        return "This kind of transaction is not read here."
    other = next((name for guide, name in OTHER_CLAIMS.items() if guide in transaction.version), "")
    return f"These are {other} claims, which are not read here." if kind.code == "837" and other else ""


@dataclass(frozen=True)
class File:
    document: Document
    contents: tuple[Contents, ...]

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """All of them, in the order of the file."""
        found = [*self.document.complaints, *(one for part in self.contents for one in part.complaints)]
        return tuple(sorted(found, key=lambda one: one.position))

    @property
    def errors(self) -> tuple[Complaint, ...]:
        return errors_of(self.complaints)

    def of(self, kind: type) -> Iterator[Any]:
        return (one.meaning for one in self.contents if isinstance(one.meaning, kind))


def understood(content: bytes | str) -> File:
    """Never raises, whatever the bytes are. See `errors` before you rely on what it says."""
    document = read(content)
    return File(document, tuple(contents_of(one) for one in document.transactions))
