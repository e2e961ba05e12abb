"""A critical event becomes an alert, in its own transaction. Its declaration is all that this needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from hospital.context import current
from hospital.middleware import script_prefix
from hospital.models import Role
from hospital.seals import raw
from hospital.tenancy import acting_for
from realtime.alerts.ladder import begin
from realtime.alerts.models import ADMIN, Alert, bare_title
from realtime.catalogue import LiveEvent, Loudness


def follow(event: LiveEvent, instance: Any, levels: Mapping[str, str]) -> None:
    """Of each event that was emitted: a newer word about the same thing takes the place of an open alert."""
    critical = [role for role, level in levels.items() if level == Loudness.CRITICAL]
    if not critical and event.answers is None:
        return
    for former in Alert.objects.open().filter(kind=event.name, object_id=instance.pk):
        former.supersede()
    if critical:
        begin(alert_of(event, instance, critical), timezone.now())


def alert_of(event: LiveEvent, instance: Any, critical: list[str]) -> Alert:
    titles = titles_of(event, instance, {*critical, ADMIN})
    with script_prefix(f"/{current().tenant.slug}/"):
        link = event.link_for(instance)
    return Alert(
        kind=event.name,
        object_id=instance.pk,
        patient_id=event.about_for(instance),
        titles=titles,
        link=link,
        roles=[role for role in critical if role in titles],
        expected=to_read_back(event, instance),
        answers_id=event.answers(instance) if event.answers else None,
    )


@raw()
def to_read_back(event: LiveEvent, instance: Any) -> str:
    return event.reads_back(instance)[:200] if event.reads_back else ""


def titles_of(event: LiveEvent, instance: Any, keys: set[str]) -> dict[str, str]:
    """What each role is told. A role that lost its permission is told nothing; administrators at least that there is one."""
    titles = {}
    for role in Role.objects.filter(key__in=keys).select_related("group"):
        with acting_for(current().tenant, None, role):
            if event.is_for(role.permissions):
                titles[role.key] = event.title_for(instance, role.key)
            elif role.key == ADMIN:
                titles[role.key] = bare_title(event.name)
    return titles
