"""The laboratory's pages: what each shows to whom, with and without htmx."""

from __future__ import annotations

import pytest

from clinical.models import Document, LabOrder, LabTest, Visit
from clinical.templatetags.laboratory import lab_lists
from clinical.tests.laboratories import culture, histology, malaria, ordered, potassium, worked
from clinical.tests.papers import pdf, upload
from clinical.tests.wards import a_patient
from hospital.models import AuditEntry
from hospital.tests.asking import queries
from hospital.tests.figures import has_figure

HX = {"HX-Request": "true"}
DIALOG = {**HX, "HX-Target": "dialog"}


@pytest.fixture
def order(alpha) -> LabOrder:
    with alpha.acting("admin"):
        test = potassium()
    return ordered(alpha, test)[1][0]


def step(hospital, order: LabOrder, verb: str, **more):
    return hospital.client("lab_technician").post(url(hospital, order, "step/"), {"step": verb}, **more)


def url(hospital, order: LabOrder, more: str = "") -> str:
    return f"{hospital.url}/laboratory/tests/{order.pk}/{more}"


def bench(hospital, order: LabOrder, more: str = "") -> str:
    return f"{hospital.url}/laboratory/visits/{order.visit_id}/{more}"


def fresh(hospital, order: LabOrder) -> LabOrder:
    with hospital.acting():
        return LabOrder.objects.select_related("result", "visit", "test").get(pk=order.pk)


class TestWorklist:
    def test_a_new_test_is_listed_with_its_one_button(self, alpha, order):
        page = alpha.client("lab_technician").get(f"{alpha.url}/laboratory/").content.decode()
        row = page[page.index(f'id="lab-order-{order.pk}"') :].partition("</tr>")[0]
        assert "Amara Okafor" in row
        assert 'value="collect"' in row
        assert row.count("btn-primary") == 1

    @pytest.mark.parametrize(
        ("status", "shown"), [("", True), ("requested", True), ("collected", False), ("resulted", False), ("odd", True)]
    )
    def test_the_pills_filter_by_step(self, alpha, order, status, shown):
        page = alpha.client("lab_technician").get(f"{alpha.url}/laboratory/?status={status}").content.decode()
        assert (f"lab-order-{order.pk}" in page) is shown

    def test_the_pills_count(self, alpha):
        with alpha.acting("admin"):
            tests = [potassium(), culture(), malaria()]
        _, (first, second, _) = ordered(alpha, *tests)
        worked(alpha, first, "released")
        worked(alpha, second, "collected")
        pills = alpha.client("lab_technician").get(f"{alpha.url}/laboratory/").context["pills"]
        counts = {pill["value"]: pill["count"] for pill in pills if pill["count"]}
        assert counts == {"": 2, "requested": 1, "collected": 1, "released": 1}

    def test_what_was_released_today_can_be_seen_again(self, alpha, order):
        worked(alpha, order, "released")
        page = alpha.client("lab_technician").get(f"{alpha.url}/laboratory/?status=released").content.decode()
        assert f"lab-order-{order.pk}" in page

    def test_the_number_of_queries_does_not_grow_with_the_list(self, alpha):
        client = alpha.client("lab_technician")
        with alpha.acting("admin"):
            tests = [LabTest.objects.create(code=f"T{n}", name=f"Test {n}", group="x") for n in range(12)]
        ordered(alpha, *tests[:2])
        few = len(queries(client, f"{alpha.url}/laboratory/"))
        for number in range(4):
            ordered(alpha, *tests, patient=patient_of(alpha, f"P{number}"))
        assert len(queries(client, f"{alpha.url}/laboratory/")) == few

    def test_each_row_says_which_lists_it_belongs_to(self, alpha, order):
        with alpha.acting("lab_technician"):
            assert lab_lists(order) == "worklist worklist-requested"
        worked(alpha, order, "released")
        with alpha.acting("lab_technician"):
            assert lab_lists(order) == "worklist-released"


def patient_of(hospital, name: str):
    with hospital.acting("reception"):
        return a_patient(given_name=name)


class TestOneButton:
    def test_htmx_gets_the_row_as_it_is_now(self, alpha, order):
        answer = step(alpha, order, "collect", headers=HX)
        row = answer.content.decode()
        assert answer.status_code == 200
        assert row.lstrip().startswith(f'<tr id="lab-order-{order.pk}"')
        assert 'data-lists="worklist worklist-collected"' in row
        assert f'data-v="{fresh(alpha, order).version}"' in row

    def test_without_htmx_it_leads_back_to_the_list(self, alpha, order):
        answer = step(alpha, order, "collect")
        assert (answer.status_code, answer["Location"]) == (302, f"{alpha.url}/laboratory/")
        assert fresh(alpha, order).status == "collected"

    def test_a_step_that_a_colleague_has_taken_is_refused_in_words(self, alpha, order):
        worked(alpha, order, "collected")
        answer = step(alpha, order, "collect", headers=HX)
        assert answer.status_code == 409
        assert "cannot become collected. From here it can become" in answer.content.decode()
        assert answer["HX-Retarget"] == "#toasts"

    def test_a_step_that_is_none_changes_nothing(self, alpha, order):
        assert step(alpha, order, "enter_result").status_code == 400
        assert fresh(alpha, order).status == "requested"

    def test_sent_twice_it_is_done_once(self, alpha, order):
        client = alpha.client("lab_technician")
        body = {"step": "collect", "form_key": "01890000-0000-7000-8000-000000000001"}
        answers = [client.post(url(alpha, order, "step/"), body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [302, 302]
        assert answers[1]["Idempotent-Replay"] == "true"

    def test_the_last_release_takes_the_row_out_of_the_open_list(self, alpha, order):
        worked(alpha, order, "resulted")
        assert 'data-lists="worklist-released"' in step(alpha, order, "release", headers=HX).content.decode()


class TestBench:
    @pytest.fixture
    def orders(self, alpha) -> list[LabOrder]:
        with alpha.acting("admin"):
            tests = [potassium(), malaria(), culture(), histology()]
        return [worked(alpha, order, "received") for order in ordered(alpha, *tests)[1]]

    @pytest.fixture
    def client(self, alpha):
        return alpha.client("lab_technician")

    def fields(self, orders, *values, note: str = "") -> dict:
        body = {f"order-{order.pk}-value": value for order, value in zip(orders, values, strict=False)}
        return body | {f"order-{orders[0].pk}-note": note}

    def test_all_kinds_of_results_are_saved_together(self, alpha, orders, client):
        body = self.fields(orders, "4,8", "falciparum", "No growth", upload(pdf(), "slides.pdf"), note="Repeated")
        body |= {f"order-{orders[1].pk}-again": "falciparum"}
        answer = client.post(bench(alpha, orders[0]), body)
        assert answer.status_code == 302
        with alpha.acting():
            rows = LabOrder.objects.select_related("result").in_order()
            assert [(row.status, row.result.value_text, row.result.flag) for row in rows] == [
                ("resulted", "4.8", ""),
                ("resulted", "Plasmodium falciparum seen", "critical"),
                ("resulted", "No growth", ""),
                ("resulted", "slides.pdf", ""),
            ]
            assert rows[0].result.note == "Repeated"
            document = Document.objects.get()
            assert (document.lab_order, document.visit, document.category) == (
                orders[3],
                orders[3].visit,
                Document.Category.LAB_REPORT,
            )

    def test_save_and_release_sends_them_to_the_doctor(self, alpha, orders, client):
        body = self.fields(orders, "4.8", "negative", "No growth", upload(pdf(), "slides.pdf"))
        answer = client.post(bench(alpha, orders[0]), {**body, "release": "yes"})
        assert answer["Location"] == f"{alpha.url}/laboratory/"
        assert {fresh(alpha, order).status for order in orders} == {"released"}
        assert fresh(alpha, orders[0]).visit.status == Visit.Status.LAB_DONE

    def test_what_is_left_empty_is_not_entered(self, alpha, orders, client):
        answer = client.post(bench(alpha, orders[0]), self.fields(orders, "4.8"))
        assert answer["Location"] == bench(alpha, orders[0])
        assert [fresh(alpha, order).status for order in orders] == ["resulted", "received", "received", "received"]

    def test_a_result_that_stays_as_it_was_is_not_a_new_version(self, alpha, orders, client):
        for _ in range(2):
            client.post(bench(alpha, orders[0]), self.fields(orders, "4.8"))
        assert fresh(alpha, orders[0]).result.sequence == 1
        client.post(bench(alpha, orders[0]), self.fields(orders, "4.9"))
        assert fresh(alpha, orders[0]).result.sequence == 2

    def test_one_mistake_keeps_everything_that_was_typed_and_saves_nothing(self, alpha, orders, client):
        answer = client.post(bench(alpha, orders[0]), self.fields(orders, "48", "positive", "No growth"))
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Potassium cannot be 48 mmol/L: possible is 1\u201312" in page
        assert 'value="48"' in page
        assert "No growth</textarea>" in page
        assert '<option value="positive" selected>' in page
        assert {fresh(alpha, order).status for order in orders} == {"received"}

    def test_htmx_gets_only_the_form_with_its_mistakes(self, alpha, orders, client):
        page = client.post(bench(alpha, orders[0]), self.fields(orders, "48"), headers=HX).content.decode()
        assert page.lstrip().startswith('<form id="results"')
        assert "<body" not in page

    def test_a_file_that_is_a_web_page_is_refused_and_nothing_is_kept(self, alpha, orders, client):
        body = self.fields(orders, "4.8", "", "", upload(b"<html><script>1</script></html>", "slides.pdf"))
        answer = client.post(bench(alpha, orders[0]), body)
        assert answer.status_code == 422
        assert "is a web page" in answer.content.decode()
        with alpha.acting():
            assert not Document.objects.exists()
            assert not LabOrder.objects.exclude(result=None).exists()

    def test_a_step_for_all_tests_that_can_take_it(self, alpha, orders, client):
        answer = client.post(bench(alpha, orders[0], "step/"), {"step": "begin"})
        assert answer.status_code == 302
        assert {fresh(alpha, order).status for order in orders} == {"in_progress"}
        assert client.post(bench(alpha, orders[0], "step/"), {"step": "begin"}).status_code == 409

    def test_opening_the_bench_is_in_the_audit_log(self, alpha, orders, client):
        client.get(bench(alpha, orders[0]))
        with alpha.acting():
            assert AuditEntry.objects.filter(action="view", patient_id=orders[0].patient_id).exists()

    def test_the_range_of_the_patient_stands_beside_the_field(self, alpha, orders, client):
        assert "3.5\u20135" in client.get(bench(alpha, orders[0])).content.decode()

    def test_the_number_of_queries_does_not_grow_with_the_tests(self, alpha, client):
        with alpha.acting("admin"):
            tests = [LabTest.objects.create(code=f"T{n}", name=f"Test {n}", group="x") for n in range(15)]
        few, many = (ordered(alpha, *tests[:n])[1] for n in (2, 15))
        for row in (*few, *many):
            worked(alpha, row, "received")
        few, many = (len(queries(client, bench(alpha, one[0]))) for one in (few, many))
        assert few == many


class TestTheTest:
    @pytest.mark.parametrize("role", ["lab_technician", "checker_doctor", "main_doctor", "admin"])
    def test_those_who_may_read_results_see_its_course(self, alpha, order, role):
        worked(alpha, order, "released", "6.8")
        page = alpha.client(role).get(url(alpha, order)).content.decode()
        assert "6.8 mmol/L" in page
        assert "Critical high" in page
        assert "Released" in page

    def test_before_the_release_only_the_laboratory_sees_the_value(self, alpha, order):
        worked(alpha, order, "resulted", "6.8")
        assert "6.8 mmol" in alpha.client("lab_technician").get(url(alpha, order)).content.decode()
        assert "6.8 mmol" not in alpha.client("main_doctor").get(url(alpha, order)).content.decode()

    @pytest.mark.parametrize("role", ["reception", "pharmacy", "billing", "board"])
    def test_nobody_else_opens_it(self, alpha, order, role):
        assert alpha.client(role).get(url(alpha, order)).status_code == 403

    def test_a_specimen_is_rejected_in_the_dialog_or_on_a_page(self, alpha, order):
        worked(alpha, order, "received")
        client = alpha.client("lab_technician")
        assert "<body" not in client.get(url(alpha, order, "reject/"), headers=DIALOG).content.decode()
        assert "<body" in client.get(url(alpha, order, "reject/")).content.decode()
        assert client.post(url(alpha, order, "reject/"), {"reason": ""}).status_code == 422
        assert client.post(url(alpha, order, "reject/"), {"reason": "clotted"}).status_code == 302
        with alpha.acting():
            assert LabOrder.objects.get(recollect_of=order).status == "requested"

    def test_the_doctor_cancels_with_a_reason(self, alpha, order):
        client = alpha.client("checker_doctor")
        assert client.post(url(alpha, order, "cancel/"), {"reason": ""}).status_code == 422
        assert client.post(url(alpha, order, "cancel/"), {"reason": "Not needed"}).status_code == 302
        assert fresh(alpha, order).status == "cancelled"

    def test_the_doctor_reviews_one_or_all(self, alpha):
        with alpha.acting("admin"):
            tests = [potassium(), culture(), malaria()]
        _, orders = ordered(alpha, *tests)
        for row, value in zip(orders, ("4.1", "No growth", "negative"), strict=True):
            worked(alpha, row, "released", value)
        client = alpha.client("main_doctor")
        client.post(url(alpha, orders[0], "review/"))
        assert [fresh(alpha, row).status for row in orders] == ["reviewed", "released", "released"]
        client.post(f"{alpha.url}/visits/{orders[0].visit_id}/tests/review/")
        assert {fresh(alpha, row).status for row in orders} == {"reviewed"}


class TestOrdering:
    def page(self, hospital, order) -> str:
        return f"{hospital.url}/visits/{order.visit_id}/tests/"

    def test_a_doctor_orders_more(self, alpha, order):
        with alpha.acting("admin"):
            more = [culture(), malaria()]
        body = {"tests": [str(test.pk) for test in more], "priority": "urgent"}
        answer = alpha.client("checker_doctor").post(self.page(alpha, order), body)
        assert answer["Location"] == f"{alpha.url}/visits/{order.visit_id}/#laboratory"
        with alpha.acting():
            assert LabOrder.objects.filter(test__in=more, priority="urgent", status="requested").count() == 2

    def test_nothing_chosen_is_said_and_nothing_is_ordered(self, alpha, order):
        answer = alpha.client("checker_doctor").post(self.page(alpha, order), {"priority": "routine"})
        assert answer.status_code == 422
        assert "Choose at least one test." in answer.content.decode()

    def test_what_is_ordered_already_cannot_be_chosen(self, alpha, order):
        page = alpha.client("checker_doctor").get(self.page(alpha, order)).content.decode()
        assert f'value="{order.test_id}" checked disabled' in page
        body = {"tests": [str(order.test_id)], "priority": "routine"}
        assert alpha.client("checker_doctor").post(self.page(alpha, order), body).status_code == 422

    def test_a_test_of_the_other_hospital_is_no_choice(self, alpha, beta, order):
        with beta.acting("admin"):
            foreign = culture()
        body = {"tests": [str(foreign.pk)], "priority": "routine"}
        assert alpha.client("checker_doctor").post(self.page(alpha, order), body).status_code == 422


class TestTheVisitPage:
    def page(self, hospital, order, role: str) -> str:
        return hospital.client(role).get(f"{hospital.url}/visits/{order.visit_id}/").content.decode()

    def test_doctors_see_the_value_its_flag_and_its_range(self, alpha, order):
        worked(alpha, order, "released", "6.8")
        page = self.page(alpha, order, "main_doctor")
        for words in ("6.8 mmol/L", "Critical high", "3.5\u20135"):
            assert words in page

    def test_before_the_release_a_doctor_sees_no_value(self, alpha, order):
        worked(alpha, order, "resulted", "6.8")
        assert not has_figure("6.8", self.page(alpha, order, "main_doctor"))

    @pytest.mark.parametrize("role", ["reception", "pharmacy", "billing"])
    def test_others_see_the_test_and_where_it_stands_and_never_a_value(self, alpha, order, role):
        worked(alpha, order, "released", "6.8")
        page = self.page(alpha, order, role)
        assert "Potassium" in page
        assert "Released" in page
        assert not has_figure("6.8", page)
        for words in ("Critical", "3.5\u20135", f"/laboratory/tests/{order.pk}"):
            assert words not in page


OURS = ["laboratory/tests/{order}/", "laboratory/visits/{visit}/", "visits/{visit}/tests/", "documents/{document}/"]


@pytest.mark.parametrize("path", OURS)
def test_the_other_hospital_gets_404(alpha, beta, order, path):
    with alpha.acting("lab_technician") as acting:
        document = Document.upload(upload(pdf()), patient=order.patient, by=acting.person)
    keys = {"order": order.pk, "visit": order.visit_id, "document": document.pk}
    assert alpha.client("admin").get(f"{alpha.url}/{path.format(**keys)}").status_code == 200
    assert beta.client("admin").get(f"{beta.url}/{path.format(**keys)}").status_code == 404
