"""Draft, check, ready: what a claim goes through before it is sent."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from billing.claims.authorised import carry_numbers, use_units
from billing.claims.drafting import copy_of, gather
from billing.claims.rules import RULES
from billing.claims.writing import Parts, content_of, digest, parts_of, value_of
from billing.models import Claim, ClaimVersion, ScrubFinding
from billing.models.claim import MANAGE
from billing.models.claim_version import untouched
from hospital.models import Person
from hospital.seals import raw
from hospital.workflow import Refused, allow


@transaction.atomic
def scrub(claim: Claim, *, by: Person | None) -> list[ScrubFinding]:
    """Every rule of the table. Without errors the draft is checked; the findings stay with the version."""
    allow(MANAGE, by)
    claim.lock()
    if not claim.is_edited:
        raise Refused(f"{claim.number} is {claim.get_status_display().lower()}. Only a draft is checked.")
    gather(claim)
    carry_numbers(claim)
    findings = find(claim)
    errors = sum(one.is_error for one in findings)
    if errors:
        claim.put()
        claim.tell(f"Checked: {counted(errors, 'error')}", by=by)
    else:
        claim.go(Claim.Status.SCRUBBED, by=by, words=counted(len(findings), "warning") if findings else "")
    return findings


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@raw()
def find(claim: Claim) -> list[ScrubFinding]:
    version = current_of(claim)
    version.findings.all().delete()
    found = findings_of(parts_of(version))
    for one in found:
        one.save(force_insert=True)
    return found


def findings_of(parts: Parts) -> list[ScrubFinding]:
    """In the order of the table. The form is tried only where no rule that knows better has an error."""
    found: list[ScrubFinding] = []
    for rule in RULES:
        if rule.code == "unwritable" and any(one.is_error for one in found):
            continue
        for one in rule.finds(parts):
            found.append(
                ScrubFinding(
                    claim_version=parts.version,
                    line=one.line,
                    rule=rule.code,
                    level=rule.level,
                    text=one.text[:300],
                    remedy=rule.remedy,
                )
            )
    return found


@transaction.atomic
def make_ready(claim: Claim, *, by: Person | None) -> None:
    """From here on the words of this version stay as they are. They are checked once more, as things are now."""
    allow(MANAGE, by)
    claim.lock()
    if claim.status != Claim.Status.SCRUBBED:
        raise Refused(f"{claim.number} is {claim.get_status_display().lower()}. Check it first.")
    findings = find(claim)
    if errors := [one for one in findings if one.is_error]:
        raise Refused(f"{claim.number} is not ready any more: {errors[0].text} Change it, then check it again.")
    freeze(current_of(claim), by=by)
    use_units(claim)
    claim.go(Claim.Status.READY, by=by)


@raw()
def freeze(version: ClaimVersion, *, by: Person | None) -> None:
    content = content_of(value_of(parts_of(version)))
    version.content, version.sha256 = content, digest(content)
    version.frozen_at, version.frozen_by = timezone.now(), by
    version.save(update_fields=["content", "sha256", "frozen_at", "frozen_by"])


@transaction.atomic
def take_back(claim: Claim, *, by: Person | None, why: str = "To be changed") -> None:
    """To be changed again, before it was sent or after it was rejected. What was made ready stays as it was: the change is another version."""
    claim.lock()
    version = current_of(claim)
    status = Claim.Status.CORRECTED if version.corrects else Claim.Status.DRAFT
    former = claim.get_status_display()
    new = {"current": another(version, version.frequency, f"{former}, taken back")} if version.is_frozen else {}
    claim.go(status, by=by, words=why, **new)


@raw()
def another(version: ClaimVersion, frequency: str, why: str) -> ClaimVersion:
    """The next version of a claim, which begins with the words of this one."""
    claim = version.claim
    last = claim.versions.order_by("-number").values_list("number", flat=True).first() or 0
    new = ClaimVersion(claim=claim, number=last + 1, frequency=frequency, why=why[:200], **untouched(version))
    new.save(force_insert=True)
    for line in version.lines.select_related("charge").order_by("position"):
        copy_of(line, new).save(force_insert=True)
    return new


def current_of(claim: Claim) -> ClaimVersion:
    if claim.current is None:
        raise Refused(f"{claim.number} has no words yet.")
    return claim.current
