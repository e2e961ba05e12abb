"""Sends what waits in the outbox: `manage.py send_mail_outbox`, and the beat every few seconds.

A letter is claimed in a transaction of its own and sent outside of any, so that a slow server of mail holds no lock. It
is sent at least once: a process that dies between the sending and its note leaves it to be sent again after the pause.
The Message-ID is the letter's own, so that a mailbox can tell the second from the first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.core.mail import EmailMessage
from django.utils import timezone

from hospital.models import Letter, Tenant
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
    """How many were sent, and how many could not be."""
    sent = failed = 0
    for tenant in Tenant.objects.filter(is_active=True):
        while (letter := claimed(tenant, now or timezone.now())) is not None:
            if was_sent(tenant, letter):
                sent += 1
            else:
                failed += 1
    return sent, failed


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
    except (OSError, SMTPException, ValueError, LookupError) as error:
        log.warning("letter %s was not sent, attempt %s: %s", letter.pk, letter.attempts, type(error).__name__)
        with acting_for(tenant):
            letter.not_sent(f"{type(error).__name__}: {error}")
        return False
    with acting_for(tenant):
        letter.settle(Letter.State.SENT if message else Letter.State.NEEDLESS)
    return True


def written(tenant: Tenant, letter: Letter) -> EmailMessage | None:
    with acting_for(tenant):
        words = WRITERS[letter.kind](letter)
    if words is None:
        return None
    host = urlsplit(letter.site).hostname or "localhost"
    return EmailMessage(words.subject, words.body, None, [letter.to], headers={"Message-ID": f"<{letter.pk}@{host}>"})
