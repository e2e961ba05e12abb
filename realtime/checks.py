"""What is wrong with a declaration stops the start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core import checks
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse

from hospital.roles import PERMISSIONS, ROLE_KEYS, ROLES
from hospital.tenancy import EditableModel, TenantModel
from realtime.catalogue import Catalogue, LiveEvent, catalogue

NAME = re.compile(r"\A[a-z_]+:[a-z_]+\Z")
SOME_KEY = UUID(int=0)


def register_all() -> None:
    checks.register(check_catalogue, "realtime")


def check_catalogue(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    return list(faults_of(catalogue))


def faults_of(events: Catalogue) -> Iterator[checks.CheckMessage]:
    seen: set[str] = set()
    for event in events:
        for number, sentence in faults(event, seen):
            yield checks.Error(f"{event.name}: {sentence}", obj=event.model, id=f"realtime.E{number:03}")
        seen.add(event.name)


def faults(event: LiveEvent, seen: set[str]) -> Iterator[tuple[int, str]]:
    if not NAME.match(event.name):
        yield 1, "an event's name is noun:verb in small letters."
    if event.name in seen:
        yield 2, "this name is declared twice."
    if not event.hears:
        yield 3, "nobody hears it. Name the roles in `hears`."
    if unknown := sorted({*event.hears, *roles_of(event)} - set(ROLE_KEYS)):
        yield 4, f"there is no role {', '.join(unknown)} in hospital/roles.py."
    if not issubclass(event.model, TenantModel):
        yield 5, f"{event.model.__name__} is not a TenantModel."
    yield from template_faults(event)
    if isinstance(event.link, str) and event.link and not resolves(event.link):
        yield 8, f"no address has the name {event.link} and takes a key."
    yield from permission_faults(event)


def roles_of(event: LiveEvent) -> set[str]:
    return set(event.loudness) if isinstance(event.loudness, dict) else set()


def permission_faults(event: LiveEvent) -> Iterator[tuple[int, str]]:
    if not event.needs:
        yield 9, "it needs no permission. Name in `needs` what its page needs."
    elif unknown := sorted(set(event.needs) - set(PERMISSIONS)):
        yield 9, f"there is no permission {', '.join(unknown)} in hospital/roles.py."
    elif deaf := [role.key for role in ROLES if role.key in event.hears and not event.is_for(role.permissions)]:
        yield 10, f"by default {', '.join(deaf)} may not be told: the role holds none of {', '.join(event.needs)}."


def template_faults(event: LiveEvent) -> Iterator[tuple[int, str]]:
    if not event.template:
        return
    if not issubclass(event.model, EditableModel):
        yield 6, f"{event.model.__name__} has no version, which a fragment's data-v needs. Make it an EditableModel."
    try:
        get_template(event.template)
    except TemplateDoesNotExist:
        yield 7, f"its template {event.template} does not exist."
    except TemplateSyntaxError as error:
        yield 7, f"its template {event.template} is wrong: {error}"


def resolves(name: str) -> bool:
    try:
        return bool(reverse(name, urlconf="hospital.urls", args=[SOME_KEY]))
    except NoReverseMatch:
        return False
