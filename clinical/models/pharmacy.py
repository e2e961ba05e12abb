"""Medicines, their batches, and the ledger of every piece that came or went.

A batch's `on_hand` always equals the sum of its moves, and is never negative. Whoever moves stock locks the medicine
first and then its batches, so that two who want the last piece take turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from hospital.tenancy import EditableModel, TenantKey, TenantModel

if TYPE_CHECKING:
    from hospital.models import Person


class Medicine(EditableModel):
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=160)
    form = models.CharField(max_length=60, blank=True, default="")
    strength = models.CharField(max_length=60, blank=True, default="")
    unit = models.CharField(max_length=30, default="tablet", help_text="What is counted when it is dispensed.")
    atc = models.CharField("ATC code", max_length=7, blank=True, default="")
    rxnorm = models.CharField("RxNorm code", max_length=12, blank=True, default="")
    low_at = models.PositiveIntegerField(default=0, help_text="Stock is low at this many, or fewer.")
    low_since = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(default=True)

    class Meta(EditableModel.Meta):
        ordering = ["name", "strength"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="medicine_code_once")]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.name, self.strength, self.form]))


class Batch(EditableModel):
    class State(models.TextChoices):
        AVAILABLE = "available", "Available"
        QUARANTINED = "quarantined", "Quarantined"
        RECALLED = "recalled", "Recalled"

    medicine = TenantKey(Medicine, related_name="batches")
    lot = models.CharField(max_length=60)
    expires_on = models.DateField()
    location = models.CharField(max_length=60, blank=True, default="")
    state = models.CharField(max_length=12, choices=State.choices, default=State.AVAILABLE)
    state_reason = models.CharField(max_length=250, blank=True, default="")
    on_hand = models.PositiveIntegerField(default=0, editable=False)
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(EditableModel.Meta):
        verbose_name_plural = "batches"
        ordering = ["expires_on", "received_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "medicine", "lot", "location"], name="batch_lot_once"),
            models.CheckConstraint(condition=models.Q(on_hand__gte=0), name="batch_never_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.medicine}, lot {self.lot}"


class StockMove(TenantModel):
    """A line of the ledger. The database lets nobody change or delete it."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "Received"
        DISPENSE = "dispense", "Dispensed"
        RETURN = "return", "Taken back"
        WRITE_OFF = "write_off", "Written off"
        COUNT = "count", "Counted"
        TRANSFER = "transfer", "Moved"

    batch = TenantKey(Batch, related_name="moves")
    medicine = TenantKey(Medicine, related_name="moves")
    quantity = models.IntegerField(help_text="Signed: what came is positive, what went negative.")
    balance = models.PositiveIntegerField(help_text="On hand in the batch after it.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=250, blank=True, default="")
    line = TenantKey("clinical.PrescriptionLine", null=True, related_name="moves")
    by = models.ForeignKey("hospital.Person", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["tenant", "batch", "-id"], name="move_of_batch"),
            models.Index(fields=["tenant", "medicine", "-id"], name="move_of_medicine"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.quantity:+}"
