"""What a hospital's own administrator sets up for its appointments: where, what for, with whom, and when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from hospital.admin_site import TenantAdmin, may_administer
from scheduling.models import (
    AppointmentType,
    Location,
    Offering,
    OpeningHours,
    Provider,
    Room,
    SpecialDay,
    WorkingHours,
)


class Rows(admin.TabularInline):
    """Rows of a catalogue below another: whoever may administer changes and removes them."""

    extra = 1

    def has_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = has_permission


class OpeningHoursRows(Rows):
    model = OpeningHours


class SpecialDayRows(Rows):
    model = SpecialDay


class WorkingHoursRows(Rows):
    model = WorkingHours


class OfferingRows(Rows):
    model = Offering


@admin.register(Location)
class LocationAdmin(TenantAdmin):
    list_display = ("name", "address", "time_zone", "country", "reminder_hours", "is_active")
    list_filter = ("is_active", "country")
    search_fields = ("name", "address", "time_zone")
    inlines = (OpeningHoursRows, SpecialDayRows)


@admin.register(Room)
class RoomAdmin(TenantAdmin):
    list_display = ("name", "location", "status", "is_active")
    list_filter = ("is_active", "status", "location")
    search_fields = ("name", "location__name")


@admin.register(AppointmentType)
class AppointmentTypeAdmin(TenantAdmin):
    list_display = ("name", "minutes", "tone", "needs_room", "is_virtual", "capacity", "is_active")
    list_filter = ("is_active", "is_virtual", "needs_room")
    search_fields = ("name", "instructions")


@admin.register(Provider)
class ProviderAdmin(TenantAdmin):
    """Leave is declared under Absences; without any offering, a provider offers every type."""

    list_display = ("person", "location", "tone", "position", "is_active")
    list_filter = ("is_active", "location")
    search_fields = ("person__name", "person__email", "location__name")
    inlines = (WorkingHoursRows, OfferingRows)
