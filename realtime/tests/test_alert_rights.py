"""Alerts and the rights that change after they were raised: what a role lost, and what another of one's roles may read."""

from __future__ import annotations

import pytest

from hospital.models import AuditEntry, Membership
from hospital.tests.figures import has_figure
from realtime.tests.alarms import again, answer, critical_value, sweep, told
from realtime.tests.listening import Listener
from realtime.tests.test_permissions import change, heard_since

GIVEN = {"done": "acted", "text": "Calcium given.", "read_back": "6.6"}
SEES_RESULTS = "clinical.view_results"


def test_a_role_that_lost_the_permission_reads_its_alerts_nowhere(alpha):
    alert = critical_value(alpha)
    client, page = alpha.client("checker_doctor"), f"{alpha.url}/alerts/{alert.pk}/"
    lists = [f"{alpha.url}/alerts/?show=all", f"{alpha.url}/alerts/waiting/", f"{alpha.url}/alerts/report/"]
    assert all("Okafor" in client.get(url).content.decode() for url in (*lists, page))
    change(alpha, "checker_doctor", take=SEES_RESULTS)
    shown = [client.get(url).content.decode() for url in lists]
    assert not any("Okafor" in content or "Potassium" in content for content in shown)
    assert "A critical alert waits for you</strong>" in shown[1]
    assert client.get(page).status_code == client.get(f"{page}acknowledge/").status_code == 404
    assert client.post(f"{page}acknowledge/", GIVEN).status_code == 404 and again(alpha, alert).is_open


def test_nobody_is_told_of_it_in_a_role_that_may_not_read_it_any_more(alpha):
    alert = critical_value(alpha)
    alpha.person("checker_doctor", "Second Checker")
    change(alpha, "checker_doctor", take=SEES_RESULTS)
    sweep(alpha, alert, 15)
    assert "Second Checker" not in told(alpha, alert)[-1][1]


def tells(content: str) -> bool:
    """Whether it says what the alert is about."""
    return has_figure("6.6", content) or any(word in content for word in ("Okafor", "Potassium", "Calcium given"))


def test_an_administrator_without_the_permission_learns_only_that_there_is_one(alpha):
    alert = critical_value(alpha)
    answer(alpha, alert)
    client, url = alpha.client("admin"), f"{alpha.url}/alerts/{alert.pk}/"
    assert all(words in client.get(url).content.decode() for words in ("Okafor", "Calcium given", "6.6"))
    change(alpha, "admin", take=SEES_RESULTS)
    page = client.get(url)
    assert page.status_code == 200 and "Not acknowledged: lab result ready" in page.content.decode()
    assert not tells(page.content.decode())


def test_the_administration_pages_do_not_say_what_an_alert_says(alpha):
    alert = critical_value(alpha)
    answer(alpha, alert)
    page = alpha.client("admin").get(f"{alpha.url}/admin/realtime/alert/{alert.pk}/change/")
    content = page.content.decode()
    assert page.status_code == 200 and "lab:result_ready" in content
    assert not tells(content)


def test_who_looks_at_an_alert_is_written_down(alpha):
    alert = critical_value(alpha)
    client = alpha.client("checker_doctor")
    for path in ("", "acknowledge/"):
        client.get(f"{alpha.url}/alerts/{alert.pk}/{path}")
    with alpha.acting():
        noted = AuditEntry.objects.filter(action="view", row_id=alert.pk, patient_id=alert.patient_id)
        assert [entry.person_id for entry in noted] == [alpha.checker_doctor.pk] * 2


def test_a_link_to_an_alert_of_another_own_role_offers_that_role(alpha):
    alert = critical_value(alpha)
    with alpha.acting():
        Membership.grant(alpha.checker_doctor, "reception")
    client, url = alpha.client("checker_doctor"), f"{alpha.url}/alerts/{alert.pk}/"
    client.post(f"{alpha.url}/role/", {"role": "reception"})
    offered = client.get(url)
    content = offered.content.decode().partition('id="content"')[2]
    assert offered.status_code == 403 and 'value="checker_doctor">Act as Checker doctor' in content
    assert "Potassium" not in content and "Okafor" not in content
    assert f'name="next" value="{url}"' in content
    back = client.post(f"{alpha.url}/role/", {"role": "checker_doctor", "next": url}, follow=True)
    assert back.request["PATH_INFO"] == url and "Okafor" in back.content.decode()


def test_no_page_of_a_role_that_lost_the_permission_hears_the_row_of_an_alert(site, alpha):
    alert = critical_value(alpha)
    with Listener(site, alpha, "main_doctor") as losing, Listener(site, alpha, "admin") as keeping:
        for page in (losing, keeping):
            page.joined()
        change(alpha, "main_doctor", take=SEES_RESULTS)
        answer(alpha, alert)
        assert f"alert-{alert.pk}" in heard_since(keeping, alpha)
        quiet = heard_since(losing, alpha)
        assert "alert:" not in quiet and str(alert.patient_id) not in quiet


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example/", "/beta/alerts/", "alerts/"]
)
def test_a_change_of_role_leads_to_no_page_outside_the_hospital(alpha, elsewhere):
    answered = alpha.client("reception").post(f"{alpha.url}/role/", {"role": "reception", "next": elsewhere})
    assert answered.status_code == 302 and answered["Location"] == f"{alpha.url}/front-desk/"
