"""What an administrator keeps for notes: templates with their sections, the house's quick texts, and who is co-signed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from clinical.models import CosignRule, NoteSection, NoteTemplate, QuickText
from hospital.admin_site import TenantAdmin, may_administer


class Sections(admin.TabularInline):
    """A change counts for notes that are begun afterwards: each note keeps the sections that it began with."""

    model = NoteSection
    extra = 1

    def has_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = has_permission


@admin.register(NoteTemplate)
class NoteTemplateAdmin(TenantAdmin):
    list_display = ("name", "key", "specialty", "kind", "has_body_map", "position", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "key", "specialty")
    inlines = (Sections,)


class Removable(TenantAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)


@admin.register(QuickText)
class QuickTextAdmin(Removable):
    list_display = ("code", "text", "person")
    search_fields = ("code", "text")


@admin.register(CosignRule)
class CosignRuleAdmin(Removable):
    """A trainee's notes wait for a second signature; a line without a person means everybody's."""

    list_display = ("person", "cosigner")
    search_fields = ("person__name",)
