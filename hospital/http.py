"""What the middleware adds to a request of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

from hospital.context import Acting

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from hospital.models import Person, Role


class ActingPerson(Acting):
    """Behind an address there is always somebody, in one of their roles."""

    person: Person
    role: Role


class Request(HttpRequest):
    acting: ActingPerson
    my_roles: list[Role]
    tenant_slug: str
    request_id: str
    live_cursor: str
    live_regions: frozenset[str]  # what a page asks for that needs only some of its regions anew; empty: all of it
    htmx: HtmxDetails
