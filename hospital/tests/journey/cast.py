"""Seven people in seven browsers: the six roles of one hospital, and a stranger in another."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from hospital.tests.hospital import Hospital
from realtime.tests.listening import cookie_of

HOMES = {
    "reception": "front-desk/",
    "checker_doctor": "examination/",
    "lab_technician": "laboratory/",
    "main_doctor": "consultation/",
    "pharmacy": "dispensing/",
    "admin": "dashboard/",
}
PATIENCE = 20_000  # a busy machine is no fault of the page; the times that were measured are kept beside the pictures


class Stranger:
    """Everything that the browser of the other hospital's doctor receives."""

    def __init__(self, page: Page) -> None:
        self.page, self.received = page, []
        page.on("response", self.read)
        page.on("websocket", lambda socket: socket.on("framereceived", lambda text: self.received.append(str(text))))

    def read(self, response) -> None:
        if response.request.resource_type in ("document", "fetch", "xhr"):
            self.received.append(response.text())

    def never_heard_of(self, mark: str) -> bool:
        assert self.received, "the stranger's page received nothing at all: this would prove nothing"
        return not any(mark in text for text in self.received) and mark not in self.page.content()


class Cast:
    def __init__(
        self, browser: Browser, base: str, hospital: Hospital, other: Hospital, pictures: Path, *, scripts: bool = True
    ) -> None:
        self.browser, self.base, self.hospital, self.pictures, self.scripts = browser, base, hospital, pictures, scripts
        self.times: dict[str, float] = {}
        self.shots = 0
        self.wires: dict[Page, Wire] = {}
        self.pages = {role: self.sign_in(hospital, role, home) for role, home in HOMES.items()}
        self.stranger = Stranger(self.sign_in(other, "checker_doctor", "examination/", go=False))
        self.go(self.stranger.page, other, "examination/")

    def __getattr__(self, role: str) -> Page:
        return self.pages[role]

    def sign_in(self, hospital: Hospital, role: str, home: str, *, go: bool = True) -> Page:
        context = self.browser.new_context(
            java_script_enabled=self.scripts, viewport={"width": 1440, "height": 900}, locale="en-GB"
        )
        name, value = cookie_of(hospital, role).split("=", 1)
        context.add_cookies([{"name": name, "value": value, "url": self.base}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        if self.scripts:
            self.wires[page] = Wire(page)
        if go:
            self.go(page, hospital, home)
        return page

    def go(self, page: Page, hospital: Hospital, path: str) -> None:
        page.goto(f"{self.base}{hospital.url}/{path}")
        if self.scripts:
            self.is_live(page)
            page.evaluate("window.neverReloaded = true")

    def is_live(self, page: Page) -> None:
        expect(page.locator("#live-state")).to_have_attribute("data-state", "live", timeout=PATIENCE)

    def home(self, role: str) -> Page:
        """The role's own page again, by a link, as people do."""
        self.go(self.pages[role], self.hospital, HOMES[role])
        return self.pages[role]

    def sees(self, role: str, what: str, find: Callable[[Page], Locator], *, reloads: bool = False) -> Locator:
        """The page shows it by itself. Without scripts people press reload."""
        page = self.pages[role]
        if not self.scripts:
            page.reload()
        began = time.monotonic()
        found = find(page)
        expect(found).to_be_visible(timeout=PATIENCE)
        self.times[f"{role}: {what}"] = round(time.monotonic() - began, 3)
        if self.scripts:
            assert page.evaluate("window.neverReloaded"), f"the page of {role} was loaded again"
        return found

    def picture(self, role: str, name: str) -> None:
        self.shots += 1
        self.pages[role].screenshot(path=self.pictures / f"{self.shots:02}-{role}-{name}.png", full_page=True)

    def close(self) -> None:
        (self.pictures / "seconds.json").write_text(json.dumps(self.times, indent=1))
        for page in [*self.pages.values(), self.stranger.page]:
            page.context.close()


class Wire:
    """The page's socket, which a test can cut."""

    def __init__(self, page: Page) -> None:
        self.is_cut, self.sockets = False, []
        page.route_web_socket(re.compile("/live/socket"), self.route)

    def route(self, socket) -> None:
        if self.is_cut:
            socket.close()
            return
        socket.connect_to_server()
        self.sockets.append(socket)

    def cut(self) -> None:
        self.is_cut = True
        for socket in self.sockets:
            socket.close()
        self.sockets.clear()

    def mend(self) -> None:
        self.is_cut = False
