"""What colleagues are told of an authorisation, and when."""

from __future__ import annotations

from uuid import UUID

from billing.models.authorisation import Authorisation
from realtime.catalogue import said


@said("units, its log or its words change")
def only_its_words(row: Authorisation, created: bool, fields: frozenset[str] | None) -> bool:
    return not created and not {"status", "said_days"} & (fields or frozenset())


@said("becomes approved or partially_approved by the insurer")
def was_granted(row: Authorisation, created: bool, fields: frozenset[str] | None) -> bool:
    """Not when units that were given back open it again."""
    return row.is_granted and {"status", "decided_at"} <= (fields or frozenset())


@said("30, 14 or 7 days before its end")
def comes_near(row: Authorisation, created: bool, fields: frozenset[str] | None) -> bool:
    return bool(row.says) and "said_days" in (fields or ())


def whose(row: Authorisation) -> UUID | None:
    return row.doctor_id or row.requested_by_id


def title(row: Authorisation, role: str) -> str:
    return f"{row.number}, {row.patient.name}: {row.get_status_display().lower()}"


def title_of_denial(row: Authorisation, role: str) -> str:
    until = f", appeal until {row.appeal_until:%-d %b %Y}" if row.appeal_until else ""
    return f"{row.policy.insurer} denies {row.number} of {row.patient.name}{until}"


def title_of_end(row: Authorisation, role: str) -> str:
    return f"{row.number} of {row.patient.name} {row.says}"
