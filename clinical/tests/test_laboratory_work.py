"""The laboratory's pages: filters and clocks, the grid for many patients, drafts, reviews, reports, turnaround."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from clinical.forms.results import ResultLine
from clinical.models import CorrectionNotice, DeltaRule, LabOrder, ResultDraft
from clinical.tests.laboratories import malaria, ordered, potassium, worked
from clinical.tests.wards import a_patient
from hospital.models import Tenant
from hospital.tests.asking import queries
from hospital.tests.figures import has_figure
from hospital.workflow import Refused

READERS_NOT = ("reception", "billing", "pharmacy")


@pytest.fixture
def test(alpha) -> object:
    with alpha.acting("admin"):
        test = potassium(bench="Chemistry bench")
        test.minutes_stat = 30
        test.save()
        return test


def an_order(hospital, test, name: str = "Ada", upto: str = "received", value: str = "4.1") -> LabOrder:
    with hospital.acting("reception"):
        patient = a_patient(given_name=name)
    return worked(hospital, ordered(hospital, test, patient=patient)[1][0], upto, value)


def get(hospital, path: str, role: str = "lab_technician"):
    return hospital.client(role).get(f"{hospital.url}/{path}")


def post(hospital, path: str, body: dict, role: str = "lab_technician", **extra):
    return hospital.client(role).post(f"{hospital.url}/{path}", body, **extra)


def now_of(hospital, order: LabOrder) -> LabOrder:
    with hospital.acting("admin"):
        return LabOrder.objects.select_related("result").get(pk=order.pk)


def cell(order: LabOrder, name: str = "value") -> str:
    return f"order-{order.pk}-{name}"


class TestWorklist:
    @pytest.mark.parametrize(
        ("query", "is_there"),
        [
            ("bench=Chemistry+bench", True),
            ("priority=stat", False),
            ("q=zora", True),
            ("q=nobody", False),
            ("overdue=on", False),
            ("status=received&q=Zora", True),
        ],
    )
    def test_it_is_narrowed(self, alpha, test, query, is_there):
        order = an_order(alpha, test, "Zora")
        assert (f"lab-order-{order.pk}" in get(alpha, f"laboratory/?{query}").content.decode()) is is_there

    def test_a_number_finds_its_test(self, alpha, test):
        order, other = an_order(alpha, test), an_order(alpha, test, "Bo")
        page = get(alpha, f"laboratory/?q={order.number}").content.decode()
        assert f"lab-order-{order.pk}" in page and f"lab-order-{other.pk}" not in page

    def test_what_is_overdue_is_red_and_counted(self, alpha, test):
        order = an_order(alpha, test)
        with alpha.acting("lab_technician"):
            order.due_at = timezone.now() - timedelta(minutes=12)
            order.save(update_fields=["due_at"])
        page = get(alpha, "laboratory/?overdue=on").content.decode()
        assert "waiting-red" in page and "1 overdue" in page and "12 min" in page

    def test_the_target_is_that_of_the_priority(self, alpha, test):
        order = an_order(alpha, test)
        assert order.due_at - order.ordered_at == timedelta(minutes=test.minutes_routine)

    def test_several_take_a_step_and_the_others_say_why_not(self, alpha, test):
        ready, early = an_order(alpha, test, upto="resulted"), an_order(alpha, test, "Bo")
        answer = post(alpha, "laboratory/steps/", {"step": "release", "order": [ready.pk, early.pk]}, follow=True)
        page = answer.content.decode()
        assert "1 released." in page and "cannot become released" in page
        assert (now_of(alpha, ready).status, now_of(alpha, early).status) == ("released", "received")

    def test_nothing_chosen_is_said(self, alpha, test):
        assert post(alpha, "laboratory/steps/", {"step": "release"}).status_code == 422

    def test_on_paper_without_values_and_noted(self, alpha, test):
        an_order(alpha, test, "Zora", "resulted", "4.3")
        page = get(alpha, "laboratory/print/").content.decode()
        assert "Zora" in page and not has_figure("4.3", page)


class TestGridOfManyPatients:
    def both(self, alpha, test) -> list[LabOrder]:
        return [an_order(alpha, test, name) for name in ("Ada", "Bo")]

    def test_one_row_for_each_patient(self, alpha, test):
        orders = self.both(alpha, test)
        for chosen in ("test:K", "bench:Chemistry bench"):
            page = get(alpha, f"laboratory/grid/?for={chosen}").content.decode()
            assert all(f'name="{cell(order)}"' in page for order in orders)

    def test_an_implausible_value_is_refused_at_its_cell_and_nothing_is_lost(self, alpha, test):
        ada, bo = self.both(alpha, test)
        answer = post(alpha, "laboratory/grid/?for=test:K", {cell(ada): "41", cell(bo): "4.4"})
        page = answer.content.decode()
        assert answer.status_code == 422 and "Potassium cannot be 41" in page and 'value="4.4"' in page
        assert now_of(alpha, bo).result is None

    def test_a_critical_value_is_typed_again(self, alpha, test):
        ada, bo = self.both(alpha, test)
        body = {cell(ada): "7.1", cell(bo): "4.4"}
        answer = post(alpha, "laboratory/grid/?for=test:K", body)
        assert answer.status_code == 422 and "Enter it again" in answer.content.decode()
        wrong = post(alpha, "laboratory/grid/?for=test:K", {**body, cell(ada, "again"): "7.7"})
        assert wrong.status_code == 422
        assert post(alpha, "laboratory/grid/?for=test:K", {**body, cell(ada, "again"): "7.1"}).status_code == 302
        assert now_of(alpha, ada).result.flag == "critical_high"

    def test_so_is_a_critical_answer(self, alpha):
        with alpha.acting("admin"):
            film = malaria()
        order, path = an_order(alpha, film), "laboratory/grid/?for=test:MAL"
        assert post(alpha, path, {cell(order): "falciparum"}).status_code == 422
        assert post(alpha, path, {cell(order): "falciparum", cell(order, "again"): "falciparum"}).status_code == 302
        assert now_of(alpha, order).result.flag == "critical"

    def test_two_technicians_merge_by_cell(self, alpha, test):
        ada, bo = self.both(alpha, test)
        with alpha.acting("admin") as acting:
            LabOrder.objects.get(pk=bo.pk).enter_result("3.9", by=acting.person)
        body = {cell(ada): "4.4", cell(ada, "seen"): "0", cell(bo): "", cell(bo, "seen"): "0"}
        assert post(alpha, "laboratory/grid/?for=test:K", body).status_code == 302
        assert [str(now_of(alpha, one).result) for one in (ada, bo)] == ["4.4 mmol/L", "3.9 mmol/L"]

    def test_the_same_cell_twice_shows_what_the_colleague_entered(self, alpha, test):
        ada, _ = self.both(alpha, test)
        with alpha.acting("admin") as acting:
            LabOrder.objects.get(pk=ada.pk).enter_result("3.9", by=acting.person)
        body = {cell(ada): "4.4", cell(ada, "seen"): "0"}
        answer = post(alpha, "laboratory/grid/?for=test:K", body)
        assert answer.status_code == 422 and "entered 3.9 mmol/L meanwhile" in answer.content.decode()
        assert post(alpha, "laboratory/grid/?for=test:K", {**body, cell(ada, "seen"): "1"}).status_code == 302
        assert str(now_of(alpha, ada).result) == "4.4 mmol/L"

    def test_of_two_who_save_the_same_cell_at_once_the_second_is_told(self, alpha, test):
        """Both looked at the cell before either of them held it."""
        order = an_order(alpha, test)
        with alpha.acting("admin") as acting:
            line = ResultLine(QueryDict(f"{cell(order)}=4.4"), order=LabOrder.objects.shown().get(pk=order.pk))
            assert line.is_valid()
            LabOrder.objects.get(pk=order.pk).enter_result("3.9", by=acting.person)
            with pytest.raises(Refused, match="entered Potassium meanwhile"):
                line.save(by=acting.person)
        assert str(now_of(alpha, order).result) == "3.9 mmol/L"

    def test_save_and_release_says_what_stays(self, alpha, test):
        with alpha.acting("admin"):
            Tenant.objects.filter(pk=alpha.tenant.pk).update(second_person="all")
        ada, _ = self.both(alpha, test)
        answer = post(alpha, "laboratory/grid/?for=test:K", {cell(ada): "4.4", "release": "yes"}, follow=True)
        page = answer.content.decode()
        assert "1 result saved" in page and "A colleague of the laboratory has to release it" in page
        assert alpha.admin.name in page
        assert now_of(alpha, ada).status == "resulted"


class TestDrafts:
    def test_a_typed_cell_is_kept_for_the_one_who_typed_it(self, alpha, test):
        order = an_order(alpha, test)
        assert post(alpha, "laboratory/drafts/", {cell(order): "4.", cell(order, "seen"): "0"}).status_code == 200
        page = get(alpha, f"laboratory/visits/{order.visit_id}/").content.decode()
        assert 'value="4."' in page and "not saved yet" in page
        assert 'value="4."' not in get(alpha, f"laboratory/visits/{order.visit_id}/", "admin").content.decode()

    def test_saving_ends_it(self, alpha, test):
        order = an_order(alpha, test)
        post(alpha, "laboratory/drafts/", {cell(order): "4.", cell(order, "seen"): "0"})
        post(alpha, f"laboratory/visits/{order.visit_id}/", {cell(order): "4.1", cell(order, "seen"): "0"})
        with alpha.acting("admin"):
            assert not ResultDraft.objects.exists()

    def test_a_cell_that_a_colleague_filled_meanwhile_is_no_draft_of_mine(self, alpha, test):
        order = an_order(alpha, test, upto="resulted")
        post(alpha, "laboratory/drafts/", {cell(order): "", cell(order, "seen"): "0"})
        with alpha.acting("admin"):
            assert not ResultDraft.objects.exists()


class TestAfterTheRelease:
    def test_a_correction_on_the_page_is_told_and_acknowledged(self, alpha, test):
        order = an_order(alpha, test, upto="released")
        body = {cell(order): "5.9", "reason": "Wrong tube", cell(order, "reason"): "Wrong tube"}
        assert post(alpha, f"laboratory/tests/{order.pk}/correct/", body).status_code == 302
        page = get(alpha, f"laboratory/tests/{order.pk}/", "checker_doctor").content.decode()
        assert "5.9 mmol/L" in page and "4.1 mmol/L" in page and "Wrong tube" in page
        listed = get(alpha, "results/corrected/", "checker_doctor").content.decode()
        assert "4.1 mmol/L" in listed and "you ordered it" in listed
        with alpha.acting("checker_doctor"):
            notice = CorrectionNotice.objects.get()
        assert post(alpha, f"results/corrected/{notice.pk}/seen/", {}, "checker_doctor").status_code == 302
        assert "Nothing was corrected" in get(alpha, "results/corrected/", "checker_doctor").content.decode()

    def test_a_wrong_read_back_is_not_recorded(self, alpha, test):
        order = an_order(alpha, test, upto="released", value="7.1")
        path = f"laboratory/tests/{order.pk}/call/"
        assert post(alpha, path, {"called": "Dr Ode", "read_back": "1.7"}).status_code == 422
        assert post(alpha, path, {"called": "Dr Ode", "read_back": "7.1"}).status_code == 302
        assert "Called to Dr Ode at" in get(alpha, f"laboratory/tests/{order.pk}/").content.decode()

    def test_a_delta_is_confirmed_with_a_reason(self, alpha, test):
        with alpha.acting("admin"):
            DeltaRule.objects.create(test=test, percent=10)
        with alpha.acting("reception"):
            patient = a_patient()
        worked(alpha, ordered(alpha, test, patient=patient)[1][0], "released", "4.0")
        order = worked(alpha, ordered(alpha, test, patient=patient)[1][0], "resulted", "5.0")
        assert "Delta: was 4.0 mmol/L" in get(alpha, f"laboratory/visits/{order.visit_id}/").content.decode()
        assert post(alpha, f"laboratory/tests/{order.pk}/delta/", {"reason": "Repeated"}).status_code == 302
        assert now_of(alpha, order).delta_reason == "Repeated"


class TestReviews:
    def test_critical_ones_come_first_and_only_mine_at_first(self, alpha, test):
        plain, critical = (
            an_order(alpha, test, name, "released", value) for name, value in (("Ada", "4.1"), ("Bo", "7.1"))
        )
        page = get(alpha, "results/to-review/", "checker_doctor").content.decode()
        assert page.index(f"review-{critical.pk}") < page.index(f"review-{plain.pk}")
        assert f"review-{plain.pk}" not in get(alpha, "results/to-review/", "main_doctor").content.decode()
        assert f"review-{plain.pk}" in get(alpha, "results/to-review/?whose=all", "main_doctor").content.decode()

    def test_the_sidebar_counts_them(self, alpha, test):
        an_order(alpha, test, upto="released")
        number = '<span id="waiting-to-review" class="place-count">1<'
        for page in ("waiting/", "examination/"):
            assert number in get(alpha, page, "checker_doctor").content.decode()

    def test_a_review_keeps_what_was_decided(self, alpha, test):
        order = an_order(alpha, test, upto="released")
        body = {"note": "Diet, again in a month"}
        post(alpha, f"laboratory/tests/{order.pk}/review/", body, "checker_doctor")
        assert (now_of(alpha, order).status, now_of(alpha, order).review_note) == ("reviewed", "Diet, again in a month")

    def test_the_number_of_queries_does_not_grow_with_the_list(self, alpha, test):
        client = alpha.client("checker_doctor")
        an_order(alpha, test, upto="released")
        few = len(queries(client, f"{alpha.url}/results/to-review/"))
        for number in range(4):
            an_order(alpha, test, f"P{number}", "released")
        assert len(queries(client, f"{alpha.url}/results/to-review/")) == few


class TestReport:
    @pytest.fixture
    def order(self, alpha, test) -> LabOrder:
        with alpha.acting("admin"):
            film = malaria()
        with alpha.acting("reception"):
            patient = a_patient(given_name="अनीता محمد 李", family_name="Ọ̀ṣun")
        worked(alpha, ordered(alpha, test, patient=patient)[1][0], "released", "4.0")
        _, orders = ordered(alpha, test, film, patient=patient)
        worked(alpha, orders[0], "released", "6.6")
        return orders[0]

    def test_the_page_says_what_was_stored(self, alpha, order):
        page = get(alpha, f"laboratory/visits/{order.visit_id}/report/", "main_doctor").content.decode()
        for said in ("6.6 mmol/L", "3.5\u20135", "4.0 mmol/L", "Preliminary", "1 test has no released result"):
            assert said in page, said

    def test_a_name_in_any_script_does_not_break_the_pdf(self, alpha, order):
        answer = get(alpha, f"laboratory/visits/{order.visit_id}/report.pdf", "main_doctor")
        assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF")

    def test_of_a_period(self, alpha, order):
        path = f"patients/{order.patient_id}/results/report"
        assert "4.0 mmol/L" in get(alpha, f"{path}/?days=7", "main_doctor").content.decode()
        assert get(alpha, f"{path}.pdf?days=7", "main_doctor").content.startswith(b"%PDF")

    @pytest.mark.parametrize("role", READERS_NOT)
    def test_who_may_not_read_results_gets_no_value_anywhere(self, alpha, order, role):
        paths = (
            f"laboratory/visits/{order.visit_id}/report/",
            f"laboratory/visits/{order.visit_id}/report.pdf",
            f"patients/{order.patient_id}/results/report/",
            f"laboratory/tests/{order.pk}/",
            "results/to-review/",
            "results/corrected/",
            "laboratory/turnaround/slow.csv",
            "laboratory/grid/?for=test:K",
        )
        assert {get(alpha, path, role).status_code for path in paths} == {403}
        assert "6.6 mmol" not in get(alpha, f"visits/{order.visit_id}/", role).content.decode()


class TestTurnaround:
    def test_it_equals_a_naive_reckoning(self, alpha, test):
        took = (10, 20, 40)
        for number, minutes in enumerate(took):
            order = an_order(alpha, test, f"P{number}", "released")
            with alpha.acting("admin"):
                order.ordered_at = order.released_at - timedelta(minutes=minutes)
                order.due_at = order.ordered_at + timedelta(minutes=30)
                order.save(update_fields=["ordered_at", "due_at"])
        csv = get(alpha, "laboratory/turnaround/tests.csv?days=7").content.decode()
        assert csv.splitlines()[1].split(",")[:5] == ["Potassium", "3", "20", "36", "67"]
        assert order.number in get(alpha, "laboratory/turnaround/slow.csv?days=7").content.decode()

    def test_it_asks_the_same_number_of_questions_however_much_there_is(self, alpha, test):
        client, path = alpha.client("lab_technician"), f"{alpha.url}/laboratory/turnaround/"
        an_order(alpha, test, upto="released")
        few = len(queries(client, path))
        for number in range(3):
            an_order(alpha, test, f"P{number}", "released")
        assert len(queries(client, path)) == few
