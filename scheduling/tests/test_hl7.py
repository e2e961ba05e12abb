"""SIU: appointments by messages are booked, moved and cancelled as at the desk, and refused as there."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from clinical.hl7.settling import explain
from clinical.hl7.store import settle
from clinical.hl7.undoing import undo_effect
from clinical.models import Hl7Message
from clinical.tests.messages import PERSON, message, registered, row_of, send
from hospital.workflow import Refused
from scheduling.models import Appointment
from scheduling.tests.desks import Desk, morning


def siu(
    trigger: str, begins: datetime, *, number: str = "S1", provider: str = "", kind: str = "Check-up", note: str = ""
) -> bytes:
    at = f"{begins:%Y%m%d%H%M}+0000"
    return message(
        f"SIU^{trigger}^SIU_S12",
        f"SCH||{number}|||||Cough|{kind}|30|min|^^30^{at}^{(begins + timedelta(minutes=30)):%Y%m%d%H%M}+0000",
        f"NTE|1||{note}",
        f"PID|1||{PERSON}",
        "RGS|1|A",
        f"AIS|1|A|{kind}|{at}|||30|min",
        f"AIP|1|A|{provider}|||{at}|||30|min",
    )


def doctor(hospital) -> str:
    given, _, family = hospital.main_doctor.name.partition(" ")
    return f"77^{family}^{given}"


def test_an_appointment_is_booked_moved_described_and_cancelled_under_its_own_number(alpha, beta):
    desk, patient = Desk(alpha), registered(alpha)
    assert send(alpha, siu("S12", morning(), provider=doctor(alpha))).word == "applied"
    with alpha.acting():
        row = Appointment.objects.get()
        assert (row.patient, row.provider, row.begins_at, row.minutes) == (patient, desk.doctor, morning(), 30)
        assert row.reason == "Cough"
    assert send(alpha, siu("S13", morning(hour=11))).word == "applied"
    assert send(alpha, siu("S14", morning(hour=11), note="Brings an interpreter")).word == "applied"
    with alpha.acting():
        assert Appointment.objects.get(status="rescheduled") == row
        moved = Appointment.objects.get(status="booked")
        assert (moved.begins_at, moved.moved_from) == (morning(hour=11), row)
        assert "interpreter" in moved.reason
    assert send(alpha, siu("S15", morning(hour=11), note="Got well")).word == "applied"
    with alpha.acting():
        assert Appointment.objects.get(pk=moved.pk).status == "cancelled"
    with beta.acting():
        assert not Appointment.objects.exists()


def test_a_time_that_is_taken_waits_with_the_reason_and_is_booked_when_it_is_free(alpha):
    desk = Desk(alpha)
    registered(alpha)
    other = desk.book(morning())
    row = row_of(alpha, send(alpha, siu("S12", morning(), provider=doctor(alpha))))
    assert row.waits_for == "refused"
    assert "taken at this time" in row.words
    with alpha.acting("reception") as acting:
        other.cancel("Ill", by=acting.person)
        assert settle(row, by=acting.person)
        assert Appointment.objects.get(status="booked").patient == row.patient


def test_an_unknown_provider_or_type_is_explained_once_and_frees_the_others(alpha):
    desk = Desk(alpha)
    registered(alpha)
    raws = [siu("S12", morning(day), number=f"N{day}", provider="9^House^Greg", kind="VISIT^Visit") for day in (1, 2)]
    rows = [row_of(alpha, send(alpha, raw)) for raw in raws]
    assert [{ask["subject"] for ask in row.asks} for row in rows] == [{"provider", "type"}] * 2
    with alpha.acting("reception") as acting:
        for ask in list(rows[0].asks):
            target = desk.doctor if ask["subject"] == "provider" else desk.type
            explain(rows[0], ask["subject"], ask["code"], str(target.pk), by=acting.person)
        assert Hl7Message.objects.filter(code="SIU", status="applied").count() == 2
        assert Appointment.objects.filter(status="booked").count() == 2


def test_a_no_show_and_what_nobody_booked(alpha):
    desk, patient = Desk(alpha), registered(alpha)
    unknown = row_of(alpha, send(alpha, siu("S15", morning(), number="?")))
    assert unknown.waits_for == "conflict"
    page = alpha.client("reception").get(f"{alpha.url}/messages/{unknown.pk}/").content.decode()
    assert f"It is about {patient.name}, {patient.number}. Is it somebody else?" in page
    send(alpha, siu("S12", morning(), provider=doctor(alpha)))
    early = row_of(alpha, send(alpha, siu("S26", morning())))
    assert (early.waits_for, "not begun" in early.words) == ("refused", True)
    past = row_of(alpha, send(alpha, siu("S12", morning(-3), number="OLD", provider=doctor(alpha))))
    assert (past.waits_for, "has passed" in past.words) == ("refused", True)
    with alpha.acting():
        assert Appointment.objects.get().patient == patient
        assert desk.doctor


def test_an_appointment_of_another_patient_is_not_touched(alpha):
    Desk(alpha)
    registered(alpha)
    send(alpha, siu("S12", morning(), provider=doctor(alpha)))
    other = "5^^^CITY&1.2.3.4&ISO^MR||Roth^Max||19500101|M"
    registered(alpha, other)
    raw = siu("S15", morning()).replace(PERSON.encode(), other.encode())
    assert "another patient" in row_of(alpha, send(alpha, raw)).words
    with alpha.acting():
        assert Appointment.objects.get().status == "booked"


def undo(hospital, receipt) -> Hl7Message:
    with hospital.acting("reception") as acting:
        undo_effect(row_of(hospital, receipt), "Another clinic", by=acting.person)
    return row_of(hospital, receipt)


def booked_at(hospital) -> list[datetime]:
    with hospital.acting():
        return list(Appointment.objects.filter(status="booked").values_list("begins_at", flat=True))


def test_what_a_message_did_is_undone_step_by_step(alpha):
    Desk(alpha)
    registered(alpha)
    first = send(alpha, siu("S12", morning(), provider=doctor(alpha)))
    moved = send(alpha, siu("S13", morning(hour=11)))
    described = send(alpha, siu("S14", morning(hour=11), note="Brings an interpreter"))
    ended = send(alpha, siu("S15", morning(hour=11)))
    assert booked_at(alpha) == []
    assert "booked again as" in undo(alpha, ended).words
    assert booked_at(alpha) == [morning(hour=11)]
    undo(alpha, moved)
    assert "is rescheduled already" in undo(alpha, first).words
    undo(alpha, described)


def test_a_booking_is_undone_and_its_number_is_free_again(alpha):
    Desk(alpha)
    registered(alpha)
    sent = send(alpha, siu("S12", morning(), provider=doctor(alpha)))
    assert undo(alpha, sent).waits_for == "conflict"
    assert booked_at(alpha) == []
    with alpha.acting("reception") as acting:
        assert settle(row_of(alpha, sent), by=acting.person)
    assert booked_at(alpha) == [morning()]


def test_a_time_that_somebody_took_since_stays_theirs(alpha):
    desk = Desk(alpha)
    registered(alpha)
    send(alpha, siu("S12", morning(), provider=doctor(alpha)))
    sent = send(alpha, siu("S13", morning(hour=11)))
    desk.book(morning())
    with pytest.raises(Refused):
        undo(alpha, sent)
    assert row_of(alpha, sent).status == "applied"
    assert sorted(booked_at(alpha)) == [morning(), morning(hour=11)]
