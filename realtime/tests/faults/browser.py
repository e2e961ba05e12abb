"""Real pages in Chromium, and the oracle: what they show is what the same person would get with a new GET."""

from __future__ import annotations

import json
import os
import shutil

from playwright.async_api import Browser, CDPSession, Page, Playwright, async_playwright

from hospital.tests.hospital import Hospital
from realtime.tests.listening import cookie_of

WAKES = 60_000
# Written apart from static/live.js on purpose: it shall not judge itself.
DIFFERS = r"""async () => {
  const plain = (region) => {
    const copy = region.cloneNode(true);
    copy.querySelectorAll("input[name=csrfmiddlewaretoken], input[name=form_key]").forEach((each) => each.remove());
    copy.querySelectorAll("time, .waiting-time").forEach((each) => each.replaceChildren());
    for (const each of [copy, ...copy.querySelectorAll("*")]) {
      for (const name of ["tabindex", "data-sent", "aria-busy", "open"]) each.removeAttribute(name);
      for (const name of [...each.classList]) if (/^(pulse|leaving|htmx-.*|waiting-(green|amber|red))$/.test(name)) each.classList.remove(name);
      if (!each.className.length) each.removeAttribute("class");
    }
    return copy.outerHTML.replace(/>\s+/g, ">").replace(/\s+</g, "<").replace(/\s+/g, " ");
  };
  const shown = [...document.querySelectorAll("[data-live][id]")].map((region) => [region.id, plain(region)]);
  const answer = await fetch(location.href, { cache: "no-store", headers: { "X-Live-Refresh": "1" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html"), found = [];
  for (const [id, mine] of shown) {
    const other = fresh.getElementById(id), theirs = other ? plain(other) : "";
    if (mine === theirs) continue;
    let at = 0;
    while (mine[at] === theirs[at]) at++;
    found.push(`${id}: …${mine.slice(at - 60, at + 120)} / …${theirs.slice(at - 60, at + 120)}`);
  }
  return found;
}"""
STATE = """() => ({
  state: document.getElementById("live-state")?.dataset.state,
  stale: document.getElementById("stale")?.hidden === false,
})"""

# Keeps the sockets of a page, so that a test may speak on the last of them as the server does.
KEEPS = """() => {
  const kept = [];
  window.WebSocket = class extends WebSocket {
    constructor(...where) {
      super(...where);
      kept.push(this);
    }
  };
  window.hears = (messages) => {
    const socket = kept.at(-1), before = socket.readyState, wrong = [], note = (event) => wrong.push(event.message);
    addEventListener("error", note);
    for (const data of messages) socket.dispatchEvent(new MessageEvent("message", { data }));
    removeEventListener("error", note);
    return socket.readyState === before ? wrong : [...wrong, "it closed its socket"];
  };
}"""


class Chromium:
    playwright: Playwright
    browser: Browser

    async def start(self) -> None:
        self.playwright = await async_playwright().start()
        path = os.environ.get("HOSPITAL_BROWSER") or shutil.which("chromium")
        self.browser = await self.playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])

    async def stop(self) -> None:
        await self.browser.close()
        await self.playwright.stop()

    async def open(self, base: str, hospital: Hospital, role: str, path: str, cookie: str = "") -> Window:
        context = await self.browser.new_context()
        pairs = [pair.split("=", 1) for pair in (cookie or cookie_of(hospital, role)).split("; ")]
        await context.add_cookies([{"name": name, "value": value, "url": base} for name, value in pairs])
        page = await context.new_page()
        await page.add_init_script(f"({KEEPS})()")
        await page.goto(f"{base}{hospital.url}/{path}", timeout=WAKES)
        return Window(page)


class Window:
    def __init__(self, page: Page) -> None:
        self.page = page

    async def state(self) -> str:
        return (await self.page.evaluate(STATE))["state"]

    async def says_stale(self) -> bool:
        return (await self.page.evaluate(STATE))["stale"]

    async def differences(self) -> list[str]:
        return await self.page.evaluate(DIFFERS)

    async def hear(self, *messages: dict) -> list[str]:
        """As if the server had said so. What went wrong with it."""
        return await self.page.evaluate("(messages) => window.hears(messages)", [json.dumps(each) for each in messages])

    async def devtools(self) -> CDPSession:
        return await self.page.context.new_cdp_session(self.page)

    async def close(self) -> None:
        await self.page.context.close()
