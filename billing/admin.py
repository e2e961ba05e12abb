from django.contrib import admin

from billing.models import (
    Allocation,
    AppealLetter,
    BillingIdentity,
    Charge,
    DeskRules,
    DunningStep,
    Package,
    PackageItem,
    Payment,
    Price,
    ProcedureCode,
    ProviderNumber,
)
from hospital.admin_site import ReadOnlyAdmin, TenantAdmin


@admin.register(Price)
class PriceAdmin(TenantAdmin):
    list_display = ("kind", "code", "payer", "amount", "tax_rate", "valid_from")
    list_filter = ("kind", "payer")
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


@admin.register(ProcedureCode)
class ProcedureCodeAdmin(TenantAdmin):
    list_display = ("kind", "code", "procedure", "is_claimed")
    list_filter = ("kind", "is_claimed")
    search_fields = ("code", "procedure")


@admin.register(BillingIdentity)
class BillingIdentityAdmin(TenantAdmin):
    list_display = ("name", "npi", "tax_number", "sender_number", "is_test")
    search_fields = ("name", "npi")


@admin.register(ProviderNumber)
class ProviderNumberAdmin(TenantAdmin):
    list_display = ("person", "npi", "taxonomy")
    search_fields = ("person__name", "npi")


@admin.register(DeskRules)
class DeskRulesAdmin(TenantAdmin):
    list_display = ("__str__", "discount_limit", "cash_needs_drawer", "follow_up_days", "due_days")
    search_fields = ("pk",)


@admin.register(DunningStep)
class DunningStepAdmin(TenantAdmin):
    list_display = ("level", "name", "days")
    search_fields = ("name", "text")


class PackageItems(admin.TabularInline):
    model = PackageItem
    extra = 1


@admin.register(Package)
class PackageAdmin(TenantAdmin):
    list_display = ("name", "amount", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)
    inlines = (PackageItems,)


@admin.register(AppealLetter)
class AppealLetterAdmin(TenantAdmin):
    list_display = ("name", "category", "subject", "is_active")
    list_filter = ("category", "is_active")
    search_fields = ("name", "subject")
