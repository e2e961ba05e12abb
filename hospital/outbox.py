"""Sends what waits in the outbox: `manage.py send_mail_outbox`, and the beat every few seconds.

A letter is claimed in a transaction of its own and sent outside of any, so that a slow server of mail holds no lock. It
is sent at least once: a process that dies between the sending and its note leaves it to be sent again after the pause.
The Message-ID is the letter's own, so that a mailbox can tell the second from the first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.core.mail import EmailMessage
from django.utils import timezone

from hospital.models import Letter, Tenant
from hospital.seals import truth
from hospital.tenancy import acting_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Words:
    subject: str
    body: str


# A writer gives nothing when the letter is no longer needed.
Writer = Callable[[Letter], Words | None]
WRITERS: dict[str, Writer] = {}


def writes(kind: str) -> Callable[[Writer], Writer]:
    """`@writes("invitation")` above the function that words this kind of letter."""

    def register(writer: Writer) -> Writer:
        WRITERS[kind] = writer
        return writer

    return register


def send_all(now: datetime | None = None) -> tuple[int, int]:
    """How many were sent, and how many could not be. What fails for one hospital stops no other."""
    sent = failed = 0
    for tenant in Tenant.objects.filter(is_active=True):
        try:
            for was_sent in sent_for(tenant, now):
                sent, failed = sent + was_sent, failed + (not was_sent)
        except Exception:
            log.exception("the outbox of %s was left for the next time", tenant.slug)
    return sent, failed


def sent_for(tenant: Tenant, now: datetime | None) -> Iterator[bool]:
    """For each letter that is due, whether it was sent."""
    while (letter := claimed(tenant, now or timezone.now())) is not None:
        yield was_sent(tenant, letter)


def claimed(tenant: Tenant, now: datetime) -> Letter | None:
    """The next one, counted as begun: no other sweep takes it before its pause is over."""
    with acting_for(tenant):
        rows = Letter.objects.due(now).order_by("next_at").select_for_update(skip_locked=True, no_key=True)
        letter = rows.first()
        if letter is not None:
            letter.begin(now)
        return letter


def was_sent(tenant: Tenant, letter: Letter) -> bool:
    try:
        message = written(tenant, letter)
        if message is not None:
            message.send()
    except Exception as error:
        is_odd = not isinstance(error, OSError | SMTPException)
        name = type(error).__name__
        log.warning("letter %s was not sent, attempt %s: %s", letter.pk, letter.attempts, name, exc_info=is_odd)
        with acting_for(tenant):
            letter.not_sent(reason(error))
        return False
    with acting_for(tenant):
        letter.settle(Letter.State.SENT if message else Letter.State.NEEDLESS)
    return True


def reason(error: Exception) -> str:
    """The first line: what the database says after it are values of the row."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def written(tenant: Tenant, letter: Letter) -> EmailMessage | None:
    with acting_for(tenant):
        words = WRITERS[letter.kind](letter)
    if words is None:
        return None
    host = urlsplit(letter.site).hostname or "localhost"
    return EmailMessage(
        words.subject, words.body, None, [truth(letter, "to")], headers={"Message-ID": f"<{letter.pk}@{host}>"}
    )
