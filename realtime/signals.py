"""The one place where a save becomes an event, in the same transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model

from hospital.context import current
from realtime import hints
from realtime.alerts.raising import follow
from realtime.catalogue import LiveEvent, Loudness, Undeclared, catalogue
from realtime.models import Event


def on_save(
    sender: type[Model], instance: Any, created: bool, raw: bool, update_fields: Any = None, **kwargs: Any
) -> None:
    if raw or sender not in catalogue.by_model:
        return
    fields = None if update_fields is None else frozenset(update_fields)
    for event in catalogue.by_model[sender]:
        if event.when(instance, created, fields):
            emit(event, instance)


def emit(event: LiveEvent, instance: Any) -> None:
    if catalogue.by_name.get(event.name) is not event:
        raise Undeclared(f"{event.name} for {', '.join(event.hears)} is not what an events.py declares.")
    levels = event.levels_for(instance)
    if not levels:
        return
    said = levels | event.personal_levels_for(instance)
    Event.objects.create(
        name=event.name,
        object_id=instance.pk,
        patient_id=event.about_for(instance),
        loudness=said,
        roles=list(levels),
        people=event.people_for(instance),
        loud=any(level != Loudness.INFO for level in said.values()),
    )
    follow(event, instance, levels)
    hint_after_commit(str(current().tenant.pk))


def hint_after_commit(tenant_id: str) -> None:
    """A plain function, since Django cannot name a partial in its log when it is robust."""

    def hint() -> None:
        hints.publish(tenant_id)

    transaction.on_commit(hint, robust=True)
