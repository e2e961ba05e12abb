"""A hospital for tests: a fresh tenant with one person for each role."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager
from functools import cached_property

from django.contrib.auth.models import Group
from django.test import Client

from hospital.models import Membership, Person, Role, Tenant
from hospital.roles import ROLE_KEYS
from hospital.tenancy import Acting, acting_for

PASSWORD = "correct horse battery staple"
HASHED: dict[str, str] = {}


class Hospital:
    """`alpha.reception` is a Person, `alpha.acting("reception")` opens the tenant, `alpha.client("reception")` is logged in."""

    def __init__(self, name: str, **settings: object) -> None:
        mark = uuid.uuid4().hex[:10]
        self.tenant = Tenant.open(name=f"{name} {mark}", slug=f"{name.lower()}-{mark}", **settings)
        self.mark = mark
        self.people: dict[str, Person] = {}

    def __getattr__(self, key: str) -> Person:
        if key not in ROLE_KEYS:
            raise AttributeError(key)
        return self.person(key)

    @property
    def url(self) -> str:
        return f"/{self.tenant.slug}"

    def person(self, key: str, name: str = "") -> Person:
        """The person with this role; another name makes another person."""
        label = name or key
        if label not in self.people:
            self.people[label] = self._new_person(key, label)
        return self.people[label]

    def _new_person(self, key: str, label: str) -> Person:
        person = Person(
            email=f"{label.replace(' ', '.').lower()}@{self.mark}.example", name=label.replace("_", " ").title()
        )
        person.password = hashed_password()
        person.save()
        with acting_for(self.tenant):
            Membership.grant(person, key)
        return person

    def acting(self, key: str = "", name: str = "") -> AbstractContextManager[Acting]:
        """Open the tenant for the person with this role, or for the system."""
        if not key:
            return acting_for(self.tenant)
        return acting_for(self.tenant, self.person(key, name), key)

    def client(self, key: str, name: str = "") -> Client:
        client = Client()
        client.force_login(self.person(key, name), backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    @cached_property
    def groups(self) -> dict[str, Group]:
        with acting_for(self.tenant):
            return {role.key: role.group for role in Role.objects.select_related("group")}


def hashed_password() -> str:
    """Argon2 is slow on purpose: once per run is enough."""
    from django.contrib.auth.hashers import make_password

    if PASSWORD not in HASHED:
        HASHED[PASSWORD] = make_password(PASSWORD)
    return HASHED[PASSWORD]
