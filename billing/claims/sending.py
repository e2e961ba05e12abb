"""Batches: the claims to one payer in one file, written in the background, each step in a transaction of its own.

A task that died is begun again by the sweep; what was done already is not done twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from billing.claims.scrubber import current_of
from billing.claims.writing import said
from billing.models import BatchFile, BatchItem, BillingIdentity, Claim, ClaimBatch, ClaimVersion
from billing.models.claim import MANAGE
from billing.money import ZERO
from billing.x12 import claim as x12
from billing.x12.claim_writing import write_claims
from billing.x12.parties import Contact, Party
from billing.x12.sheet import END, Envelope, Unwritable, plain
from hospital.context import current
from hospital.models import Counter, Person, Tenant
from hospital.seals import raw
from hospital.tenancy import acting_for
from hospital.workflow import Refused, allow

MOST = 500  # claims in one file
STUCK = timedelta(minutes=2)
PROGRESS_EVERY = 10
LEVEL = re.compile(r"HL\*\d+\*\d*\*(20|22)\*")


@transaction.atomic
def submit(claims: Iterable[Claim], *, by: Person | None) -> list[ClaimBatch]:
    """One batch for each payer. The files are written after this transaction, by the worker."""
    allow(MANAGE, by)
    if BillingIdentity.ours() is None:
        raise Refused("The organisation has no billing details. Write them first.", status=422)
    ready = sorted(held(claims), key=lambda claim: (str(claim.payer), claim.serial))
    if not ready:
        raise Refused("None of these claims is ready. Check them and make them ready first.", status=422)
    if len(ready) > MOST:
        raise Refused(f"A file has at most {MOST} claims. Choose fewer.", status=422)
    return [queue(list(group), by=by) for _, group in groupby(ready, key=lambda claim: claim.payer_id)]


def held(claims: Iterable[Claim]) -> list[Claim]:
    """Those that are ready and in no batch that is under way, locked in one order."""
    chosen = sorted(claims, key=lambda claim: claim.serial)
    Claim.hold(chosen)
    waiting = BatchItem.objects.filter(batch__status__in=ClaimBatch.UNDER_WAY, claim_version__claim__in=chosen)
    taken = set(waiting.values_list("claim_version_id", flat=True))
    return [one for one in chosen if one.status == Claim.Status.READY and one.current_id not in taken]


def under_way(claim: Claim) -> ClaimBatch | None:
    """The batch in which it waits to be written."""
    if claim.status != Claim.Status.READY:
        return None
    items = BatchItem.objects.filter(claim_version=claim.current_id, batch__status__in=ClaimBatch.UNDER_WAY)
    item = items.select_related("batch").first()
    return item.batch if item else None


def queue(claims: list[Claim], *, by: Person | None) -> ClaimBatch:
    batch = ClaimBatch(payer=claims[0].payer, total=len(claims), asked_by=by)
    batch.amount = sum((claim.amount for claim in claims), ZERO)
    batch.serial = Counter.take("claim batch")
    batch.start(by=by)
    for claim in claims:
        BatchItem.objects.create(batch=batch, claim_version=current_of(claim))
    return batch


@transaction.atomic
def try_again(batch: ClaimBatch, *, by: Person | None) -> None:
    """What failed goes back into the queue, as it is."""
    batch.move_to(ClaimBatch.Status.QUEUED, by=by, done=0, problem="")


# --- the worker -------------------------------------------------------------------------------


def write(tenant: Tenant, pk: UUID | str) -> str:
    """All steps of one batch. Returns its status at the end."""
    with acting_for(tenant):
        batch = ClaimBatch.objects.get(pk=pk)
        batch.lock()
        if not batch.is_under_way:
            return batch.status
        if batch.status == ClaimBatch.Status.QUEUED:
            batch.move_to(ClaimBatch.Status.WRITING, by=None)
        items = list(batch.items.values_list("pk", flat=True))
    for done, item in enumerate(items, 1):
        look_at(tenant, item)
        if done % PROGRESS_EVERY == 0 or done == len(items):
            tell_progress(tenant, pk, done)
    return finish(tenant, pk)


def tell_progress(tenant: Tenant, pk: UUID | str, done: int) -> None:
    with acting_for(tenant):
        batch = ClaimBatch.objects.get(pk=pk)
        batch.lock()
        batch.done = done
        batch.save(update_fields=["done"])


def look_at(tenant: Tenant, pk: UUID) -> None:
    """Whether this claim can be written by itself: one that cannot holds up no other."""
    with acting_for(tenant):
        item = BatchItem.objects.select_related("batch__payer", "claim_version__claim").get(pk=pk)
        problem = problem_of(item)
        if item.problem != problem:
            item.problem = problem
            item.save(update_fields=["problem"])


def problem_of(item: BatchItem) -> str:
    if item.claim_version.claim.status != Claim.Status.READY:
        return "It is not ready any more."
    try:
        text_of(item.batch, [said(item.claim_version)], timezone.now())
    except (Unwritable, ValueError) as refused:
        return str(refused)
    return ""


@raw()
def finish(tenant: Tenant, pk: UUID | str) -> str:
    """The file, and every claim that is in it: in one transaction, so that what is called submitted is in the file."""
    with acting_for(tenant):
        batch = ClaimBatch.objects.select_related("payer").get(pk=pk)
        batch.lock()
        versions = still_ready(batch)
        if not versions:
            words = "None of its claims could be written."
            batch.move_to(ClaimBatch.Status.FAILED, by=None, problem=words)
            return batch.status
        now = timezone.now()
        text = text_of(batch, [said(version) for version in versions], now)
        keep_file(batch, text, now)
        for version, excerpt in zip(versions, excerpts(text), strict=True):
            mark_sent(version, batch, excerpt, now)
        amount: Decimal = sum((version.claim.amount for version in versions), ZERO)
        left = batch.total - len(versions)
        problem = f"{left} of {batch.total} could not be written." if left else ""
        batch.move_to(ClaimBatch.Status.WRITTEN, by=None, written_at=now, amount=amount, problem=problem)
        return batch.status


def still_ready(batch: ClaimBatch) -> list[ClaimVersion]:
    items = batch.items.filter(problem="").select_related("claim_version__claim").order_by("pk")
    versions = [item.claim_version for item in items]
    Claim.hold(version.claim for version in versions)
    return [one for one in versions if one.claim.status == Claim.Status.READY and one.claim.current_id == one.pk]


def keep_file(batch: ClaimBatch, text: str, now: datetime) -> None:
    content = text.encode()
    BatchFile.objects.create(
        batch=batch,
        name=f"{batch.number}.837",
        text=text,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        written_at=now,
    )


def mark_sent(version: ClaimVersion, batch: ClaimBatch, excerpt: str, now: datetime) -> None:
    version.batch, version.x12, version.submitted_at = batch, excerpt, now
    version.save(update_fields=["batch", "x12", "submitted_at"])
    words = f"In the file {batch.number}"
    version.claim.go(
        Claim.Status.SUBMITTED, by=None, words=words, submitted_at=now, answer="", said_tier=None, forwarded_on=None
    )


def text_of(batch: ClaimBatch, claims: list[x12.Claim], now: datetime) -> str:
    """Raises Unwritable. The number of the file is that of the batch, so that each answer finds it."""
    identity = BillingIdentity.ours()
    if identity is None:
        raise ValueError("The organisation has no billing details.")
    written = timezone.localtime(now, current().tenant.zone)
    payer = batch.payer
    receiver = plain(payer.receiver_id or payer.identifier)
    envelope = Envelope(
        sender=identity.sender_number,
        receiver=receiver[:15].strip(),
        control=batch.serial,
        written=written,
        is_test=identity.is_test,
    )
    file = x12.ClaimFile(
        submitter=Party(
            name=plain(identity.name),
            id_kind="46",
            id=identity.sender_number,
            contacts=(Contact(plain(identity.contact), (("TE", identity.telephone),)),),
        ),
        receiver=Party(name=plain(payer.receiver_name or payer.name)[:60].strip(), id_kind="46", id=receiver),
        reference=batch.number,
        day=written.date(),
        clock=f"{written:%H%M}",
        claims=tuple(claims),
    )
    return write_claims(file, envelope)


def excerpts(text: str) -> list[str]:
    """The segments of each claim, from its subscriber's level on."""
    found: list[list[str]] = []
    open_one = False
    for segment in text.split(END):
        bare = segment.strip()
        level = LEVEL.match(bare)
        if level:
            open_one = level[1] == "22"
            if open_one:
                found.append([])
        if bare.startswith("SE*"):
            break
        if open_one:
            found[-1].append(f"{bare}{END}\n")
    return ["".join(segments) for segments in found]


# --- what waits -------------------------------------------------------------------------------


def waiting(tenant: Tenant) -> list[UUID]:
    """What was asked for, and what a worker that died left half done."""
    forsaken = models.Q(status=ClaimBatch.Status.WRITING, updated_at__lt=timezone.now() - STUCK)
    with acting_for(tenant):
        rows = ClaimBatch.objects.filter(models.Q(status=ClaimBatch.Status.QUEUED) | forsaken)
        return list(rows.order_by("serial").values_list("pk", flat=True))
