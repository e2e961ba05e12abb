"""A critical value in the laboratory of a test's hospital, and what comes of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from clinical.models import LabOrder, LabTest, Patient
from clinical.tests.laboratories import ordered, potassium, worked
from hospital.models import Absence, Membership, Person
from hospital.tests.hospital import Hospital
from realtime.alerts import ladder
from realtime.alerts.models import Alert, Climb


def critical_value(hospital: Hospital, value: str = "6.6", patient: Patient | None = None) -> Alert:
    """Ordered by the checker doctor, critical, released."""
    return alert_of(hospital, released(hospital, value, patient))


def released(hospital: Hospital, value: str = "6.6", patient: Patient | None = None) -> LabOrder:
    with hospital.acting("admin"):
        test = LabTest.objects.filter(code="K").first() or potassium()
    _, [order] = ordered(hospital, test, patient=patient)
    return worked(hospital, order, "released", value)


def alert_of(hospital: Hospital, order: LabOrder) -> Alert:
    with hospital.acting():
        return Alert.objects.select_related("acknowledged_by").get(object_id=order.pk)


def again(hospital: Hospital, alert: Alert) -> Alert:
    with hospital.acting():
        return Alert.objects.get(pk=alert.pk)


def later(alert: Alert, minutes: float) -> datetime:
    return alert.raised_at + timedelta(minutes=minutes)


def sweep(hospital: Hospital, alert: Alert, minutes: float) -> int:
    """As the beat does so many minutes after the alert was raised."""
    return ladder.sweep_in(hospital.tenant, later(alert, minutes))


def told(hospital: Hospital, alert: Alert) -> list[tuple[int, set[str]]]:
    """Each climb: the step, and the names of those who were told on screen."""
    with hospital.acting():
        climbs = Climb.objects.filter(alert=alert).prefetch_related("told__person")
        return [
            (climb.step, {told.person.name for told in climb.told.all() if told.channel == "screen"})
            for climb in climbs
        ]


def make_head(hospital: Hospital, person: Person, role: str) -> None:
    with hospital.acting():
        Membership.objects.get(person=person, role__key=role).be_head()


def send_away(hospital: Hospital, person: Person, cover: Person | None = None) -> Absence:
    with hospital.acting():
        absence = Absence(person=person, covered_by=cover, begins_at=datetime.fromisoformat("2020-01-01T00:00Z"))
        absence.declare(by=None)
        return absence


def answer(hospital: Hospital, alert: Alert, role: str = "checker_doctor", **more: str) -> None:
    given = {"done": "acted", "text": "Calcium given, repeated in an hour.", "read_back": "6.6"} | more
    with hospital.acting(role) as acting:
        Alert.objects.get(pk=alert.pk).acknowledge(by=acting.person, role=role, **given)


def banners(page) -> str:
    content = page.content.decode()
    return content.partition('id="alert-banners"')[2].partition('id="alerts"')[0]


def bell(page) -> tuple[int, str]:
    content = page.content.decode()
    found = re.search(r'aria-label="Alerts: (\d+) wait', content)
    unread = re.search(r'aria-label="Notices: (\S+) unread"', content)
    return int(found[1]), unread[1]
