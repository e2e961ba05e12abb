"""The catalogues that a hospital's own administrator keeps."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from clinical.models import Batch, LabTest, Medicine, ReferenceRange, StockMove
from hospital.admin_site import ReadOnlyAdmin, TenantAdmin, may_administer


class Ranges(admin.TabularInline):
    """What is normal for whom. Results keep the range that they were judged by."""

    model = ReferenceRange
    extra = 1

    def has_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = has_permission


@admin.register(LabTest)
class LabTestAdmin(TenantAdmin):
    list_display = ("name", "code", "group", "kind", "unit", "specimen", "is_active")
    list_filter = ("group", "kind", "is_active")
    search_fields = ("name", "code", "loinc")
    inlines = (Ranges,)


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
