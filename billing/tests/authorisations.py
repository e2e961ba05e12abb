"""An insurer with a rule, a patient insured by it, and what was asked of it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import Authorisation, EligibilityCheck
from billing.views.authorisation_steps import attach
from clinical import days
from clinical.models import AppealLevel, AuthorisationRule, Patient, Payer, Policy
from clinical.tests.papers import pdf
from hospital.tests.hospital import Hospital

CODE = "96920"


def a_payer(name: str = "Northern Mutual") -> Payer:
    payer = Payer.objects.named(name)
    if payer is None:
        payer = Payer.objects.create(name=name, identifier="NM001")
        AppealLevel.objects.create(payer=payer, level=1, name="Reconsideration", days=60)
        AuthorisationRule.objects.create(payer=payer, code="9692*", note="Photos, and what was tried before")
    return payer


def insured(payer: Payer, name: str = "Ng", **card: Any) -> Policy:
    patient = Patient.register(by=None, given_name="Ada", family_name=name, sex="female", birth_date=date(1980, 5, 17))
    return Policy.record(patient, by=None, insurer=payer.name, member_number="NM-1", **card)


def asked(hospital: Hospital, role: str = "billing", *, policy: Policy | None = None, **fields: Any) -> Authorisation:
    """A draft, complete."""
    with hospital.acting(role) as acting:
        policy = policy or insured(a_payer())
        about = {
            "code": CODE,
            "service": "Laser treatment",
            "units": Decimal(6),
            "justification": "Plaques, no relief by creams",
        }
        return Authorisation.request(policy.patient, policy, by=acting.person, **(about | fields))


def granted(hospital: Hospital, *, units: int = 6, left: int = 60, begun: int = 10, **fields: Any) -> Authorisation:
    """Until `left` days from today."""
    row = asked(hospital, **fields)
    with hospital.acting("billing") as acting:
        row.submit("By the portal", by=acting.person)
        first, last = days.today() - timedelta(days=begun), days.today() + timedelta(days=left)
        row.approve(Decimal(units), first, last, "AUTH-77", by=acting.person)
    return row


def furnish(hospital: Hospital, mark: str) -> dict[str, Authorisation]:
    """One in each state that has a page of its own, with a letter, a use and a question about the policy."""
    with hospital.acting("billing") as acting:
        policy = insured(a_payer(f"Payer {mark}"), f"Insured {mark}")
        about: dict[str, Any] = {
            "policy": policy,
            "doctor": hospital.main_doctor,
            "service": f"Laser {mark}",
            "justification": f"Rash {mark}",
        }
        EligibilityCheck.objects.create(
            serial=1, patient=policy.patient, policy=policy, payer=policy.payer, trace=mark, question=f"270 {mark}",
            service_on=days.today(),
        )  # fmt: skip
    rows = {"draft": asked(hospital, **about), "approved": granted(hospital, left=12, **about)}
    rows["denied"], rows["submitted"] = asked(hospital, **about), asked(hospital, **about)
    with hospital.acting("billing") as acting:
        for name in ("denied", "submitted"):
            rows[name].submit(f"Portal {mark}", by=acting.person)
        rows["denied"].deny(f"Ill {mark}", by=acting.person)
        rows["approved"].use(Decimal(1), days.today(), by=acting.person, note=f"Bus {mark}")
        said = {"file": SimpleUploadedFile("answer.pdf", pdf()), "title": f"Letter {mark}", "direction": "from"}
        attach(rows["approved"], said, by=acting.person)
    return rows
