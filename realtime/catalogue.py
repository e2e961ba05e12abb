"""What can reach a screen: every LiveEvent, declared once in the `events.py` of the app that owns its model."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model
from django.urls import reverse
from django.utils.module_loading import module_has_submodule

if TYPE_CHECKING:
    from hospital.models import Role


class Loudness(enum.StrEnum):
    INFO = "info"  # changes the screen, and marks the place for three seconds
    NOTICE = "notice"  # and a toast
    CRITICAL = "critical"  # and a banner that stays until a person dismisses it


When = Callable[[Any, bool, "frozenset[str] | None"], bool]
# `None` for a role: this once, the role does not hear it.
Levels = Loudness | Mapping[str, Loudness | None]


@dataclass(frozen=True)
class LiveEvent:
    """A fact about a row that colleagues see at once. See docs/architecture.md, section 6."""

    name: str
    model: type[Model]
    _: KW_ONLY
    when: When
    hears: tuple[str, ...]
    needs: tuple[str, ...]  # permissions: a role that holds none of them is not told, whatever `hears` says
    loudness: Levels | Callable[[Any], Levels] = Loudness.INFO
    template: str = ""
    title: str | Callable[[Any, str], str] = ""
    link: str | Callable[[Any], str] = ""
    people: Callable[[Any], Iterable[UUID]] | None = None
    notice_to: Callable[[Any], Iterable[UUID]] | None = None  # who hears it as a notice, though the role only as info
    about: Callable[[Any], UUID | None] | None = None
    answers: Callable[[Any], UUID | None] | None = None  # whose it is: the first who is told when it is critical
    tells: Callable[[Any, Role], bool] | None = None  # asked beside `needs`, where the right depends on the row
    reads_back: Callable[[Any], str] | None = None  # the value that whoever acknowledges it must type

    def levels_for(self, instance: Any) -> dict[str, Loudness]:
        """How loudly each role hears this one."""
        levels = self.loudness(instance) if callable(self.loudness) else self.loudness
        if not isinstance(levels, Mapping):
            return dict.fromkeys(self.hears, levels)
        heard = {role: levels.get(role, Loudness.INFO) for role in self.hears}
        return {role: level for role, level in heard.items() if level is not None}

    def personal_levels_for(self, instance: Any) -> dict[str, Loudness]:
        """By person: what they hear more loudly than their role does."""
        people = self.notice_to(instance) if self.notice_to else ()
        return {str(person): Loudness.NOTICE for person in people if person}

    def is_for(self, permissions: Collection[str]) -> bool:
        """Whether a role with these permissions may be told. A tenant's admin can take any of them from it."""
        return any(needed in permissions for needed in self.needs)

    def reaches(self, role: Role) -> bool:
        """Whether the pages of this role may hear it."""
        return role.key in self.hears and self.is_for(role.permissions)

    @property
    def may_alert(self) -> bool:
        """Whether it can be critical for somebody. Of a function only its words, or `answers`, tell that."""
        levels = self.loudness
        if callable(levels):
            return self.answers is not None or "critical" in words_of(levels)
        return Loudness.CRITICAL in (levels.values() if isinstance(levels, Mapping) else [levels])

    def people_for(self, instance: Any) -> list[UUID]:
        """Only these persons hear it; an empty list is everybody in the roles."""
        return [person for person in self.people(instance) if person] if self.people else []

    def about_for(self, instance: Any) -> UUID | None:
        return self.about(instance) if self.about else getattr(instance, "patient_id", None)

    def title_for(self, instance: Any, role: str) -> str:
        return self.title(instance, role) if callable(self.title) else self.title.format(instance)

    def link_for(self, instance: Any) -> str:
        if callable(self.link):
            return self.link(instance)
        return reverse(self.link, args=[instance.pk]) if self.link else ""


class Undeclared(LookupError):
    """Somebody was about to be told something that no `events.py` declares."""


def said(words: str) -> Callable[[Callable], Callable]:
    """What `manage.py events` prints for a condition, or for a function that decides the loudness."""

    def say(condition: Callable) -> Callable:
        vars(condition)["words"] = words
        return condition

    return say


def words_of(condition: Callable) -> str:
    return getattr(condition, "words", condition.__name__.strip("_").replace("_", " "))


@said("created")
def created(instance: Any, created: bool, fields: frozenset[str] | None) -> bool:
    return created


def reached(*statuses: str) -> When:
    """The status was just set to one of these (by `move_to`, or at the start)."""

    @said(f"becomes {' or '.join(map(str, statuses))}")
    def reached(instance: Any, created: bool, fields: frozenset[str] | None) -> bool:
        return instance.status in statuses and (created or "status" in (fields or ()))

    return reached


def changed(*names: str) -> When:
    """One of these fields (any field, if none is named) was saved again. A save without `update_fields` saves them all."""

    @said(f"{' or '.join(names)} changes" if names else "changed")
    def changed(instance: Any, created: bool, fields: frozenset[str] | None) -> bool:
        return not created and (not names or fields is None or not fields.isdisjoint(names))

    return changed


def either(*conditions: When) -> When:
    @said(", ".join(map(words_of, conditions)))
    def either(instance: Any, created: bool, fields: frozenset[str] | None) -> bool:
        return any(condition(instance, created, fields) for condition in conditions)

    return either


class Catalogue:
    """All events of all installed apps, found in their `events` modules."""

    def __init__(self, events: Iterable[LiveEvent] = ()) -> None:
        self.events: list[LiveEvent] = []
        self.by_name: dict[str, LiveEvent] = {}
        self.by_model: dict[type[Model], list[LiveEvent]] = defaultdict(list)
        for event in events:
            self.add(event)

    def add(self, event: LiveEvent) -> None:
        self.events.append(event)
        self.by_name[event.name] = event
        self.by_model[event.model].append(event)

    def __iter__(self) -> Iterator[LiveEvent]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def discover(self) -> None:
        for config in apps.get_app_configs():
            if module_has_submodule(config.module, "events"):
                for event in getattr(import_module(f"{config.name}.events"), "EVENTS", ()):
                    self.add(event)


catalogue = Catalogue()
