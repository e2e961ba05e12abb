"""How the lines about messages of other systems come about; see happenings.py."""

from __future__ import annotations

from clinical.models import PatientIdentifier
from clinical.tests.messages import message, oru, send
from realtime.tests.happenings import happens
from realtime.tests.note_happenings import HAPPENINGS, Day

__all__ = ["HAPPENINGS", "Day"]
NUMBER = "M-1^^^WALK^MR"
POTASSIUM = "2823-3^Potassium^LN"


@happens("message:changed", "a result waits")
def sends_of_somebody_unknown(day: Day) -> None:
    send(day.hospital, oru("OBR|1||W1|" + POTASSIUM, f"OBX|1|NM|{POTASSIUM}||4.1|mmol/L|||||F", person="?^^^WALK^MR"))


@happens("message:changed", "a registration waits")
def registers_nobody(day: Day) -> None:
    send(day.hospital, message("ADT^A08", "PID|1||?^^^WALK^MR"))


@happens("lab:outside_result", "a value is critical")
def sends_a_critical_value(day: Day) -> None:
    visit = day.examined()
    with day.hospital.acting():
        PatientIdentifier.objects.create(patient_id=visit.patient_id, system="WALK", value="M-1")
    critical = f"OBX|1|NM|{POTASSIUM}||9.1|mmol/L|3.5-5.1|HH|||F"
    assert send(day.hospital, oru("OBR|1||W2|" + POTASSIUM, critical, person=NUMBER)).word == "applied"
