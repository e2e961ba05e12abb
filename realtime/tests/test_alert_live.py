"""Who hears of an alert on a real socket, and who does not."""

from __future__ import annotations

from hospital.models import Membership
from realtime.tests.alarms import answer, critical_value, released, sweep
from realtime.tests.listening import Listener


def test_an_alert_reaches_the_person_whose_it_is_and_its_row_the_roles_it_is_for(site, alpha, beta):
    listeners = {
        "whose": Listener(site, alpha, "checker_doctor"),
        "colleague": Listener(site, alpha, "checker_doctor", name="Second Checker"),
        "admin": Listener(site, alpha, "admin"),
        "reception": Listener(site, alpha, "reception"),
        "stranger": Listener(site, beta, "checker_doctor"),
    }
    for listener in listeners.values():
        listener.connect()
        listener.joined()
    alert = critical_value(alpha)
    listeners["whose"].hears("alert:raised")
    for name in ("whose", "colleague", "admin"):
        listeners[name].hears("alert:listed", seconds=20)
        assert any(f"alert-{alert.pk}" in html for html in listeners[name].html)
    for name in ("reception", "stranger"):
        listeners[name].listen(2)
        assert not any(event["name"].startswith("alert:") for event in listeners[name].events)
        assert "Potassium 6.6" not in listeners[name].received
    for name in ("colleague", "admin"):
        assert not any(event["name"] == "alert:raised" for event in listeners[name].events)
    for listener in listeners.values():
        listener.disconnect()


def test_when_it_climbs_those_who_are_told_hear_it_and_when_it_is_answered_all_of_them(site, alpha):
    second = Listener(site, alpha, "checker_doctor", name="Second Checker")
    first = Listener(site, alpha, "checker_doctor")
    with first, second:
        first.joined(), second.joined()
        alert = critical_value(alpha)
        first.hears("alert:raised", seconds=20)
        sweep(alpha, alert, 15)
        second.hears("alert:changed", seconds=20)
        first.hears("alert:changed", seconds=20)
        answer(alpha, alert)
        second.hears("alert:changed", seconds=20)
        first.hears("alert:changed", seconds=20)


def test_the_row_that_is_pushed_is_the_row_of_the_list(site, alpha):
    with Listener(site, alpha, "checker_doctor") as page:
        page.joined()
        alert = critical_value(alpha)
        page.hears("alert:listed", seconds=20)
    [pushed] = [html for html in page.html if f'id="alert-{alert.pk}"' in html]
    shown = alpha.client("checker_doctor").get(f"{alpha.url}/alerts/").content.decode()
    assert " ".join(pushed.split()) in " ".join(shown.split())


def test_a_result_that_is_not_critical_rings_no_alert(site, alpha):
    with Listener(site, alpha, "checker_doctor") as page:
        page.joined()
        released(alpha, "5.6")
        page.hears("lab:result_ready", seconds=20)
        page.listen(1)
    assert not any(event["name"].startswith("alert:") for event in page.events)


def test_who_lost_the_role_hears_of_no_further_step(site, alpha):
    """The addressed are persons; what a page may hear is still decided by the role that it was opened in."""
    with alpha.acting():
        Membership.grant(alpha.checker_doctor, "reception")
    alert = critical_value(alpha)
    with Listener(site, alpha, "reception", name="checker_doctor") as page:
        page.joined()
        sweep(alpha, alert, 15)
        page.listen(2)
    assert "Potassium" not in page.received
