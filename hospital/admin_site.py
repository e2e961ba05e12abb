"""Django admin inside one tenant: its members with the permission, its rows, nobody else's."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest


class TenantAdminSite(admin.AdminSite):
    site_header = "Administration"
    index_title = "Administration"

    def has_permission(self, request: HttpRequest) -> bool:
        acting = getattr(request, "acting", None)
        return acting is not None and acting.may("hospital.administer")
