"""Rules about who is on a claim: the organisation, the doctor, the payer, the policy and the patient."""

from __future__ import annotations

from collections.abc import Iterator

from billing.claims.rule import Found
from billing.claims.writing import Parts
from billing.npi import is_npi
from billing.x12.sheet import ALLOWED, plain

WHOLE_ZIP = 9


def we_have_no_numbers(parts: Parts) -> Iterator[Found]:
    if parts.identity is None:
        yield Found("The organisation has no billing details.")


def our_zip_is_short(parts: Parts) -> Iterator[Found]:
    if parts.identity is not None and len(parts.identity.zip) != WHOLE_ZIP:
        yield Found("The ZIP code of the organisation has five digits. A claim needs all nine.")


def doctor_has_no_number(parts: Parts) -> Iterator[Found]:
    if parts.provider is None:
        yield Found(f"{parts.doctor} has no NPI here.")
    elif not is_npi(parts.provider.npi):
        yield Found(f"The NPI of {parts.doctor} is wrong.")


def payer_has_no_identifier(parts: Parts) -> Iterator[Found]:
    if not plain(parts.payer.identifier):
        yield Found(f"{parts.payer} has no payer identifier.")


def payer_is_out_of_use(parts: Parts) -> Iterator[Found]:
    if not parts.payer.is_active:
        yield Found(f"{parts.payer} is not in use any more.")


def policy_does_not_cover(parts: Parts) -> Iterator[Found]:
    policy, on = parts.policy, parts.claim.service_on
    if policy.valid_from and on < policy.valid_from:
        yield Found(f"The policy begins on {policy.valid_from:%-d %b %Y}, after the service.")
    if policy.valid_until and on > policy.valid_until:
        yield Found(f"The policy ended on {policy.valid_until:%-d %b %Y}, before the service.")


def policy_is_unverified(parts: Parts) -> Iterator[Found]:
    until = parts.policy.verified_until
    if until is None or until < parts.claim.service_on:
        yield Found("The insurance was not verified for the day of the service.")


def policy_is_out_of_use(parts: Parts) -> Iterator[Found]:
    if not parts.policy.is_active:
        yield Found("The policy is out of use now.")


def member_number_is_missing(parts: Parts) -> Iterator[Found]:
    if not plain(parts.policy.member_number):
        yield Found("The policy has no member number.")


def name_cannot_be_sent(parts: Parts) -> Iterator[Found]:
    patient = parts.patient
    for what, text in (("family name", patient.family_name or patient.given_name), ("given names", patient.given_name)):
        if text and not is_sendable(text):
            yield Found(f"The {what} of the patient has letters that a claim cannot carry.")


def is_sendable(text: str) -> bool:
    sent = plain(text)
    return bool(sent) and bool(ALLOWED.fullmatch(sent))


def patient_has_no_address(parts: Parts) -> Iterator[Found]:
    patient = parts.patient
    needed = {"street": patient.line, "city": patient.city, "state": patient.state, "ZIP code": patient.postal_code}
    missing = [name for name, text in needed.items() if not text.strip()]
    if missing:
        yield Found(f"The patient's address has no {', '.join(missing)}.")


def state_has_no_code(parts: Parts) -> Iterator[Found]:
    state = plain(parts.patient.state)
    if state and len(state) != 2:
        yield Found("The patient's state is not written with its two letters.")


def birth_date_is_unknown(parts: Parts) -> Iterator[Found]:
    if not parts.patient.knows_birth_date:
        yield Found("The patient's date of birth is not known exactly.")


def sex_is_unknown(parts: Parts) -> Iterator[Found]:
    if parts.patient.sex not in ("female", "male"):
        yield Found("The patient's sex is sent as unknown.")


def holder_is_unknown(parts: Parts) -> Iterator[Found]:
    policy = parts.policy
    if policy.holder_relation != "self" and not plain(policy.holder_family_name):
        yield Found("The policy is somebody else's, and does not say whose.")


def died_before(parts: Parts) -> Iterator[Found]:
    died = parts.patient.deceased_at
    if died and died.date() < parts.claim.service_on:
        yield Found("The service is of a day after the patient's death.")
