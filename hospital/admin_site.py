"""Django admin inside one tenant: for those who may administer, with the tenant's own rows, and nobody else's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from hospital.context import current
from hospital.models import AuditEntry, Membership, Person
from hospital.models.people import ADMINISTER


class TenantAdmin(admin.ModelAdmin):
    """One model of the tenant. Rows come through the tenant's manager; history is the audit log; nothing is deleted."""

    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_administer(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_administer(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_administer(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).select_related(*self._keys())

    def _keys(self) -> list[str]:
        return (
            [name for name in self.list_display if isinstance(name, str) and self._is_key(name)]
            if not self.list_select_related
            else []
        )

    def _is_key(self, name: str) -> bool:
        return any(field.name == name and field.many_to_one for field in self.opts.local_fields)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A person can be chosen only among those who work here."""
        if issubclass(db_field.related_model, Person):
            kwargs["queryset"] = people_here()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Filters reach no further than the declared ones: no questions about other rows through relations."""
        declared = {field[0] if isinstance(field, tuple | list) else field for field in self.list_filter}
        return lookup.split("__")[0] in declared and "tenant" not in lookup

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        lines = AuditEntry.objects.filter(table=self.opts.db_table, row_id=obj.pk)[:200]
        people = {
            person.pk: person
            for person in Person.objects.filter(pk__in={line.person_id for line in lines if line.person_id})
        }
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {obj}",
            "opts": self.opts,
            "object": obj,
            "lines": [(line, line.person_id and people.get(line.person_id)) for line in lines],
        }
        return TemplateResponse(request, "admin/audit_history.html", context)

    # The database writes the audit log itself; Django's own log table knows no tenants.
    def log_addition(self, *args: Any) -> None:
        """Recorded by the audit trigger."""

    def log_change(self, *args: Any) -> None:
        """Recorded by the audit trigger."""

    def log_deletions(self, *args: Any) -> None:
        """Recorded by the audit trigger."""


class ReadOnlyAdmin(TenantAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TenantAdminSite(admin.AdminSite):
    site_header = site_title = "Administration"
    index_title = "What there is to administer"
    site_url = None
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return may_administer(request)

    def admin_view(self, view: Callable, cacheable: bool = False) -> Callable:
        """Everybody here is logged in: who may not enter gets 403, not a second log-in page."""
        inner = super().admin_view(view, cacheable)

        @functools.wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                raise PermissionDenied("Your role may not use the administration pages.")
            return inner(request, *args, **kwargs)

        return guarded

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only what is written for one tenant; the admin pages that libraries bring along show every tenant's rows."""
        if admin_class is not None and issubclass(admin_class, TenantAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def each_context(self, request: HttpRequest) -> dict:
        return {**super().each_context(request), "site_header": f"Administration of {current().tenant}"}

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        raise Http404

    def logout(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        raise Http404

    def password_change(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        raise Http404

    def password_change_done(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        raise Http404


def may_administer(request: HttpRequest) -> bool:
    acting = getattr(request, "acting", None)
    return acting is not None and acting.may(ADMINISTER)


def people_here() -> models.QuerySet:
    """The people who hold, or held, a role in the open tenant."""
    return Person.objects.filter(pk__in=Membership.objects.values("person_id"))
