"""A claim written into a file that nobody sends, to learn what a receiver would refuse for its form."""

from __future__ import annotations

from datetime import UTC, datetime

from billing.claims.writing import Parts, value_of
from billing.x12 import claim as x12
from billing.x12.claim_writing import write_claims
from billing.x12.parties import Contact, Party
from billing.x12.sheet import Envelope, Unwritable
from hospital.seals import raw

SENDER = Party(name="TRIAL", id_kind="46", id="TRIAL", contacts=(Contact("TRIAL", (("TE", "5550100000"),)),))
ENVELOPE = Envelope(sender="TRIAL", receiver="TRIAL", control=1, written=datetime(2000, 1, 1, tzinfo=UTC))


@raw()
def refusals_of(parts: Parts) -> list[str]:
    """Each once, with the segment that it is about."""
    file = x12.ClaimFile(
        submitter=SENDER,
        receiver=SENDER,
        reference="TRIAL",
        day=ENVELOPE.written.date(),
        clock="0000",
        claims=(value_of(parts),),
    )
    try:
        write_claims(file, ENVELOPE)
    except Unwritable as refused:
        return list(dict.fromkeys(f"{one.segment}: {one.words}" for one in refused.complaints))
    return []
