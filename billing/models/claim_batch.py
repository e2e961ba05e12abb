"""Claims that go to one payer in one file, which is written in the background."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone

from hospital.tenancy import TenantKey, TenantManager, TenantModel
from hospital.workflow import SYSTEM, Workflow

MANAGE = "billing.manage_claims"


class ClaimBatch(Workflow):
    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        WRITING = "writing", "Being written"
        WRITTEN = "written", "Written"
        FAILED = "failed", "Failed"
        ACCEPTED = "accepted", "Form accepted"
        REJECTED = "rejected", "Form rejected"

    MOVES = {
        Status.QUEUED: {Status.WRITING: SYSTEM, Status.FAILED: SYSTEM},
        Status.WRITING: {Status.WRITTEN: SYSTEM, Status.FAILED: SYSTEM},
        Status.WRITTEN: {Status.ACCEPTED: SYSTEM, Status.REJECTED: SYSTEM},
        Status.FAILED: {Status.QUEUED: MANAGE},
    }
    UNDER_WAY = (Status.QUEUED, Status.WRITING)

    serial = models.PositiveBigIntegerField(editable=False)
    payer = TenantKey("clinical.Payer", related_name="claim_batches")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED, editable=False)
    total = models.PositiveIntegerField(default=0, editable=False)
    done = models.PositiveIntegerField(default=0, editable=False)
    amount = models.DecimalField(max_digits=14, decimal_places=2, default=0, editable=False)
    asked_by = models.ForeignKey(
        "hospital.Person", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    written_at = models.DateTimeField(null=True, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    problem = models.TextField(blank=True, default="", editable=False)

    objects: ClassVar = TenantManager()

    class Meta(Workflow.Meta):
        ordering = ["-serial"]
        verbose_name = "batch of claims"
        verbose_name_plural = "batches of claims"
        constraints = [models.UniqueConstraint(fields=["tenant", "serial"], name="claim_batch_serial_once")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:claim_batch", args=[self.pk])

    @property
    def number(self) -> str:
        return f"CB-{self.serial:06}"

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY


class BatchItem(TenantModel):
    """A version that is to go out with this batch. Why it could not, if so."""

    batch = TenantKey(ClaimBatch, related_name="items")
    claim_version = TenantKey("billing.ClaimVersion", related_name="batch_items")
    problem = models.TextField(blank=True, default="")

    class Meta(TenantModel.Meta):
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "batch", "claim_version"], name="batch_item_once")]

    def __str__(self) -> str:
        return f"{self.claim_version} in {self.batch}"


class BatchFile(TenantModel):
    """The file that was written, as it is sent. Never changed."""

    in_the_clear: ClassVar = ("name",)

    batch = TenantKey(ClaimBatch, related_name="files")
    name = models.CharField(max_length=60)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    written_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "batch"], name="batch_file_once")]

    def __str__(self) -> str:
        return self.name
