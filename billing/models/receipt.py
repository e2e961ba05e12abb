from __future__ import annotations

from django.db import models
from django.utils import timezone

from billing.models.payment import Payment
from hospital.context import current
from hospital.tenancy import TenantKey, TenantModel


class ReceiptPrint(TenantModel):
    """A receipt was put on paper. The first is the receipt, each further one says that it is a copy."""

    payment = TenantKey(Payment, related_name="prints")
    printed_by = models.ForeignKey("hospital.Person", on_delete=models.PROTECT, null=True, related_name="+")
    printed_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.payment_id} printed"

    @classmethod
    def count(cls, payment: Payment) -> int:
        """Note one more, and say how many there were before."""
        (payment.visit or payment.patient).lock()  # of two who print at once, the second has a copy
        before = cls.objects.filter(payment=payment).count()
        cls.objects.create(payment=payment, printed_by=current().person)
        return before
