"""The page for those who look after the engine: all processes, and only of one's own hospital."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests

from hospital.models import SignIn
from realtime import figures
from realtime.catalogue import catalogue
from realtime.tests.listening import Listener, cookie_of, dial
from realtime.tests.server import Site
from realtime.tests.servers import Valkey
from realtime.tests.test_socket import grant, sign_in_often

SOON = 30


class Watcher:
    """The page as an admin reads it."""

    def __init__(self, site: Site, hospital) -> None:
        self.url, self.cookie = f"{site.url}{hospital.url}/live/", cookie_of(hospital, "admin")

    def read(self) -> str:
        answer = requests.get(self.url, headers={"Cookie": self.cookie}, timeout=30)
        assert answer.status_code == 200
        return answer.text

    def until(self, true: Callable[[str], bool]) -> str:
        end = time.monotonic() + SOON
        while not true(html := self.read()):
            assert time.monotonic() < end, as_text(html)[:3000]
            time.sleep(0.5)
        return html


def as_text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<main")[1]).split())


def figure(html: str, label: str) -> str:
    return re.search(rf"{label}\s+([\d.]+)", as_text(html))[1]


def counted(html: str, label: str) -> list[int]:
    """This column of the table of processes."""
    return [int(number) for number in re.findall(rf'data-label="{label}">(\d+)', html)]


def test_it_shows_the_sockets_of_all_processes_by_role(site, second_site, alpha):
    page = Watcher(site, alpha)
    with (
        Listener(site, alpha, "reception") as one,
        Listener(second_site, alpha, "reception") as two,
        Listener(second_site, alpha, "pharmacy") as three,
    ):
        for listener in (one, two, three):
            listener.joined()
        html = page.until(lambda html: figure(html, "Open sockets") == "3")
        assert figure(html, "Processes") == "2"
        assert sorted(counted(html, "Sockets")) == [1, 1, 2, 2]  # by role, then by process
        assert "Reception 2" in as_text(html) and "Pharmacy 1" in as_text(html)
    page.until(lambda html: figure(html, "Open sockets") == "0")


def test_it_tells_what_is_not_acknowledged_yet(site, alpha):
    page = Watcher(site, alpha)
    with Listener(site, alpha, "admin") as listener:
        listener.joined()
        grant(alpha)
        listener.hears("user:changed")
        page.until(lambda html: counted(html, "Behind in acknowledging") == [1])
        page.until(lambda html: all_acknowledged(listener) and counted(html, "Behind in acknowledging") == [0])


def all_acknowledged(listener: Listener) -> bool:
    """As a page does it; the admin who reads the figures makes an event too."""
    listener.listen(0.2).say({"ack": listener.seq})
    return True


def test_it_counts_reconnects_gaps_resyncs_and_refused_handshakes(site, alpha):
    page = Watcher(site, alpha)
    with Listener(site, alpha, "admin") as listener:
        listener.joined()
        listener.say({"resume": "00000000-0000-0000-0000-000000000000:1"})
        listener.until(lambda: any("resync" in message for message in listener.messages))
    with Listener(site, alpha, "admin") as listener:
        listener.say({"resume": listener.cursor, "again": True})
        with dial(site, f"{alpha.url}/live/socket") as stranger, pytest.raises(Exception, match="4401"):
            stranger.recv(timeout=SOON)
        html = page.until(lambda html: "4401: 1" in html)
        assert counted(html, "Opened") == [2] and counted(html, "Reconnects") == [1]
        assert counted(html, "Gaps") == [1] and counted(html, "Resyncs") == [1]


def test_it_shows_the_end_of_the_log_and_the_catalogue_and_no_patient(site, alpha):
    with alpha.acting("admin"):
        SignIn.objects.create(person=alpha.admin, role="admin")
    html = Watcher(site, alpha).read()
    assert all(event.name in html for event in catalogue)
    assert re.search(r'data-label="Number">\d+</td><th scope="row" class="cell-title">user:signed_in', html)
    assert not re.search(r"patient_id|object_id", html)


def test_the_other_hospital_sees_nothing_of_it(site, alpha, beta):
    sign_in_often(alpha, 30)
    with Listener(site, alpha, "reception") as listener:
        listener.joined()
        Watcher(site, alpha).until(lambda html: figure(html, "Open sockets") == "1")
        html = Watcher(site, beta).read()
        assert (figure(html, "Open sockets"), figure(html, "Processes")) == ("0", "0")
        assert len(re.findall(r'data-label="Number"', html)) < 30
        assert alpha.tenant.slug not in html
        stranger = requests.get(
            f"{site.url}{alpha.url}/live/", headers={"Cookie": cookie_of(beta, "admin")}, timeout=30
        )
        assert stranger.status_code == 404


@pytest.mark.parametrize("role", ["reception", "main_doctor", "pharmacy", "billing"])
def test_others_than_the_admin_may_not_open_it(alpha, role):
    assert alpha.client(role).get(f"{alpha.url}/live/").status_code == 403


def test_a_killed_process_is_gone_from_it_after_a_while(site, alpha, tmp_path):
    doomed = Site(tmp_path / "site.log").start()
    try:
        with Listener(doomed, alpha, "reception") as listener, Listener(site, alpha, "reception") as other:
            listener.joined(), other.joined()
            page = Watcher(site, alpha)
            page.until(lambda html: figure(html, "Processes") == "2")
            doomed.process.kill()
            doomed.process.wait()
            page.until(lambda html: figure(html, "Processes") == "1")
    finally:
        doomed.stop()


def test_without_valkey_it_shows_the_process_that_answers_and_says_so(alpha):
    with TemporaryDirectory(prefix="figures") as name:
        server = Valkey(Path(name)).start()
        site = Site(Path(name) / "site.log", REDIS_URL=server.url).start()
        try:
            with Listener(site, alpha, "reception") as listener:
                listener.joined()
                page = Watcher(site, alpha)
                assert "Valkey does not answer" not in page.until(lambda html: figure(html, "Open sockets") == "1")
                server.pause()
                began = time.monotonic()
                html = page.until(lambda html: figure(html, "Open sockets") == "1")
                assert "Valkey does not answer" in html and figure(html, "Processes") == "1"
                assert time.monotonic() - began < SOON
                server.go_on()
                page.until(lambda html: "Valkey does not answer" not in html)
        finally:
            site.stop()
            server.kill()


def test_made_up_addresses_take_no_room(monkeypatch):
    monkeypatch.setattr(figures, "counters", {})
    for number in range(2000):
        figures.count(f"made-up-{number}", f"{figures.REFUSED} 4401")
    figures.count("a-hospital", figures.OPENED)
    figures.count("a-hospital", f"{figures.REFUSED} 4401")
    assert figures.counters == {"a-hospital": {figures.OPENED: 1, f"{figures.REFUSED} 4401": 1}}
