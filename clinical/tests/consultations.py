"""The doctor's page for the tests: where it is, what a doctor types there, and how it is sent."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client

from clinical.models import Visit
from clinical.tests.answers import text
from clinical.tests.dispensary import COLD, a_checked_visit, a_medicine, received
from hospital.tests.hospital import Hospital


def examined_in(hospital: Hospital) -> Visit:
    """A visit that waits for the doctor, and a medicine in stock."""
    with hospital.acting():
        received(a_medicine(), 100)
        return a_checked_visit()


def consult(hospital: Hospital, visit: Visit, more: str = "") -> str:
    return f"{hospital.url}/visits/{visit.pk}/consult/{more}"


def seen(client: Client, hospital: Hospital, visit: Visit) -> str:
    return re.search(r'name="seen" value="(\w+)"', text(client.get(consult(hospital, visit))))[1]


def diagnosis(code: str = COLD, key: str = "a", **more: str) -> dict[str, str]:
    return {"diagnosis": key, f"{key}-code": code, **{f"{key}-{name}": value for name, value in more.items()}}


def line(code: str = "PARA500", key: str = "p", quantity: str = "20", **more: str) -> dict[str, str]:
    more = {"dose": "1 tablet", "frequency": "twice a day", **more}
    return {
        "line": key,
        f"{key}-medicine": code,
        f"{key}-quantity": quantity,
        **{f"{key}-{name}": value for name, value in more.items()},
    }


def send(
    hospital: Hospital,
    visit: Visit,
    action: str,
    said: dict[str, Any],
    *,
    client: Client | None = None,
    follow: bool = False,
) -> HttpResponse:
    client = client or hospital.client("main_doctor")
    return client.post(
        consult(hospital, visit), {"seen": seen(client, hospital, visit), "action": action, **said}, follow=follow
    )


def now(hospital: Hospital, visit: Visit) -> Visit:
    with hospital.acting():
        return Visit.objects.shown().get(pk=visit.pk)
