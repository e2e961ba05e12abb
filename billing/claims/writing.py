"""From a version's rows to the value that the 837P is written from. It is frozen as it is, and sent as it was frozen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from billing.claims.drafting import RELATIONS
from billing.claims.others import adjudications, before, coverage
from billing.models import BillingIdentity, Claim, ClaimLine, ClaimVersion, ProviderNumber
from billing.money import ZERO
from billing.x12 import claim as x12
from billing.x12.fields import Procedure, Ref
from billing.x12.frozen import frozen, thawed
from billing.x12.parties import Address, Contact, Party
from billing.x12.sheet import plain
from clinical.models import Patient, Policy
from clinical.models.payer import Payer
from hospital.models import Person
from hospital.seals import raw

SEXES = {"female": "F", "male": "M"}
HOME = ("", "US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All that goes into one claim, fetched once."""

    claim: Claim
    version: ClaimVersion
    lines: tuple[ClaimLine, ...]
    identity: BillingIdentity | None
    provider: ProviderNumber | None

    @property
    def policy(self) -> Policy:
        return self.claim.policy

    @property
    def payer(self) -> Payer:
        return self.claim.payer

    @property
    def patient(self) -> Patient:
        return self.claim.patient

    @property
    def doctor(self) -> Person:
        return self.claim.encounter.provider


def parts_of(version: ClaimVersion) -> Parts:
    claim = Claim.objects.select_related("patient", "policy", "payer", "encounter__provider", "visit").get(
        pk=version.claim_id
    )
    return Parts(
        claim=claim,
        version=version,
        lines=tuple(version.lines.select_related("charge").order_by("position")),
        identity=BillingIdentity.ours(),
        provider=ProviderNumber.objects.filter(person=claim.encounter.provider_id).first(),
    )


@raw()
def value_of(parts: Parts) -> x12.Claim:
    """Also of one that is not fit to be sent: what is missing is empty there."""
    claim, version, policy = parts.claim, parts.version, parts.policy
    is_holder = policy.holder_relation == "self"
    return x12.Claim(
        number=version.control_number,
        charge=sum((line.amount for line in parts.lines), ZERO),
        billing=billing_party(parts.identity),
        subscriber=insured_patient(parts) if is_holder else holder(policy),
        patient=None if is_holder else person(parts.patient),
        relationship=RELATIONS[policy.holder_relation],
        payer=payer_party(parts.payer),
        order=claim.order,
        group=plain(policy.group_number),
        filing=parts.payer.filing,
        diagnoses=tuple(version.diagnoses),
        place=version.place,
        frequency=version.frequency,
        refs=refs(parts),
        note=plain(version.note),
        delay=version.delay,
        rendering=rendering(parts),
        lines=tuple(service_line(line, parts) for line in parts.lines),
        others=tuple(coverage(one, insured_by(one.policy, parts.patient)) for one in before(claim)),
    )


def insured_by(policy: Policy, patient: Patient) -> Party:
    """Whose insurance another policy is: by name and number alone."""
    if policy.holder_relation != "self":
        return replace(holder(policy), born=None, gender="")
    known = person(patient, id_kind="MI", id=plain(policy.member_number))
    return replace(known, born=None, gender="", address=None)


def refs(parts: Parts) -> tuple[Ref, ...]:
    """The authorisation stands above the lines where it is one for all of them."""
    found = [Ref(x12.AUTHORISATION, one)] if (one := common_authorisation(parts)) else []
    if parts.version.corrects:
        found.append(Ref(x12.PAYER_CONTROL, plain(parts.claim.payer_number)))
    return tuple(found)


def common_authorisation(parts: Parts) -> str:
    numbers = {line.authorisation for line in parts.lines}
    return plain(numbers.pop()) if len(numbers) == 1 else ""


def service_line(line: ClaimLine, parts: Parts) -> x12.ServiceLine:
    own = plain(line.authorisation)
    above = [Ref(x12.AUTHORISATION, own)] if own and not common_authorisation(parts) else []
    return x12.ServiceLine(
        procedure=Procedure(line.procedure, tuple(line.modifiers)),
        charge=line.amount,
        units=Decimal(line.units),
        begins=line.service_on,
        pointers=tuple(line.pointers),
        refs=(*above, Ref(x12.LINE_CONTROL, line.control_number)),
        adjudications=tuple(adjudications(line, parts.claim)),
    )


def billing_party(identity: BillingIdentity | None) -> Party:
    if identity is None:
        return Party()
    return Party(
        name=plain(identity.name),
        id_kind="XX",
        id=identity.npi,
        address=Address(
            line=plain(identity.line),
            second_line=plain(identity.second_line),
            city=plain(identity.city),
            state=identity.state,
            zip=identity.zip,
        ),
        refs=(Ref("EI", identity.tax_number),),
        contacts=(Contact(plain(identity.contact), (("TE", identity.telephone),)),),
        taxonomy=identity.taxonomy,
    )


def insured_patient(parts: Parts) -> Party:
    return person(parts.patient, id_kind="MI", id=plain(parts.policy.member_number))


def person(patient: Patient, **more: Any) -> Party:
    return Party(
        name=plain(patient.family_name or patient.given_name),
        first=plain(patient.given_name) if patient.family_name else "",
        is_person=True,
        address=home_of(patient),
        born=patient.birth_date,
        gender=SEXES.get(patient.sex, "U"),
        **more,
    )


def home_of(patient: Patient) -> Address | None:
    if not (patient.line or patient.city):
        return None
    country = plain(patient.country)
    return Address(
        line=plain(patient.line),
        city=plain(patient.city),
        state=plain(patient.state),
        zip=plain(patient.postal_code).replace("-", ""),
        country="" if country in HOME else country,
    )


def holder(policy: Policy) -> Party:
    """Whose insurance it is, where that is not the patient."""
    return Party(
        name=plain(policy.holder_family_name),
        first=plain(policy.holder_given_name),
        is_person=True,
        id_kind="MI",
        id=plain(policy.member_number),
        born=policy.holder_birth_date if policy.holder_sex else None,
        gender=SEXES.get(policy.holder_sex, "") if policy.holder_birth_date else "",
    )


def payer_party(payer: Payer) -> Party:
    return Party(name=plain(payer.name)[:60].strip(), id_kind="PI", id=plain(payer.identifier))


def rendering(parts: Parts) -> Party | None:
    if parts.provider is None:
        return None
    first, _, last = plain(parts.doctor.name.removeprefix("Dr ").removeprefix("Dr. ")).rpartition(" ")
    return Party(
        name=last, first=first, is_person=True, id_kind="XX", id=parts.provider.npi, taxonomy=parts.provider.taxonomy
    )


def canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(content: Any) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def content_of(value: x12.Claim) -> dict[str, Any]:
    content: dict[str, Any] = frozen(value)
    return content


@raw()
def said(version: ClaimVersion) -> x12.Claim:
    """What a frozen version says. Raises where it is not what was frozen."""
    if digest(version.content) != version.sha256:
        raise ValueError(f"{version} is not what was made ready.")
    value: x12.Claim = thawed(x12.Claim, version.content or {})
    return value
