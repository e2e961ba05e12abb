"""What a payer paid (835, or typed in): read, matched with our claims, posted in one transaction."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Self

from django.db import models
from django.urls import reverse
from django.utils import timezone

from billing.models.payer_file import TAKE
from billing.x12.codes import Reason, reason
from billing.x12.frozen import thawed
from billing.x12.remittance import FORECAST, NOT_OURS, PENDED, STATUSES, PaidClaim, ProviderAdjustment
from hospital.seals import raw
from hospital.tenancy import TenantKey, TenantManager
from hospital.workflow import SYSTEM, Workflow

MONEY: dict = {"max_digits": 12, "decimal_places": 2, "editable": False}


class Remittance(Workflow):
    """One payment of a payer with the claims that it is for. Nothing is booked before a person posts it."""

    class Status(models.TextChoices):
        READ = "read", "To post"
        POSTED = "posted", "Posted"
        ASIDE = "aside", "Put aside"

    MOVES = {
        Status.READ: {Status.POSTED: TAKE, Status.ASIDE: TAKE},
        Status.ASIDE: {Status.READ: TAKE},
    }

    file = TenantKey("billing.PayerFile", related_name="remittances", null=True, editable=False)
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.READ, editable=False)
    payer = TenantKey("clinical.Payer", related_name="remittances", null=True, editable=False)
    payer_name = models.CharField("payer as it says", max_length=120, blank=True, default="", editable=False)
    originator = models.CharField(max_length=50, blank=True, default="", editable=False)
    trace = models.CharField("number of the payment", max_length=50, blank=True, default="", editable=False)
    paid_on = models.DateField("paid on", null=True, editable=False)
    method = models.CharField(max_length=3, blank=True, default="", editable=False)
    total = models.DecimalField(**MONEY, help_text="Less than nothing where the payer takes money back.")
    claims_paid = models.DecimalField(**MONEY)
    held_back = models.DecimalField(**MONEY, help_text="Adjustments for no claim (PLB): they lower the payment.")
    provider_adjustments = models.JSONField(default=list, blank=True, editable=False)
    faults = models.JSONField("why it cannot be posted", default=list, blank=True, editable=False)
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    entered_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    posted_at = models.DateTimeField(null=True, editable=False)
    posted_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    reason = models.CharField("why it was put aside", max_length=200, blank=True, default="", editable=False)

    objects: ClassVar = TenantManager()

    class Meta(Workflow.Meta):
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "originator", "trace", "total"],
                condition=~models.Q(trace="") & models.Q(faults=[]),
                name="remittance_once",
            ),
            models.CheckConstraint(
                name="remittance_balances",
                condition=~models.Q(status="posted") | models.Q(total=models.F("claims_paid") - models.F("held_back")),
            ),
            models.CheckConstraint(
                name="remittance_posted_once", condition=~models.Q(status="posted") | models.Q(posted_at__isnull=False)
            ),
        ]
        indexes = [models.Index(fields=["tenant", "status", "-received_at"], name="remittance_inbox")]

    def __str__(self) -> str:
        return f"{self.payer_name or 'Remittance'} {self.trace}".strip()

    def get_absolute_url(self) -> str:
        return reverse("billing:remittance", args=[self.pk])

    @property
    def in_words(self) -> str:
        return self.get_status_display().lower()

    @property
    def is_posted(self) -> bool:
        return self.status == self.Status.POSTED

    def touch(self) -> None:
        """What it says of a claim was matched, let go or booked: who has it open sees that."""
        self.save(update_fields=[])

    @cached_property
    def withheld(self) -> list[ProviderAdjustment]:
        return [thawed(ProviderAdjustment, one) for one in self.provider_adjustments]


class RemittanceClaims(models.QuerySet):
    def unmatched(self) -> Self:
        """What somebody has to look at: money that is on no claim."""
        return self.filter(status=RemittanceClaim.Status.UNMATCHED)

    def in_force(self) -> Self:
        """Posted, and not taken back by a later one."""
        return self.filter(status=RemittanceClaim.Status.POSTED, taken_back_by=None)


class RemittanceClaim(Workflow):
    """What the payer says of one claim, and which of ours it is."""

    class Status(models.TextChoices):
        UNMATCHED = "unmatched", "To match"
        MATCHED = "matched", "Matched"
        POSTED = "posted", "Posted"
        LEFT = "left", "Not ours"

    MOVES = {
        Status.UNMATCHED: {Status.MATCHED: TAKE, Status.LEFT: TAKE},
        Status.MATCHED: {Status.UNMATCHED: TAKE, Status.POSTED: SYSTEM},
        Status.LEFT: {Status.UNMATCHED: TAKE},
    }

    remittance = TenantKey(Remittance, related_name="claims", editable=False)
    place = models.PositiveIntegerField(editable=False)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.UNMATCHED, editable=False)
    why = models.CharField("why it is not matched", max_length=200, blank=True, default="", editable=False)
    number = models.CharField("number of the claim", max_length=50, blank=True, default="", editable=False)
    payer_number = models.CharField("payer's number", max_length=50, blank=True, default="", editable=False)
    said = models.CharField("what the payer says", max_length=2, editable=False)
    charge = models.DecimalField(**MONEY)
    paid = models.DecimalField(**MONEY)
    patient_share = models.DecimalField(**MONEY)
    patient_name = models.CharField(max_length=120, blank=True, default="", editable=False)
    content = models.JSONField(default=dict, editable=False)
    claim = TenantKey("billing.Claim", related_name="heard", null=True, editable=False)
    taken_back_by = TenantKey("self", null=True, related_name="takes_back", editable=False)

    objects: ClassVar = TenantManager.from_queryset(RemittanceClaims)()

    class Meta(Workflow.Meta):
        ordering = ["remittance", "place"]
        verbose_name = "claim of a remittance"
        verbose_name_plural = "claims of remittances"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "remittance", "place"], name="remittance_claim_once"),
        ]
        indexes = [models.Index(fields=["tenant", "status", "number"], name="remittance_claim_inbox")]

    def __str__(self) -> str:
        return self.number

    @cached_property
    def value(self) -> PaidClaim:
        with raw():
            return thawed(PaidClaim, self.content)

    @property
    def is_decision(self) -> bool:
        """It says something of its lines, for now or for good."""
        return self.said not in (PENDED, NOT_OURS, FORECAST)

    @property
    def words(self) -> str:
        return STATUSES.get(self.said, f"status {self.said}")

    @property
    def reasons(self) -> list[Reason]:
        """Of all that was not paid, each once."""
        codes = dict.fromkeys(one.reason for one in self.value.every_adjustment)
        return [reason(code) for code in codes]
