"""The catalogues that a hospital's own administrator keeps."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from clinical.models import LabTest, ReferenceRange
from hospital.admin_site import TenantAdmin, may_administer


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
