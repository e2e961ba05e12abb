"""From a committed change to exactly the right sockets, over a real server."""

from __future__ import annotations

import json

import pytest
from django.db import transaction
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hospital.models import Membership, Person, SignIn
from realtime.models import Event
from realtime.tests.listening import Listener, cookie_of, cursor_of, dial


def grant(hospital, name: str = "Nora") -> Membership:
    """A change that the admin hears of, with a fragment."""
    person = Person.objects.create(email=f"{name}.{hospital.mark}@example.org".lower(), name=name)
    with hospital.acting("admin"):
        return Membership.grant(person, "reception")


def end(hospital, membership: Membership) -> None:
    with hospital.acting("admin"):
        Membership.objects.get(pk=membership.pk).end()


def test_the_admin_sees_a_new_person_at_once(site, alpha):
    with Listener(site, alpha, "admin") as page:
        page.joined()
        membership = grant(alpha)
        page.hears("user:changed")
        assert f'id="membership-{membership.pk}"' in page.html[-1]
        assert 'data-v="1"' in page.html[-1]
        assert "Nora" in page.html[-1]
