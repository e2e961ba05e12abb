"""The log of biopsies: what is overdue says so by itself, and whoever asks finds each one."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.http import QueryDict
from django.utils import timezone

from clinical.forms.biopsy_log import LogFilter
from clinical.models import Biopsy, PathologyReport, SavedFilter
from clinical.models.biopsy_clock import AWAY, OWN_DAYS
from clinical.tasks import biopsies_late_in, watch_biopsies
from clinical.tests.answers import text
from clinical.tests.pathology import STEPS, a_biopsy, a_laboratory, codes, reported, reviewed
from clinical.tests.wards import a_patient
from clinical.views.biopsy_log import first_of
from hospital.models import AuditEntry
from hospital.tests.asking import queries
from realtime.catalogue import catalogue
from realtime.models import Event

ROW = re.compile(r'<tr id="biopsy-([\w-]+)"')
PILL = re.compile(r">([\w ]+)<span class=\"pill-count\">(\d+)<")


def log(hospital, query="", role="main_doctor"):
    answer = hospital.client(role).get(f"{hospital.url}/biopsies/{query}")
    assert answer.status_code == 200
    return text(answer)


def keys(page):
    return ROW.findall(page)


def again(hospital, biopsy):
    with hospital.acting():
        return Biopsy.objects.get(pk=biopsy.pk)


def notices(hospital, biopsy):
    """The titles of what was loud about it."""
    with hospital.acting():
        rows = Event.objects.filter(name="biopsy:updated", object_id=biopsy.pk, loud=True)
        title = catalogue.by_name["biopsy:updated"].title_for(Biopsy.objects.get(pk=biopsy.pk), "main_doctor")
        return [title] * rows.count()


def in_days(biopsy, number):
    return time_machine.travel(biopsy.sent_at + timedelta(days=number, minutes=1), tick=False)


def corrected(hospital, biopsy, code):
    with hospital.acting("lab_technician") as acting:
        PathologyReport.correct(biopsy, "Deeper levels", by=acting.person, source="hand", code=code, text="It is not")
    return biopsy


def differs(hospital, biopsy):
    """What the doctor thought is of another category."""
    with hospital.acting():
        Biopsy.objects.filter(pk=biopsy.pk).update(clinical_code="L57.0")


# --- overdue ------------------------------------------------------------------------------


def test_a_biopsy_that_nobody_touches_becomes_overdue_and_says_so(alpha):
    """TT-3: found by the sweep and by whoever reads, never by somebody touching the row."""
    biopsy = again(alpha, a_biopsy(alpha, "sent"))
    with in_days(biopsy, 6.9):
        assert "Overdue" not in log(alpha).partition("<tbody>")[2]
        assert biopsies_late_in(alpha.tenant) == 0
    with in_days(biopsy, 7):
        page = log(alpha)
        assert ("Overdue" in page.partition("<tbody>")[2], "1 overdue" in page) == (True, True)
        assert again(alpha, biopsy).version == biopsy.version
        assert watch_biopsies() >= 1  # of all hospitals
        assert biopsies_late_in(alpha.tenant) == 0
        assert len(notices(alpha, biopsy)) == 1


def test_each_tier_of_its_laboratory_is_told_once(alpha):
    with alpha.acting():
        quick = a_laboratory(alpha, first_days=2, second_days=4, third_days=6)
    biopsy = again(alpha, a_biopsy(alpha, "processing"))
    assert biopsy.laboratory_id == quick.pk
    told, words = [], []
    for day in range(8):
        with in_days(biopsy, day):
            told.append(biopsies_late_in(alpha.tenant))
            words += notices(alpha, biopsy)[-1:] if told[-1] else []
    assert told == [0, 0, 1, 0, 1, 0, 1, 0]
    assert [one.partition(": BX")[0] for one in words] == [
        "Overdue: no result for 2 days",
        "Overdue again: no result for 4 days",
        "Overdue, urgent: no result for 6 days",
    ]


def test_the_clock_of_the_laboratory_goes_on_through_its_steps_and_ends_with_the_result(alpha):
    biopsy = again(alpha, a_biopsy(alpha, "sent"))
    with in_days(biopsy, 8), alpha.acting("lab_technician") as acting:
        biopsy.notice_late()
        biopsy.receive("Bench", by=acting.person)
        assert (biopsy.tier, biopsy.said_tier) == (1, 1)
        biopsy.process("Bench", by=acting.person)
        PathologyReport.enter(biopsy, by=acting.person, source="hand", text="Sections show a naevus")
        assert (biopsy.tier, biopsy.said_tier) == (0, 0)
    with in_days(biopsy, 11), alpha.acting():
        assert biopsy.late_words == "Overdue: not reviewed for 3 days"


def test_the_row_and_the_database_reckon_alike(alpha):
    """In every status, before and after each tier."""
    found = codes(alpha)
    rows = [a_biopsy(alpha, status) for status in STEPS]
    rows += [reported(alpha, found["NEVUS"]).biopsy, reviewed(alpha, found["NEVUS"])]
    for status in ("lost", "unsatisfactory"):
        rows.append(a_biopsy(alpha, "collected"))
        with alpha.acting("main_doctor") as acting:
            rows[-1].fail(status, "Dried out", by=acting.person)
    now = timezone.now()
    reached = set()
    for day in (0, 1, 2, 3, 4, 7, 10, 14, 30):
        with time_machine.travel(now + timedelta(days=day), tick=False), alpha.acting():
            for row in Biopsy.objects.timed():
                assert (row.tier, row.due_at) == (row.late_tier, row.first_due), (row.status, day)
                reached.add((row.status, row.tier))
    assert reached == {(status, tier) for status in {*OWN_DAYS, *AWAY} for tier in range(4)}
    assert len(rows) == 9


def test_one_that_cannot_be_saved_keeps_no_other_from_being_told(alpha, caplog):
    broken, sound = again(alpha, a_biopsy(alpha, "sent")), again(alpha, a_biopsy(alpha, "sent"))
    with alpha.acting():
        Biopsy.objects.filter(pk=broken.pk).update(version=2**31 - 1)
    with in_days(sound, 8):
        assert biopsies_late_in(alpha.tenant) == 1
    assert str(broken.pk) in caplog.text
    assert (again(alpha, broken).said_tier, again(alpha, sound).said_tier) == (0, 1)


# --- the list -----------------------------------------------------------------------------


def test_the_log_is_narrowed_by_status_doctor_laboratory_site_number_label_and_patient(alpha):
    first = a_biopsy(alpha, "ordered")
    with alpha.acting("reception"):
        other = a_patient(given_name="Zuri", family_name="Mwangi")
    second = a_biopsy(alpha, "sent", patient=other)
    with alpha.acting():
        label = second.specimens.get().number
        Biopsy.objects.filter(pk=second.pk).update(site="forehead")
    one, two = str(first.pk), str(second.pk)
    found = {
        "": {one, two},
        "?status=away": {two},
        "?status=ended": set(),
        f"?doctor={alpha.main_doctor.pk}": {one, two},
        f"?laboratory={first.laboratory_id}&site=forehead": {two},
        f"?q={second.number}": {two},
        f"?q={label}": {two},
        "?q=Mwangi": {two},
        "?late=1": set(),
        "?until=2020-01-01": set(),
        "?site=nowhere&doctor=x": {one, two},
    }
    assert {query: set(keys(log(alpha, query))) for query in found} == found
    assert dict(PILL.findall(log(alpha)))["At the laboratory"] == "1"


@pytest.mark.parametrize(
    ("group", "headings"),
    [
        ("status", ["Ordered 1", "Sent 2"]),
        ("doctor", ["Main Doctor 3"]),
        ("laboratory", ["North Pathology 3"]),
        ("site", ["Upper back 3"]),
    ],
)
def test_it_is_put_together_by(alpha, group, headings):
    for status in ("sent", "ordered", "sent"):
        a_biopsy(alpha, status)
    shown = re.findall(r'colspan="7">([\w ]+) <span class="pill-count">(\d+)<', log(alpha, f"?group={group}"))
    assert [" ".join(one) for one in shown] == headings


def test_what_is_due_first_stands_first(alpha):
    late, early = a_biopsy(alpha, "sent"), a_biopsy(alpha, "collected")
    with alpha.acting():
        Biopsy.objects.filter(pk=late.pk).update(sent_at=timezone.now() - timedelta(days=9))
    assert keys(log(alpha)) == [str(late.pk), str(early.pk)]


def test_a_filter_is_kept_for_one_person_and_deleted_again(alpha):
    client = alpha.client("main_doctor")
    answer = client.post(f"{alpha.url}/biopsies/filters/", {"name": " Mine, late ", "query": "late=1&page=3"})
    assert answer.headers["Location"] == f"{alpha.url}/biopsies/?late=1"
    assert "Mine, late" in log(alpha)
    assert "Mine, late" not in log(alpha, role="lab_technician")
    client.post(f"{alpha.url}/biopsies/filters/", {"name": "Mine, late", "query": "late=2"})
    with alpha.acting():
        kept = SavedFilter.objects.get()
    assert kept.query == "late=2"
    drop = f"{alpha.url}/biopsies/filters/{kept.pk}/drop/"
    assert alpha.client("lab_technician").post(drop).status_code == 404
    assert client.post(drop).status_code == 302
    assert "Mine, late" not in log(alpha)
    assert client.post(f"{alpha.url}/biopsies/filters/", {"name": " ", "query": ""}).status_code == 422


def test_what_is_not_filtered_is_not_kept(alpha):
    assert "Keep this filter" not in log(alpha, "?q=Mwangi&doctor=&page=1")
    assert "Keep this filter" in log(alpha, "?late=1")


def test_the_export_is_the_log_as_it_is_narrowed_and_is_written_down(alpha):
    a_biopsy(alpha, "ordered")
    found = codes(alpha)
    biopsy = reviewed(alpha, found["NEVUS"])
    answer = alpha.client("main_doctor").get(f"{alpha.url}/biopsies/csv/?status=reviewed")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["Number"], row["Pathological diagnosis"], row["Level"]) for row in rows] == [
        (biopsy.number, "Melanocytic naevus", "Benign")
    ]
    with alpha.acting():
        assert AuditEntry.objects.filter(action="export", table="clinical_biopsy").count() == 1


def test_an_export_that_is_cut_says_so(alpha):
    for _ in range(2):
        a_biopsy(alpha, "ordered")
    with alpha.acting("main_doctor"):
        form = LogFilter(QueryDict(), reads_results=True)
        rows, left = first_of(form, 1)
        assert (len(rows), left) == (1, "There are more than these 1. Narrow the log to have the others.")
        assert first_of(form, 2)[1] == ""


def test_a_telephone_number_finds_its_patient(alpha):
    with alpha.acting("reception"):
        patient = a_patient(given_name="Zuri", family_name="Mwangi", phone="5550148")
    biopsy, other = a_biopsy(alpha, "ordered", patient=patient), a_biopsy(alpha, "ordered")
    assert keys(log(alpha, "?q=5550148")) == [str(biopsy.pk)]
    assert keys(log(alpha, f"?q={other.serial}")) == [str(other.pk)]


def test_a_filter_keeps_no_name(alpha):
    body = {"name": "Late ones", "query": "q=Okafor&late=1"}
    alpha.client("main_doctor").post(f"{alpha.url}/biopsies/filters/", body)
    with alpha.acting():
        assert SavedFilter.objects.get().query == "late=1"


def test_lists_ask_as_often_for_many_as_for_one_also_of_results_where_a_chart_is_closed(alpha):
    """A result leads to its patient by its biopsy or its file: where charts are closed, each row is asked whose it is."""
    found = codes(alpha)
    with alpha.acting("admin") as acting:
        a_patient(given_name="Hidden", family_name="Person").restrict("Works here", by=acting.person)
    client = alpha.client("main_doctor")
    pages = [f"{alpha.url}/biopsies/{page}" for page in ("?group=doctor", "csv/", "report/", "corrected/")]

    def one_more():
        a_biopsy(alpha, "sent")
        differs(alpha, corrected(alpha, reported(alpha, found["NEVUS"]).biopsy, found["MM"]))

    one_more()
    few = {page: len(queries(client, page)) for page in pages}
    for _ in range(2):
        one_more()
    assert {page: len(queries(client, page)) for page in pages} == few


# --- where it is counted --------------------------------------------------------------------


def test_it_stands_among_the_loops_until_it_is_closed(alpha):
    biopsy = a_biopsy(alpha, "sent")

    def shown(role):
        return str(biopsy.pk) in text(alpha.client(role).get(f"{alpha.url}/loops/?kind=biopsies"))

    assert (shown("main_doctor"), shown("lab_technician")) == (True, True)
    assert str(biopsy.pk) not in text(alpha.client("checker_doctor").get(f"{alpha.url}/loops/?whose=all"))
    with alpha.acting("main_doctor") as acting:
        row = Biopsy.objects.get(pk=biopsy.pk)
        row.fail("lost", "Not in the bag", by=acting.person)
        row.rebiopsy_tasks.get().decline("The patient knows.", by=acting.person)
    assert shown("main_doctor")
    with alpha.acting("main_doctor") as acting:
        Biopsy.objects.get(pk=biopsy.pk).close(by=acting.person)
    assert not shown("main_doctor")


def test_a_doctor_begins_with_biopsies_of_ones_own(alpha):
    older, own = a_biopsy(alpha, "sent"), a_biopsy(alpha, "sent")
    second = alpha.person("main_doctor", "Second Doctor")
    with alpha.acting():
        Biopsy.objects.filter(pk=own.pk).update(ordered_by=second)
        Biopsy.objects.filter(pk=older.pk).update(sent_at=timezone.now() - timedelta(days=1))
    url = f"{alpha.url}/loops/?kind=biopsies"
    page = text(alpha.client("main_doctor", "Second Doctor").get(url))
    assert (str(own.pk) in page, str(older.pk) in page) == (True, False)


def test_the_sidebar_counts_what_is_late_and_for_the_doctor_what_came_back(alpha):
    reported(alpha, codes(alpha)["NEVUS"])
    late = a_biopsy(alpha, "sent")
    with alpha.acting():
        Biopsy.objects.filter(pk=late.pk).update(sent_at=timezone.now() - timedelta(days=9))

    def counted(role):
        page = text(alpha.client(role).get(f"{alpha.url}/waiting/"))
        return re.findall(r'id="waiting-biopsies" class="place-count"[^>]*>(\d+)<', page)

    assert (counted("main_doctor"), counted("lab_technician")) == (["2"], ["1"])


def test_a_restricted_chart_is_masked_in_the_log_and_in_its_export(alpha):
    with alpha.acting("reception"):
        patient = a_patient(given_name="Hidden", family_name="Person")
    biopsy = a_biopsy(alpha, "sent", patient=patient)
    with alpha.acting("admin") as acting:
        patient.restrict("Works here", by=acting.person)
    page = log(alpha)
    assert (str(biopsy.pk) in page, "Restricted chart" in page, "Hidden" in page) == (True, True, False)
    answer = alpha.client("main_doctor").get(f"{alpha.url}/biopsies/csv/")
    assert "Hidden" not in answer.content.decode()


def test_a_malignancy_stands_first_only_for_who_may_know_it(alpha):
    found = codes(alpha)
    first, ill, closed = (reported(alpha, found[code]).biopsy for code in ("NEVUS", "MM", "MM"))
    with alpha.acting("admin") as acting:
        closed.patient.restrict("A colleague", by=acting.person)
    by_age = [str(one.pk) for one in (first, ill, closed)]
    assert keys(log(alpha)) == [by_age[1], by_age[0], by_age[2]]
    with alpha.acting("main_doctor") as acting:
        acting.role.allow_exactly(acting.role.permissions - {"clinical.view_results"})
    assert keys(log(alpha)) == by_age
