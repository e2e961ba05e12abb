"""How often a form asks the database: what it costs is mostly that."""

from __future__ import annotations

from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinical.models import Patient, Visit

# The session with its person, the tenant, the roles, where the log stands, the form's key; the place, the visit and the
# place again when they are held; the place, its event, the visit, its event; the form's key, the session.
CALL = 14


def test_calling_a_patient_asks_fourteen_times_and_begins_one_transaction(alpha):
    with alpha.acting("reception") as acting:
        patient = Patient.register(by=acting.person, given_name="Ada", family_name="Okafor", sex="female")
        visit = Visit.register(patient, complaint="Cough", by=acting.person)
    client = alpha.client("reception")
    asked = [called(client, f"{alpha.url}/visits/{visit.pk}/call/", room) for room in ("Room 1", "Room 2")][-1]
    assert asked.count("BEGIN") == asked.count("COMMIT") == 1
    assert len(asked) - 2 <= CALL, "\n".join(asked)


def called(client, address: str, room: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(address, {"form_key": uuid4(), "room": room})
    assert answer.status_code == 302
    return [query["sql"] for query in asked.captured_queries]
