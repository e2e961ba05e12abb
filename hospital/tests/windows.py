"""A hospital at work, and the windows of Chromium through which its roles look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page

from hospital.tests.world import World
from realtime.tests.server import Site

DESK, TELEPHONE = (1440, 900), (390, 844)
WATCH = """
    window.faults = [];
    document.addEventListener("securitypolicyviolation", (event) => faults.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    new PerformanceObserver((list) => list.getEntries().filter((entry) => !entry.hadRecentInput).forEach((entry) =>
        faults.push("moved: " + entry.sources.map(({ node, previousRect: from, currentRect: to }) => `${from.y} to ${to.y}, ${from.height} to ${to.height} high: ${node?.outerHTML?.slice(0, 120) ?? node?.nodeValue}`)))
    ).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class House:
    """A hospital at work, and a window for each role that looks at it."""

    browser: Browser
    site: Site
    world: World
    windows: dict[str, Window] = field(default_factory=dict)

    def window(self, role: str) -> Window:
        if role not in self.windows:
            self.windows[role] = Window(self, role)
        return self.windows[role]

    def close(self) -> None:
        for window in self.windows.values():
            window.page.context.close()

    def visit(self, station: str) -> str:
        return str(self.world.visits[station].pk)

    def first(self, rows: Callable) -> str:
        with self.world.hospital.acting():
            return str(rows().first().pk)


class Window:
    """What one role sees, and what the browser complained about meanwhile."""

    def __init__(self, house: House, role: str) -> None:
        hospital = house.world.hospital
        context = house.browser.new_context(reduced_motion="reduce")
        session = hospital.client(role).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": house.site.url}])
        context.add_init_script(WATCH)
        self.base, self.page, self.complaints = f"{house.site.url}{hospital.url}/", context.new_page(), []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.hear)

    def hear(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.complaints.append(f"console: {line.text}")

    def open(self, path: str, size: tuple[int, int] = DESK, theme: str = "light") -> Page:
        self.complaints.clear()
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme=theme)
        answer = self.page.goto(self.base + path)
        assert answer.status == 200, f"{path} answers {answer.status}"
        self.page.evaluate("document.fonts.ready")
        return self.page
