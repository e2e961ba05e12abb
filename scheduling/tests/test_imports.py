"""Appointments from a file: judged line by line, booked in the background, and never twice."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from clinical.tests.wards import fresh
from hospital.models import Absence
from hospital.tests.asking import queries
from realtime.models import Event
from scheduling import importing, tasks
from scheduling.imports import Table, read
from scheduling.judging import judged
from scheduling.models import Appointment, AppointmentImport, ImportLine, Location, Room
from scheduling.tests.desks import Desk, a_type, morning
from scheduling.tests.lists import HEADING, text


@pytest.fixture
def desk(alpha) -> Desk:
    return Desk(alpha, rooms=9)


def line(patient: object, at=None, *, kind: str = "Check-up", provider: str = "Main Doctor", minutes: str = "") -> str:
    at = at or morning(3)
    number = getattr(patient, "number", patient)
    return f"{number},{at:%Y-%m-%d},{at:%H:%M},{kind},{provider},{minutes},Cough"


def verdicts(desk: Desk, *lines: str, heading: str = HEADING, outside: bool = False) -> list[tuple[str, str]]:
    with desk.hospital.acting():
        found = judged(read(text(*lines, heading=heading)), outside=outside)
        return [(str(one.verdict), one.words) for one in found]


def the_verdict(desk: Desk, *lines: str, **more) -> tuple[str, str]:
    return verdicts(desk, *lines, **more)[-1]


def looked_through(desk: Desk, *lines: str, outside: bool = False) -> AppointmentImport:
    with desk.hospital.acting("admin") as acting:
        return importing.look_through("list.csv", read(text(*lines)), outside=outside, by=acting.person)


def imported(desk: Desk, *lines: str, outside: bool = False) -> AppointmentImport:
    run = looked_through(desk, *lines, outside=outside)
    with desk.hospital.acting("admin") as acting:
        run.begin(by=acting.person)
    tasks.take_lines(desk.hospital.tenant, run.pk)
    with desk.hospital.acting():
        return fresh(run)


def outcomes(desk: Desk, run: AppointmentImport) -> list[str]:
    with desk.hospital.acting():
        return list(run.lines.values_list("outcome", flat=True))


# --- judging ------------------------------------------------------------------------------


def test_a_good_line_is_good(desk):
    assert the_verdict(desk, line(desk.patient())) == ("ok", "")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"patient": "P-999999"}, "There is no patient “P-999999”"),
        ({"patient": "Amara"}, "There is no patient “Amara”"),
        ({"kind": "Surgery"}, "There is no type of appointment “Surgery”"),
        ({"provider": "Nobody"}, "There is no provider “Nobody”"),
        ({"kind": ""}, "The type of appointment is missing"),
        ({"minutes": "4"}, "“4” is no length"),
        ({"minutes": "99999"}, "“99999” is no length"),
        ({"at": morning(-1)}, "This time has passed"),
        ({"at": morning(800)}, "more than two years ahead"),
    ],
)
def test_a_line_that_is_wrong_says_what_is(desk, change, words):
    verdict, said = the_verdict(desk, line(**{"patient": desk.patient(), **change}))
    assert verdict == "error" and words in said


def test_a_wrong_date_is_named(desk):
    verdict, said = the_verdict(desk, f"{desk.patient().number},3/4/2027,9:30,Check-up,Main Doctor,,")
    assert verdict == "error" and "“3/4/2027” is no date" in said


def test_a_patient_is_found_by_name_and_date_of_birth_unless_there_are_two(desk):
    heading = "given name,surname,date of birth,date,time,type,provider"
    tail = f"{morning(3):%Y-%m-%d},09:00,check-UP,{desk.hospital.main_doctor.email}"
    desk.patient(given_name="Zoë", family_name="Müller", birth_date=date(1980, 2, 3))
    assert the_verdict(desk, f"zoe,muller,1980-02-03,{tail}", heading=heading)[0] == "ok"
    assert "Nobody with this name" in the_verdict(desk, f"Zoë,Müller,1980-02-04,{tail}", heading=heading)[1]
    assert "are needed" in the_verdict(desk, f"Zoë,Müller,,{tail}", heading=heading)[1]
    desk.patient(given_name="Zoë", family_name="Müller", birth_date=date(1980, 2, 3))
    assert "Several patients" in the_verdict(desk, f"Zoë,Müller,1980-02-03,{tail}", heading=heading)[1]


def test_a_number_of_somebody_with_another_name_is_an_error(desk):
    patient = desk.patient()
    tail = f"{morning(3):%Y-%m-%d},09:00,Check-up,Main Doctor"
    heading = "patient,family name,date,time,type,provider"
    assert the_verdict(desk, f"{patient.mrn},OKAFOR,{tail}", heading=heading)[0] == "ok"
    assert "not somebody called “Smith”" in the_verdict(desk, f"{patient.mrn},Smith,{tail}", heading=heading)[1]


def test_who_has_died_gets_no_appointment(desk):
    patient = desk.patient(deceased_at=timezone.now())
    assert "has died" in the_verdict(desk, line(patient))[1]


def test_what_is_taken_says_by_what(desk):
    amara, bede = desk.patient(), desk.patient(given_name="Bede")
    row = desk.book(morning(3), patient=amara)
    assert the_verdict(desk, line(bede)) == ("error", f"Main Doctor is taken at this time: {row}.")
    other = line(amara, provider="Checker Doctor")
    assert f"has another appointment at this time: {row}" in the_verdict(desk, other)[1]


def test_lines_of_one_file_stand_in_each_others_way(desk):
    amara, bede = desk.patient(), desk.patient(given_name="Bede")
    found = verdicts(desk, line(amara), line(bede), line(amara, provider="Checker Doctor"), line(amara))
    assert [verdict for verdict, _ in found] == ["ok", "error", "error", "error"]
    assert "line 2" in found[1][1] and "line 2" in found[2][1] and found[3][1] == "The same as line 2."


def test_a_group_takes_as_many_lines_as_it_has_seats(desk):
    with desk.hospital.acting():
        a_type("Group", capacity=2)
    lines = [line(desk.patient(given_name=name), kind="Group") for name in ("A", "B", "C")]
    assert [verdict for verdict, _ in verdicts(desk, *lines)] == ["ok", "ok", "error"]


def test_outside_the_hours_is_an_error_or_a_remark_as_was_chosen(desk):
    patient = desk.patient()
    with desk.hospital.acting():
        begins = morning(3) - timedelta(hours=2)
        Absence(person=desk.hospital.main_doctor, begins_at=begins, ends_at=begins + timedelta(hours=9)).declare(
            by=None
        )
    assert the_verdict(desk, line(patient)) == ("error", "Main Doctor does not work at this time.")
    assert the_verdict(desk, line(patient), outside=True) == ("warning", "Main Doctor does not work at this time.")


def test_the_clock_of_the_house_counts_and_its_gap_is_no_time(alpha):
    with time_machine.travel("2027-03-01T12:00:00Z"):
        desk = Desk(alpha, time_zone="Europe/Berlin")
        patient = desk.patient()
        (found,) = lines_of(desk, f"{patient.number},2027-03-10,09:00,Check-up,Main Doctor,,")
        assert found.begins_at.isoformat() == "2027-03-10T08:00:00+00:00"
        gap = f"{patient.number},2027-03-28,02:30,Check-up,Main Doctor,,"
        assert the_verdict(desk, gap) == ("error", "The clock is put forward on 28 March 2027: there is no 02:30.")
        verdict, said = the_verdict(desk, f"{patient.number},2027-10-31,02:30,Check-up,Main Doctor,,")
        assert verdict == "warning" and "02:30 twice on this day" in said


def lines_of(desk: Desk, *lines: str) -> list[ImportLine]:
    with desk.hospital.acting():
        return list(judged(read(text(*lines)), outside=False))


def test_another_house_with_another_clock_can_be_named(desk):
    with desk.hospital.acting():
        Location.objects.create(name="Tokyo", time_zone="Asia/Tokyo")
    patient = desk.patient()
    heading = "patient,date,time,type,provider,location"
    row = f"{patient.mrn},{morning(3):%Y-%m-%d},09:00,Check-up,Main Doctor,tokyo"
    assert "works at Main house then, and not at Tokyo" in the_verdict(desk, row, heading=heading)[1]
    assert the_verdict(desk, row, heading=heading, outside=True)[0] == "ok"


def test_many_lines_ask_no_more_than_few(desk, django_assert_max_num_queries):
    patients = [desk.patient(given_name=f"N{number}") for number in range(30)]
    table = read(text(*(line(one, morning(3 + at)) for at, one in enumerate(patients))))
    with desk.hospital.acting(), django_assert_max_num_queries(20):
        assert {str(one.verdict) for one in judged(table, outside=False)} == {"ok"}
    assert isinstance(table, Table)


# --- importing ----------------------------------------------------------------------------


def test_each_line_is_booked_or_says_why_not(desk):
    run = imported(desk, line(desk.patient()), line("P-999999"))
    assert outcomes(desk, run) == ["booked", "refused"] and run.status == "done" and run.done == 2
    with desk.hospital.acting():
        (row,) = Appointment.objects.all()
        assert row.reason == "Cough" and run.lines.first().appointment == row


def test_nothing_is_booked_before_somebody_says_so(desk):
    run = looked_through(desk, line(desk.patient()))
    tasks.take_lines(desk.hospital.tenant, run.pk)
    with desk.hospital.acting("admin") as acting:
        run.discard(by=acting.person)
    assert outcomes(desk, run) == [""]


def test_the_same_file_again_books_nothing(desk):
    lines = [line(desk.patient()), line(desk.patient(given_name="Bede"), morning(4))]
    imported(desk, *lines)
    assert {verdict for verdict, _ in verdicts(desk, *lines)} == {"known"}
    assert outcomes(desk, imported(desk, *lines)) == ["there", "there"]
    with desk.hospital.acting():
        assert Appointment.objects.count() == 2


def test_what_was_imported_and_then_cancelled_stays_cancelled(desk):
    lines = [line(desk.patient())]
    run = imported(desk, *lines)
    with desk.hospital.acting("reception") as acting:
        run.lines.get().appointment.cancel("Ill", by=acting.person)
    assert outcomes(desk, imported(desk, *lines)) == ["there"]


def test_two_who_look_through_the_same_file_book_it_once(desk):
    lines = [line(desk.patient())]
    runs = [looked_through(desk, *lines) for _ in range(2)]
    for run in runs:
        with desk.hospital.acting("admin") as acting:
            run.begin(by=acting.person)
        tasks.take_lines(desk.hospital.tenant, run.pk)
    assert [outcomes(desk, run) for run in runs] == [["booked"], ["there"]]


def test_what_was_taken_meanwhile_and_what_finds_no_room_is_listed(desk):
    run = looked_through(desk, line(desk.patient()), line(desk.patient(given_name="Bede"), morning(4)))
    desk.book(morning(3))
    with desk.hospital.acting("admin") as acting:
        Room.objects.filter(appointments=None).delete()
        desk_room = Room.objects.get()
        run.begin(by=acting.person)
    desk.book(morning(4), provider=desk.checker, room=desk_room)
    tasks.take_lines(desk.hospital.tenant, run.pk)
    with desk.hospital.acting():
        assert [one.outcome for one in run.lines.all()] == ["refused", "refused"]
        first, second = (one.words for one in run.lines.all())
        assert "is taken at this time" in first and "No room of Main house" in second


def test_a_worker_that_dies_in_the_middle_leaves_the_rest_to_the_beat(desk):
    run = looked_through(desk, *(line(desk.patient(given_name=f"N{at}"), morning(3 + at)) for at in range(4)))
    with desk.hospital.acting("admin") as acting:
        run.begin(by=acting.person)
    tasks.take_line(desk.hospital.tenant, run.pk, 0)
    assert outcomes(desk, run) == ["booked", "", "", ""]
    call_command("continue_imports")
    assert outcomes(desk, run) == ["booked"] * 4
    with desk.hospital.acting():
        assert fresh(run).status == "done" and Appointment.objects.count() == 4


def test_a_line_that_breaks_the_program_stops_no_other(desk, monkeypatch, caplog):
    run = looked_through(desk, *(line(desk.patient(given_name=f"N{at}"), morning(3 + at)) for at in range(2)))
    whole = ImportLine._book

    def broken(self):
        if self.number == 2:
            raise RuntimeError("unforeseen")
        whole(self)

    monkeypatch.setattr(ImportLine, "_book", broken)
    with desk.hospital.acting("admin") as acting:
        run.begin(by=acting.person)
    tasks.take_lines(desk.hospital.tenant, run.pk)
    assert outcomes(desk, run) == ["refused", "booked"] and "unforeseen" in caplog.text


def test_the_progress_is_told_to_the_pages(desk):
    run = imported(desk, *(line(desk.patient(given_name=f"N{at}"), morning(3 + at)) for at in range(3)))
    with desk.hospital.acting():
        assert Event.objects.filter(name="import:changed", object_id=run.pk).count() >= 4


# --- pages --------------------------------------------------------------------------------


def upload(desk: Desk, content: bytes, **fields: str):
    file = SimpleUploadedFile("list.csv", content, content_type="text/csv")
    return desk.hospital.client("admin").post(f"{desk.hospital.url}/appointments/import/", {"file": file, **fields})


def test_a_file_is_uploaded_looked_at_and_booked(desk):
    answer = upload(desk, text(line(desk.patient()), line("P-999999")))
    assert answer.status_code == 302
    client, address = desk.hospital.client("admin"), answer.headers["Location"]
    page = client.get(address).content.decode()
    assert "Book 1 appointment<" in page and "There is no patient “P-999999”." in page
    assert client.post(f"{address}start/").status_code == 302
    with desk.hospital.acting():
        run = AppointmentImport.objects.get()
        assert run.status == "running"
    assert "You can leave this page" in client.get(address).content.decode()
    tasks.import_lines(str(desk.hospital.tenant.pk), str(run.pk))
    page = client.get(address).content.decode()
    assert "<strong>1</strong> booked" in page and "A-000001" in page
    assert "list.csv" in client.get(f"{desk.hospital.url}/appointments/import/").content.decode()


def test_the_result_is_the_file_again_with_what_became_of_each_line(desk):
    run = imported(desk, line(desk.patient()), line("=1+1"))
    address = f"{desk.hospital.url}/appointments/import/{run.pk}/result.csv"
    rows = list(csv.reader(io.StringIO(desk.hospital.client("admin").get(address).content.decode("utf-8-sig"))))
    assert rows[0] == ["line", *HEADING.split(","), "result", "why", "appointment"]
    assert rows[1][-3:] == ["Booked", "", "A-000001"] and rows[2][-3] == "Not booked"
    assert rows[2][1] == "'=1+1"


@pytest.mark.parametrize("content", [b"", b"\0\0", "é,b".encode("latin-1")])
def test_a_file_that_is_refused_says_why_at_its_field(desk, content):
    answer = upload(desk, content)
    assert answer.status_code == 422 and "is-invalid" in answer.content.decode()
    with desk.hospital.acting():
        assert not AppointmentImport.objects.exists()


def test_the_empty_file_to_fill_in_is_understood_when_it_is_filled_in(desk):
    patient = desk.patient()
    content = desk.hospital.client("admin").get(f"{desk.hospital.url}/appointments/import/template.csv").content
    assert patient.number == "P-000001"
    with time_machine.travel("2027-01-04T12:00:00Z"), desk.hospital.acting():
        (found,) = judged(read(content), outside=False)
        assert (found.verdict, found.words) == ("ok", "")


def test_who_may_not_set_up_may_not_import(desk):
    for role in ("reception", "main_doctor", "billing"):
        client = desk.hospital.client(role)
        assert client.get(f"{desk.hospital.url}/appointments/import/").status_code == 403


def test_the_page_of_a_long_file_asks_no_more(desk):
    pages = []
    for number in (2, 40):
        lines = (line(desk.patient(given_name=f"N{at}"), morning(3 + at)) for at in range(number))
        run = looked_through(desk, *lines)
        pages.append(len(queries(desk.hospital.client("admin"), f"{desk.hospital.url}{path_of(desk, run)}")))
    assert pages[0] == pages[1] <= 13


def path_of(desk: Desk, run: AppointmentImport) -> str:
    return f"/appointments/import/{run.pk}/"


# --- by command ---------------------------------------------------------------------------


def test_the_command_does_the_same(desk, tmp_path: Path, capsys):
    file, result = tmp_path / "list.csv", tmp_path / "result.csv"
    file.write_bytes(text(line(desk.patient()), line("P-999999")))
    slug = desk.hospital.tenant.slug
    call_command("import_appointments", file, tenant=slug, check=True)
    assert "1 can be booked, 0 imported before, 1 cannot." in capsys.readouterr().out
    call_command("import_appointments", file, tenant=slug, result=result)
    said = capsys.readouterr()
    assert "1 booked, 0 imported before, 1 not booked." in said.out and "line 3: Not booked" in said.err
    assert "A-000001" in result.read_text(encoding="utf-8")
    call_command("import_appointments", file, tenant=slug)
    assert "0 booked, 1 imported before, 1 not booked." in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["file", "tenant", "content"])
def test_the_command_refuses_what_it_cannot_do(desk, tmp_path: Path, wrong):
    file = tmp_path / "list.csv"
    if wrong != "file":
        file.write_bytes(b"nothing")
    slug = "nobody" if wrong == "tenant" else desk.hospital.tenant.slug
    with pytest.raises(CommandError):
        call_command("import_appointments", file, tenant=slug)
