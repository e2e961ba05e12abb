"""The notices of a person in a role: what the log says loudly enough for it, read or unread."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from hospital.http import ActingPerson
from hospital.models import Role
from realtime.alerts.models import Preference, Read
from realtime.catalogue import LiveEvent, Loudness, catalogue
from realtime.models import Event, Head

KEPT = timedelta(days=14)
LOUD = (Loudness.NOTICE, Loudness.CRITICAL)


def notices(acting: ActingPerson, preference: Preference) -> models.QuerySet[Event]:
    """The newest first, each with `is_read` and the `level` for this role."""
    mine = Q(people=[]) | Q(people__contains=[acting.person.pk])
    read = Read.objects.filter(person=acting.person, event=OuterRef("pk"))
    rows = Event.objects.filter(
        mine,
        loud=True,
        name__in=names_for(acting.role),
        roles__contains=[acting.role.key],
        seq__gt=Coalesce(Subquery(Event.loud_before(KEPT)), 0),
    )
    return (
        rows.annotate(level=Coalesce(KT(f"loudness__{acting.person.pk}"), KT(f"loudness__{acting.role.key}")))
        .filter(level__in=LOUD)
        .annotate(
            is_read=models.ExpressionWrapper(
                Q(seq__lte=preference.read_through) | Q(Exists(read)), output_field=models.BooleanField()
            )
        )
        .order_by("-seq")
    )


def names_for(role: Role) -> list[str]:
    """The events that the role may be told of as it is now."""
    return [event.name for event in catalogue if event.is_for(role.permissions)]


def worded(acting: ActingPerson, events: list[Event]) -> list[dict[str, Any]]:
    """As lines of a list: the objects of each kind in one query, said as they are now."""
    by_kind: dict[type[models.Model], set] = {}
    for event in events:
        by_kind.setdefault(catalogue.by_name[event.name].model, set()).add(event.object_id)
    found = {model: objects_of(model, ids) for model, ids in by_kind.items()}
    return [line(acting, event, catalogue.by_name[event.name], found) for event in events]


def objects_of(model: type[models.Model], ids: set) -> dict:
    keys = [field.name for field in model._meta.local_fields if field.many_to_one and field.name != "tenant"]
    return model._base_manager.select_related(*keys).in_bulk(ids)


def line(acting: ActingPerson, event: Event, declared: LiveEvent, found: dict) -> dict[str, Any]:
    """Bare words for what is gone."""
    object = found[declared.model].get(event.object_id)
    if object is None:
        return {"event": event, "title": "", "link": ""}
    title = declared.title_for(object, acting.role.key) if declared.title else ""
    return {"event": event, "title": title, "link": declared.link_for(object)}


@transaction.atomic
def read_all(acting: ActingPerson) -> None:
    preference = Preference.of(acting.person, acting.role.key)
    preference.lock()
    head = Head.objects.first()
    preference.read_through = head.seq if head else 0
    preference.save(update_fields=["read_through"])


def kinds_of(role: str) -> list[str]:
    """The events that can be a notice for this role: all that it hears with a title."""
    return sorted(event.name for event in catalogue if role in event.hears and event.title)
