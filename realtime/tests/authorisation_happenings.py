"""How the lines about authorisations come about; see happenings.py."""

from __future__ import annotations

from decimal import Decimal

from billing.models import Authorisation
from billing.tasks import authorisations_near_in
from billing.tests.authorisations import a_payer, asked, granted, insured
from clinical import days
from realtime.tests.biopsy_happenings import HAPPENINGS, Day
from realtime.tests.happenings import happens

__all__ = ["HAPPENINGS", "Day"]


def drafted(day: Day) -> Authorisation:
    with day.hospital.acting("billing"):
        policy = insured(a_payer(), day.word("family_name"))
    return asked(day.hospital, policy=policy)


@happens("prior_auth:created", "it is drafted")
def drafts(day: Day) -> None:
    drafted(day)


@happens("prior_auth:status_changed", "it is submitted")
def submits(day: Day) -> None:
    submitted(day)


def submitted(day: Day) -> Authorisation:
    row = drafted(day)
    with day.hospital.acting("billing") as acting:
        row.submit("By the portal", by=acting.person)
    return row


@happens("prior_auth:approved", "the insurer grants it")
def is_granted(day: Day) -> None:
    granted(day.hospital)


@happens("prior_auth:denied", "the insurer denies it")
def is_denied(day: Day) -> None:
    row = submitted(day)
    with day.hospital.acting("billing") as acting:
        row.deny("Creams were not tried", by=acting.person)


@happens("prior_auth:updated", "units are used")
def uses(day: Day) -> None:
    row = granted(day.hospital)
    with day.hospital.acting("billing") as acting:
        row.use(Decimal(1), days.today(), by=acting.person)


@happens("prior_auth:expiring", "its end is near")
def comes_near(day: Day) -> None:
    granted(day.hospital, left=12)
    assert authorisations_near_in(day.hospital.tenant) == 1
