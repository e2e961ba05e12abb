"""Who is acting, and in which tenant: one value per thread or task, never a global."""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hospital.seals import Opened

if TYPE_CHECKING:
    from hospital.models import Person, Role, Tenant


class NoTenant(RuntimeError):
    """Tenant data was touched outside a tenant. Open one: `with acting_for(tenant, person):`."""


class ForeignTenant(RuntimeError):
    """A row of one tenant was about to be written inside another."""


@dataclass(frozen=True, eq=False)
class Acting:
    tenant: Tenant
    person: Person | None = None
    role: Role | None = None
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    says_again: bool = False  # the request calls itself a page's own refresh; nothing may be granted for it
    opened: Opened = field(default_factory=Opened)

    def may(self, permission: str) -> bool:
        """Whether the acting role has this permission ("app.codename") in this tenant. The system may do everything."""
        if self.role is None:
            return self.person is None
        return permission in self.role.permissions


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def current() -> Acting:
    acting = _acting.get()
    if acting is None:
        raise NoTenant("No tenant is open. Wrap the work in `with acting_for(tenant, person):`.")
    return acting


def current_or_none() -> Acting | None:
    return _acting.get()
