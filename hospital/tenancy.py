"""The application's fence: every query and every write happens inside exactly one tenant."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import uuid4

from django.db import connection, models, transaction
from django.utils import timezone

from hospital.context import Acting, ForeignTenant, NoTenant, _acting, current, current_or_none
from hospital.identifiers import uuid7
from hospital.seals import raw

if TYPE_CHECKING:
    from hospital.db.base import DatabaseWrapper
    from hospital.models import Person, Role, Tenant

__all__ = [
    "Acting",
    "EditableModel",
    "ForeignTenant",
    "NoTenant",
    "TenantKey",
    "TenantModel",
    "across_tenants",
    "acting_for",
    "current",
    "current_or_none",
    "tenant_task",
]

log = logging.getLogger(__name__)
M = TypeVar("M", bound=models.Model, covariant=True)
_lifted: ContextVar[bool] = ContextVar("lifted", default=False)


@contextmanager
def acting_for(
    tenant: Tenant,
    person: Person | None = None,
    role: Role | str | Callable[[], Role] | None = None,
    *,
    request_id: str = "",
    says_again: bool = False,
) -> Iterator[Acting]:
    """Open a tenant, and a transaction in it, for a person in a role (nobody: the system itself).

    `role` is a Role, its key, or what chooses it once the transaction is open; without one, the person's first role in
    the tenant is taken. Inside, times are shown and read as the tenant's clock on the wall has them.
    """
    given = None if isinstance(role, str) or callable(role) else role
    acting = Acting(tenant, person, given, request_id or uuid4().hex, says_again)
    token = _acting.set(acting)
    try:
        with timezone.override(tenant.zone), transaction.atomic():
            _tell()
            if person is not None and given is None:
                acting = replace(acting, role=role() if callable(role) else _role_of(person, cast("str | None", role)))
                _acting.set(acting)
                _tell()
            yield acting
    finally:
        _acting.reset(token)
        _tell()


def _role_of(person: Person, key: str | None) -> Role | None:
    from hospital.models import Role

    roles = Role.objects.held_by(person)
    return roles.get(key=key) if key else roles.first()


def _tell() -> None:
    """An outermost transaction learns who acts when it begins; one that is already open must be told of the change."""
    if connection.in_atomic_block and not connection.needs_rollback and connection.connection is not None:
        cast("DatabaseWrapper", connection).tell()


@contextmanager
def across_tenants(reason: str) -> Iterator[None]:
    """The one way to lift the application's fence. Each use is on the allow-list in hospital/tests/test_house.py.

    The database's fence stays: inside, only rows that its policies show are seen.
    """
    log.debug("across tenants: %s", reason)
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


class TenantManager(models.Manager[M]):
    """Shows the rows of the open tenant; without one it raises instead of showing all or none."""

    def get_queryset(self) -> models.QuerySet[M]:
        rows = super().get_queryset()
        return rows if _lifted.get() else rows.filter(tenant_id=current().tenant.pk)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        """It reads the attributes of the rows, and stores what they really are."""
        with raw():
            return super().bulk_update(*args, **kwargs)


class TenantKey(models.ForeignKey):
    """A key to a row of the same tenant. The constraint is composite, (tenant_id, id), and made by the `Fence`."""

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any) -> None:
        super().__init__(to, on_delete, **{**kwargs, "db_constraint": False})


class TenantModel(models.Model):
    """A row that belongs to one tenant. Its table gets row-level security from the `Fence` of its migration."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("hospital.Tenant", on_delete=models.PROTECT, editable=False, related_name="+")

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        tenant = current().tenant
        if not self.tenant_id:
            self.tenant = tenant
        if self.tenant_id != tenant.pk:
            raise ForeignTenant(f"{self._meta.label} of another tenant cannot be saved here.")
        super().save(*args, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        with raw():
            super().refresh_from_db(*args, **kwargs)

    def validate_constraints(self, exclude=None) -> None:
        """The tenant is stamped at save, so constraints that begin with it are checked with the open one."""
        if not self.tenant_id:
            self.tenant = current().tenant
        super().validate_constraints(exclude={*(exclude or ())} - {"tenant"})


class EditableModel(TenantModel):
    """A row that people edit: it counts its versions, so that nobody overwrites anybody."""

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta(TenantModel.Meta):
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self.version += 1
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "version", "updated_at"}
        super().save(*args, **kwargs)

    def lock(self) -> None:
        """Hold the row until the transaction ends, and read it as it is now.

        Not against those who only refer to it: their key is checked at COMMIT, where a wait could close a circle.
        """
        rows = type(self)._base_manager.select_for_update(of=("self",), no_key=True)
        self.refresh_from_db(from_queryset=rows)


def tenant_task(work: Callable) -> Callable:
    """A Celery task whose first argument is the tenant's id: `@app.task @tenant_task def scan(document_id)`.

    Refuses a tenant that does not exist or is suspended. Runs in the tenant, as the system.
    """

    @functools.wraps(work)
    def task(tenant_id: str, *args: Any, **kwargs: Any) -> Any:
        from hospital.models import Tenant

        tenant = Tenant.objects.filter(pk=tenant_id, is_active=True).first()
        if tenant is None:
            log.error("task %s refused: no active tenant %s", work.__name__, tenant_id)
            raise NoTenant(f"{work.__name__} needs an active tenant.")
        with acting_for(tenant):
            return work(*args, **kwargs)

    return task
