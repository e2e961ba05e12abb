from django.contrib import admin

from billing.models import Allocation, Charge, Payment, Price
from hospital.admin_site import ReadOnlyAdmin, TenantAdmin


@admin.register(Price)
class PriceAdmin(TenantAdmin):
    list_display = ("kind", "code", "amount", "valid_from")
    list_filter = ("kind",)
    search_fields = ("code",)
    ordering = ("kind", "code", "-valid_from")


@admin.register(Charge)
class ChargeAdmin(ReadOnlyAdmin):
    list_display = (
        "charged_at",
        "visit",
        "patient",
        "text",
        "quantity",
        "amount",
        "needs_price",
        "waived_at",
        "cancelled_at",
    )
    list_filter = ("kind", "needs_price")
    search_fields = ("text", "code")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("number", "received_at", "visit", "patient", "amount", "method", "reference", "received_by")
    list_filter = ("method",)
    search_fields = ("reference",)


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ("at", "payment", "charge", "amount")
