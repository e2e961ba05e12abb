"""Which roles and people of the open tenant hold a permission, for a query."""

from __future__ import annotations

from django.db.models import QuerySet
from guardian.models import GroupObjectPermission

from hospital.context import current
from hospital.models import Membership, Person, Role


def roles_that_may(permission: str) -> QuerySet[Role]:
    held = {"permission__codename": permission, "object_pk": str(current().tenant.pk)}
    return Role.objects.filter(group__in=GroupObjectPermission.objects.filter(**held).values("group"))


def people_who_may(permission: str) -> QuerySet[Person]:
    """Who works here now in one of these roles."""
    held = Membership.objects.filter(is_active=True, role__in=roles_that_may(permission))
    return Person.objects.filter(is_active=True, pk__in=held.values("person_id"))
