"""The catalogues that a hospital's own administrator keeps."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from clinical import note_admin as note_admin
from clinical.models import (
    AppealLevel,
    AuthorisationRule,
    Batch,
    DeltaRule,
    Hl7Sender,
    Hl7Word,
    Medicine,
    Payer,
    StockMove,
)
from hospital.admin_site import ReadOnlyAdmin, TenantAdmin, may_administer


@admin.register(DeltaRule)
class DeltaRuleAdmin(TenantAdmin):
    list_display = ("test", "absolute", "percent", "per_day", "within_days")
    search_fields = ("test__name", "test__code")


@admin.register(Medicine)
class MedicineAdmin(TenantAdmin):
    """What may be prescribed. Its stock comes and goes at the pharmacy."""

    list_display = ("name", "strength", "form", "code", "unit", "low_at", "is_active")
    list_filter = ("is_active", "form")
    search_fields = ("name", "code", "atc", "rxnorm")

    def save_model(self, request: HttpRequest, obj: Medicine, form: Any, change: bool) -> None:
        """Another threshold may make it low, or no longer."""
        super().save_model(request, obj, form, change)
        obj.lock()
        obj.recount()


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("medicine", "lot", "expires_on", "location", "state", "on_hand")
    list_filter = ("state",)
    search_fields = ("medicine__name", "lot")


@admin.register(StockMove)
class StockMoveAdmin(ReadOnlyAdmin):
    list_display = ("at", "medicine", "kind", "quantity", "balance", "by", "reason")
    list_filter = ("kind",)
    search_fields = ("medicine__name", "batch__lot", "reason")


class Words(admin.TabularInline):
    """What the words of a sender mean here. One that is deleted is asked for again."""

    model = Hl7Word
    fields = ("subject", "code", "text", "target", "said_by")
    readonly_fields = fields
    extra = 0

    def has_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_view_permission = has_change_permission = has_delete_permission = has_permission


@admin.register(Hl7Sender)
class Hl7SenderAdmin(TenantAdmin):
    """Who sends messages, by what names, and what is believed of them."""

    list_display = ("application", "facility", "our_authority", "takes_tests", "is_routed")
    search_fields = ("application", "facility")
    readonly_fields = ("application", "facility", "for_application", "for_facility", "is_routed")
    inlines = (Words,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Payer)
class PayerAdmin(TenantAdmin):
    """Who insures patients. The pages of billing show the rules beside it."""

    list_display = ("name", "identifier", "filing", "filing_days", "is_active")
    list_filter = ("is_active", "filing")
    search_fields = ("name", "identifier")


@admin.register(AppealLevel)
class AppealLevelAdmin(TenantAdmin):
    list_display = ("payer", "level", "name", "days")
    search_fields = ("payer__name", "name")


@admin.register(AuthorisationRule)
class AuthorisationRuleAdmin(TenantAdmin):
    list_display = ("payer", "code", "from_units", "from_amount", "note", "is_active")
    list_filter = ("is_active",)
    search_fields = ("payer__name", "code")
