"""How the lines about claims come about; see happenings.py."""

from __future__ import annotations

from billing.claims import drafting, scrubber, sending
from billing.models import Claim, ClaimBatch, ClaimVersion
from billing.tests.claims import a_payer, furnish, insure
from clinical.models import Encounter
from clinical.tests.dispensary import load_codes
from realtime.tests.authorisation_happenings import HAPPENINGS, Day
from realtime.tests.happenings import happens

__all__ = ["HAPPENINGS", "Day"]


def begun(day: Day) -> Claim:
    """Of the note that was signed before."""
    claim: Claim = day.once("claim", lambda: begin(day))
    return claim


def begin(day: Day) -> Claim:
    load_codes()
    furnish(day.hospital, priced=False)
    with day.hospital.acting("billing") as acting:
        note = Encounter.objects.filter(status=Encounter.Status.SIGNED).order_by("signed_at")[0]
        insure(note.patient, a_payer("Key Mutual"))
        claim = drafting.begin(note, by=acting.person)
        ClaimVersion.objects.filter(claim=claim).update(diagnoses=["J069"])
        claim.current.lines.update(pointers=[1], procedure="99213")
        return claim


@happens("claim:created", "a signed note is claimed")
def begins_a_claim(day: Day) -> None:
    begun(day)


@happens("claim:updated", "its words change")
def rewrites_a_claim(day: Day) -> None:
    claim = begun(day)
    with day.hospital.acting("billing"):
        claim.put()


@happens("claim:status_changed", "it is checked")
def checks_a_claim(day: Day) -> None:
    claim = begun(day)
    with day.hospital.acting("billing") as acting:
        assert not [one.text for one in scrubber.scrub(claim, by=acting.person) if one.is_error]


@happens("claim_batch:changed", "a file is asked for")
def asks_for_a_file(day: Day) -> None:
    claim = begun(day)
    with day.hospital.acting("billing") as acting:
        scrubber.make_ready(claim, by=acting.person)
        sending.submit([claim], by=acting.person)


@happens("claim:submitted", "the file is written")
def sends_a_claim(day: Day) -> None:
    with day.hospital.acting("billing"):
        batch = ClaimBatch.objects.get()
    sending.write(day.hospital.tenant, batch.pk)
