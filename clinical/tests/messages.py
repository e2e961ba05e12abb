"""Messages for tests, written as their senders write them."""

from __future__ import annotations

import itertools

from clinical.hl7.store import Receipt, take
from clinical.models import Hl7Message, Patient, PatientIdentifier
from hospital.tests.hospital import Hospital

NUMBERS = itertools.count(1)
PERSON = (
    "4711^^^CITY&1.2.3.4&ISO^MR||Ng^Ada^Mei^^Dr.||19900304|F|||12 Low Road^^Leeds^^LS1 4AP^GB||(415)555-2671^PRN^PH"
)


def message(
    kind: str,
    *segments: str,
    control: str = "",
    sender: str = "LAB|NORTH",
    version: str = "2.5.1",
    mode: str = "",
    processing: str = "P",
    charset: str = "",
) -> bytes:
    """`mode` is MSH-15 and MSH-16, as "AL|NE"."""
    control = control or f"C{next(NUMBERS)}"
    head = f"MSH|^~\\&|{sender}|HERE|HOUSE|20261101101500||{kind}|{control}|{processing}|{version}|||{mode or '|'}||{charset}"
    return "\r".join((head, *segments)).encode()


def adt(trigger: str, person: str = PERSON, *segments: str, **said: str) -> bytes:
    return message(f"ADT^{trigger}^ADT_{trigger}", f"EVN|{trigger}|20261101", f"PID|1||{person}", *segments, **said)


def oru(*segments: str, person: str = PERSON, **said: str) -> bytes:
    return message("ORU^R01^ORU_R01", f"PID|1||{person}", *segments, **said)


def send(hospital: Hospital, raw: bytes, **more: bool) -> Receipt:
    with hospital.acting():
        return take(raw, via="a test", **more)


def registered(hospital: Hospital, person: str = PERSON, **said: str) -> Patient:
    """As its sender registers it."""
    assert send(hospital, adt("A28", person, **said)).word == "applied"
    with hospital.acting():
        return PatientIdentifier.objects.get(value=person.split("^")[0]).patient


def row_of(hospital: Hospital, receipt: Receipt) -> Hl7Message:
    with hospital.acting():
        return Hl7Message.objects.select_related("patient", "sender").get(pk=receipt.row.pk)
