"""Alerts, their ladders and their course, for a tenant's administrators. An alert is answered on its own page only."""

from django.contrib import admin

from hospital.admin_site import ReadOnlyAdmin
from realtime.alerts.models import Alert, Climb, Ladder, Told


@admin.register(Ladder)
class LadderAdmin(ReadOnlyAdmin):
    """Set on the page of the ladders, from where open alerts follow it at once."""

    list_display = ["__str__", "cover_minutes", "head_minutes", "admin_minutes", "mail_from"]
    search_fields = ["kind"]


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ["kind", "raised_at", "status", "step", "acknowledged_by", "acknowledged_at"]
    list_filter = ["status", "step", "kind"]
    search_fields = ["kind", "=object_id", "=patient_id", "acknowledged_by__name"]
    exclude = ["titles", "expected", "read_back", "done_text"]  # what it says of a patient is for those who may read it


@admin.register(Climb)
class ClimbAdmin(ReadOnlyAdmin):
    list_display = ["alert", "number", "step", "due_at", "at", "why"]
    list_filter = ["step"]
    search_fields = ["=alert__id", "why"]


@admin.register(Told)
class ToldAdmin(ReadOnlyAdmin):
    list_display = ["person", "role", "channel", "why", "at"]
    list_filter = ["channel", "role"]
    search_fields = ["person__name", "person__email"]
