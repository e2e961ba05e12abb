"""A claim: what an insurer is asked to pay for a signed encounter, from its draft to the payer's last word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from billing.models.claim_version import ClaimLine, ClaimVersion
from billing.models.invoice import hold
from billing.x12.claim import VOID
from clinical import days
from hospital.seals import raw
from hospital.tenancy import TenantKey, TenantManager, TenantModel
from hospital.workflow import SYSTEM, Moves, Refused, Workflow, needs

if TYPE_CHECKING:
    from hospital.models import Person

VIEW, MANAGE = "billing.view_claims", "billing.manage_claims"
SETTLE, WRITE_OFF = "billing.settle_denial", "billing.write_off"
TIERS = (30, 14, 7, 0)  # days before the deadline at which it is said again
REJECTED_FOR = (14, 7, 3)  # days after a rejection at which it is said again that nobody has mended it


class Claims(models.QuerySet["Claim"]):
    def shown(self) -> Self:
        """With what a row needs, in a constant number of queries."""
        return self.select_related("patient", "payer", "visit", "encounter__provider", "current")

    def standing(self) -> Self:
        return self.exclude(status__in=Claim.GONE)

    def undone(self) -> Self:
        """The payer was told of something that was not done after all, and nobody has corrected it yet."""
        wrong = ClaimLine.objects.filter(claim_version=models.OuterRef("current")).exclude(charge__cancel_reason="")
        known = models.Q(current__submitted_at__isnull=False) | models.Q(forwarded_on__isnull=False)
        told = self.filter(known, status__in=(*Claim.WITH_PAYER, *Claim.ANSWERED))
        return told.exclude(current__frequency=VOID).filter(models.Exists(wrong))

    def to_file(self) -> Self:
        """Those whose time to be filed runs. A payer has the words that a correction replaces."""
        return self.filter(status__in=Claim.UNSENT, corrected_from="")

    def rejected(self) -> Self:
        """The payer took none of it: nothing is paid until somebody mends it."""
        return self.filter(status=Claim.Status.REJECTED)

    def near_deadline(self, within: int = TIERS[0]) -> Self:
        return self.to_file().filter(deadline__lte=days.today() + timedelta(days=within))

    def by_control_number(self, number: str) -> Claim | None:
        """By what a payer gives back (CLM01): our number, with that of the version or without."""
        serial = serial_in(number)
        return self.filter(serial=serial).first() if serial is not None else None


def serial_in(number: str) -> int | None:
    digits = [part for part in number.strip().upper().removeprefix("CM").split("-") if part]
    if not digits or not all(part.isascii() and part.isdigit() and len(part) < 15 for part in digits):
        return None
    return int(digits[0])


class Claim(Workflow):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SCRUBBED = "scrubbed", "Checked"
        READY = "ready", "Ready"
        SUBMITTED = "submitted", "Submitted"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        IN_PROCESS = "in_process", "In process"
        PENDED = "pended", "Pended"
        PAID = "paid", "Paid"
        PARTIALLY_PAID = "partially_paid", "Partly paid"
        DENIED = "denied", "Denied"
        CORRECTED = "corrected", "Being corrected"
        APPEALED = "appealed", "Appealed"
        TRANSFERRED = "transferred", "Transferred to the patient"
        WRITTEN_OFF = "written_off", "Written off"
        VOIDED = "voided", "Void"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Order(models.TextChoices):
        PRIMARY = "P", "First payer"
        SECONDARY = "S", "Second payer"
        TERTIARY = "T", "Third payer"

    DECIDED: dict[str, str] = dict.fromkeys((Status.PAID, Status.PARTIALLY_PAID, Status.DENIED), MANAGE)
    IN_WORK: dict[str, str] = {Status.IN_PROCESS: MANAGE, Status.PENDED: MANAGE, **DECIDED, Status.VOIDED: MANAGE}
    SETTLED: dict[str, str] = {
        Status.APPEALED: SETTLE,
        Status.TRANSFERRED: SETTLE,
        Status.WRITTEN_OFF: WRITE_OFF,
    }
    AGAIN: dict[str, str] = dict.fromkeys((Status.CORRECTED, Status.IN_PROCESS, Status.VOIDED), MANAGE)
    MOVES: Moves = {
        # A payer that decided can send it on to the next one by itself.
        Status.DRAFT: {Status.SCRUBBED: MANAGE, Status.WITHDRAWN: MANAGE, Status.SUBMITTED: SYSTEM},
        Status.SCRUBBED: dict.fromkeys((Status.READY, Status.DRAFT, Status.CORRECTED, Status.WITHDRAWN), MANAGE),
        Status.READY: dict.fromkeys((Status.SUBMITTED, Status.DRAFT, Status.CORRECTED, Status.WITHDRAWN), MANAGE),
        Status.SUBMITTED: {Status.ACCEPTED: MANAGE, Status.REJECTED: MANAGE, **IN_WORK},
        Status.ACCEPTED: {Status.REJECTED: MANAGE, **IN_WORK},
        # It never was in adjudication: mended, it goes out again as the same.
        Status.REJECTED: dict.fromkeys((Status.DRAFT, Status.CORRECTED, Status.WITHDRAWN), MANAGE),
        # What was granted on appeal, and then is not paid, is settled as what was refused.
        Status.IN_PROCESS: {Status.PENDED: MANAGE, **DECIDED, **SETTLED, Status.VOIDED: MANAGE},
        Status.PENDED: {Status.IN_PROCESS: MANAGE, **DECIDED, **SETTLED, Status.VOIDED: MANAGE},
        # The payer takes its decision back, or decides again; a denial of it can be open again.
        Status.PAID: {**AGAIN, **SETTLED, Status.PARTIALLY_PAID: MANAGE, Status.DENIED: MANAGE},
        Status.PARTIALLY_PAID: {**AGAIN, **SETTLED, Status.PAID: MANAGE, Status.DENIED: MANAGE},
        Status.DENIED: {**AGAIN, **SETTLED, Status.PAID: MANAGE, Status.PARTIALLY_PAID: MANAGE},
        Status.APPEALED: {
            Status.PENDED: MANAGE,
            Status.IN_PROCESS: MANAGE,
            **DECIDED,
            Status.TRANSFERRED: SETTLE,
            Status.WRITTEN_OFF: WRITE_OFF,
        },
        # A correction that is given up leads back to where it came from.
        Status.CORRECTED: {Status.SCRUBBED: MANAGE, **DECIDED},
        # Paid after all; or what was paid of it is taken back.
        Status.TRANSFERRED: dict.fromkeys((Status.PAID, Status.PARTIALLY_PAID, Status.IN_PROCESS), MANAGE),
        Status.WRITTEN_OFF: dict.fromkeys((Status.PAID, Status.PARTIALLY_PAID, Status.IN_PROCESS), MANAGE),
    }
    EDITED = (Status.DRAFT, Status.CORRECTED)
    CHECKED = (*EDITED, Status.SCRUBBED)  # what becomes ready by a check
    UNSENT = (Status.DRAFT, Status.CORRECTED, Status.SCRUBBED, Status.READY, Status.REJECTED)
    WITH_PAYER = (Status.SUBMITTED, Status.ACCEPTED, Status.IN_PROCESS, Status.PENDED, Status.APPEALED)
    ANSWERED = (Status.PAID, Status.PARTIALLY_PAID, Status.DENIED)
    GONE = (Status.VOIDED, Status.WITHDRAWN)

    serial = models.PositiveBigIntegerField(editable=False)
    patient = TenantKey("clinical.Patient", related_name="claims", editable=False)
    visit = TenantKey("clinical.Visit", related_name="claims", editable=False)
    encounter = TenantKey("clinical.Encounter", related_name="claims", editable=False)
    policy = TenantKey("clinical.Policy", related_name="claims", editable=False)
    payer = TenantKey("clinical.Payer", related_name="claims", editable=False)
    order = models.CharField("pays as", max_length=1, choices=Order.choices, default=Order.PRIMARY, editable=False)
    previous = TenantKey("self", null=True, related_name="following", editable=False)
    status = models.CharField(max_length=14, choices=Status.choices, default=Status.DRAFT, editable=False)
    status_at = models.DateTimeField(default=timezone.now, editable=False)
    service_on = models.DateField(editable=False, help_text="The first day of service, from which the payer counts.")
    amount = models.DecimalField(max_digits=12, decimal_places=2, default=0, editable=False)
    deadline = models.DateField(null=True, editable=False, help_text="The last day on which the payer takes it.")
    payer_number = models.CharField("payer's number", max_length=50, blank=True, default="", editable=False)
    answer = models.CharField("last answer", max_length=300, blank=True, default="", editable=False)
    corrected_from = models.CharField(max_length=14, choices=Status.choices, blank=True, default="", editable=False)
    current = TenantKey(ClaimVersion, null=True, related_name="+", editable=False)
    submitted_at = models.DateTimeField(null=True, editable=False)
    forwarded_on = models.DateField(null=True, editable=False, help_text="The payer before sent it on by itself.")
    said_rejected = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Days since it was rejected, last told of."
    )
    said_tier = models.SmallIntegerField(null=True, editable=False, help_text="Days before the deadline last told of.")

    objects: ClassVar = TenantManager.from_queryset(Claims)()

    class Meta(Workflow.Meta):
        ordering = ["-serial"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "serial"], name="claim_serial_once"),
            models.UniqueConstraint(
                fields=["tenant", "encounter", "order"],
                condition=~models.Q(status__in=("voided", "withdrawn")),
                name="claim_once_an_encounter",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "deadline"], name="claim_by_status"),
            models.Index(fields=["tenant", "patient", "-service_on"], name="claim_of_patient"),
            models.Index(fields=["tenant", "payer", "status"], name="claim_by_payer"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:claim", args=[self.pk])

    @property
    def number(self) -> str:
        return f"CM-{self.serial:06}"

    @property
    def in_words(self) -> str:
        return str(self.get_status_display()).lower()

    @property
    def is_edited(self) -> bool:
        """Its words can be changed now."""
        return self.status in self.EDITED

    @property
    def is_unsent(self) -> bool:
        return self.status in self.UNSENT

    @property
    def is_forwarded(self) -> bool:
        """The payer has it from the payer before, and nothing of it from us."""
        return self.forwarded_on is not None and not (self.is_unsent or (self.current and self.current.submitted_at))

    @property
    def days_left(self) -> int | None:
        """To the last day of filing, while the payer has nothing of it."""
        if self.deadline is None or self.corrected_from or not self.is_unsent:
            return None
        return (self.deadline - days.today()).days

    def ways(self) -> list[str]:
        """The statuses that the acting person may take it to. `moves` of a claim is what payers moved of its charges."""
        return Workflow.moves(self)

    # --- steps --------------------------------------------------------------------------------

    def lock(self) -> None:
        """The visit first, whose money it is about: the order is visit, claim, denial."""
        visit = self.visit
        visit.lock()
        super().lock()
        self.visit = visit

    @staticmethod
    def hold(claims: Iterable[Claim]) -> None:
        """Several at once: all their visits with what asks for their money, then they themselves, each always in one order."""
        held = sorted({claim.pk: claim for claim in claims}.values(), key=lambda claim: claim.serial)
        hold({claim.visit_id for claim in held})
        for claim in held:
            super(Claim, claim).lock()

    @transaction.atomic
    def go(self, status: str, *, by: Person | None, words: str = "", **fields: Any) -> None:
        """One step of the machine, with a line of its history that nobody changes."""
        self.lock()
        before = self.status
        if status == self.Status.REJECTED:
            fields["said_rejected"] = 0
        self.move_to(status, by=by, reason=words, status_at=timezone.now(), **fields)
        self.tell(words, by=by, before=before)

    def last_taken(self, *, but: ClaimVersion | None = None) -> ClaimVersion | None:
        """The version that the payer has: sent, and not rejected."""
        rejected = self.steps.filter(after=self.Status.REJECTED, version_id_then__isnull=False).exclude(before="")
        sent = self.versions.filter(submitted_at__isnull=False).exclude(pk__in=rejected.values("version_id_then"))
        others = sent.exclude(pk=but.pk) if but else sent
        forwarded = self.versions.order_by("number").first() if self.forwarded_on else None
        return others.order_by("-number").first() or forwarded

    def tell(self, words: str, *, by: Person | None, before: str = "") -> ClaimStep:
        return ClaimStep.objects.create(
            claim=self, version_id_then=self.current_id, before=before, after=self.status, words=words[:500], by=by
        )

    @transaction.atomic
    def withdraw(self, reason: str, *, by: Person | None) -> None:
        """It is not asked for after all. What the payer has adjudicated is corrected or made void instead."""
        why = needs(reason, "Say why the claim is withdrawn.")
        self.lock()
        if self.current is not None and self.current.corrects:
            raise Refused(f"{self.number} corrects a claim that the payer knows. Give up the correction instead.")
        self.go(self.Status.WITHDRAWN, by=by, words=why)

    @transaction.atomic
    def put(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    @raw()
    def file_by(self, since: date) -> date:
        """The payer's limit, counted from the first day of service, or from the decision of the payer before."""
        return since + timedelta(days=self.payer.filing_days)


class ClaimStep(TenantModel):
    """A line of a claim's history. Never changed."""

    claim = TenantKey(Claim, related_name="steps")
    version_id_then = models.UUIDField(null=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    before = models.CharField(max_length=14, choices=Claim.Status.choices, blank=True, default="")
    after = models.CharField(max_length=14, choices=Claim.Status.choices)
    words = models.CharField(max_length=500, blank=True, default="")

    class Meta(TenantModel.Meta):
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["tenant", "claim", "at"], name="step_of_claim")]

    def __str__(self) -> str:
        return f"{self.claim}: {self.get_after_display()}"
