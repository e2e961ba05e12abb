"""A clinic that can claim, and a signed note of an insured patient, for the tests of claims."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing.claims import correcting, drafting, scrubber, sending
from billing.models import CONSULTATION, BillingIdentity, Claim, ClaimVersion, Kind, ProcedureCode, ProviderNumber
from billing.tests.till import price
from clinical.models import Encounter, Patient, Policy
from clinical.models.payer import Payer
from clinical.tests.notes import signed
from hospital.tests.hospital import Hospital

NPI, DOCTORS_NPI = "1912301953", "1234567893"


def furnish(hospital: Hospital, *, priced: bool = True) -> None:
    """What a claim needs and only the organisation can say."""
    with hospital.acting("billing"):
        BillingIdentity.objects.create(
            name="Riverside Clinic",
            npi=NPI,
            tax_number="587654321",
            taxonomy="207Q00000X",
            line="234 Seaway St",
            city="Miami",
            state="FL",
            zip="331110000",
            contact="Claims desk",
            telephone="3055551234",
            sender_number="RIVERSIDE",
        )
        ProviderNumber.objects.create(person=hospital.main_doctor, npi=DOCTORS_NPI, taxonomy="207N00000X")
        ProcedureCode.objects.create(kind=Kind.CONSULTATION, code=CONSULTATION, procedure="99213")
        if priced:
            price("100.00")


def is_furnished(hospital: Hospital) -> bool:
    with hospital.acting("billing"):
        return BillingIdentity.ours() is not None


def a_payer(name: str = "Key Insurance", **fields: Any) -> Payer:
    return Payer.objects.create(name=name, **{"identifier": "999996666", **fields})


def insure(patient: Patient, payer: Payer, **fields: Any) -> Policy:
    """With all that a claim says of the patient."""
    Patient.objects.filter(pk=patient.pk).update(
        birth_date=date(1961, 5, 1), sex="female", line="236 N Main St", city="Miami", state="FL", postal_code="33413"
    )
    given = {"member_number": "JS00111223333", "verified_until": date(2099, 1, 1), **fields}
    return Policy.objects.create(patient_id=patient.pk, insurer=payer.name, payer=payer, **given)


def a_note(hospital: Hospital, **policy: Any) -> Encounter:
    """Signed, of an insured patient, and not claimed yet."""
    note = signed(hospital)
    with hospital.acting("billing"):
        payer = Payer.objects.first() or a_payer()
        insure(note.patient, payer, **policy)
    return note


def a_claim(hospital: Hospital, **policy: Any) -> Claim:
    """A draft that has nothing against it."""
    note = a_note(hospital, **policy)
    with hospital.acting("billing") as acting:
        return drafting.begin(note, by=acting.person)


def ready(hospital: Hospital, claim: Claim | None = None) -> Claim:
    claim = claim or a_claim(hospital)
    with hospital.acting("billing") as acting:
        scrubber.scrub(claim, by=acting.person)
        scrubber.make_ready(claim, by=acting.person)
    return claim


def furnish_world(hospital: Hospital, mark: str, note: Encounter) -> Claim:
    """One that was sent, denied, and is being corrected: with a canary in each text of its own."""
    if not is_furnished(hospital):
        furnish(hospital, priced=False)
    with hospital.acting("billing") as acting:
        ProcedureCode.objects.create(kind=Kind.TEST, code=f"OWN-{mark}"[:60], procedure="82947")
        home = {"line": f"Lane {mark}"[:55], "city": "Miami", "state": "FL", "postal_code": "33413"}
        Patient.objects.filter(pk=note.patient_id).update(**home)
        note.patient.policies.update(payer=a_payer(f"Claims {mark}"))
        claim = drafting.begin(note, by=acting.person)
        claim.current.lines.exclude(charge__kind=Kind.CONSULTATION).update(procedure="82947")
        ClaimVersion.objects.filter(claim=claim).update(diagnoses=["J069"])
    ready(hospital, claim)
    with hospital.acting("billing") as acting:
        (batch,) = sending.submit([claim], by=acting.person)
    sending.write(hospital.tenant, batch.pk)
    with hospital.acting("billing") as acting:
        claim.refresh_from_db()
        claim.go(Claim.Status.DENIED, by=None, words=f"Ill {mark}", answer=f"Ill {mark}", payer_number="ICN-1")
        correcting.correct(claim, f"Fever {mark}", by=acting.person)
    return claim
