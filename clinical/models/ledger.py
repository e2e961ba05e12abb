"""The ledger of the pharmacy: every piece that came or went."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from hospital.tenancy import TenantKey, TenantModel
from hospital.workflow import Refused


class StockMove(TenantModel):
    """A line of the ledger. The database lets nobody change or delete it."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "Received"
        DISPENSE = "dispense", "Dispensed"
        RETURN = "return", "Taken back"
        WRITE_OFF = "write_off", "Written off"
        COUNT = "count", "Counted"
        TRANSFER = "transfer", "Moved"

    batch = TenantKey("clinical.Batch", related_name="moves")
    medicine = TenantKey("clinical.Medicine", related_name="moves")
    quantity = models.IntegerField(help_text="Signed: what came is positive, what went negative.")
    balance = models.PositiveIntegerField(
        default=0, help_text="On hand in the batch after it; the database reckons it."
    )
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


def at_least_one(quantity: int) -> None:
    if quantity < 1:
        raise Refused("The quantity is at least one.", status=422, field="quantity")
