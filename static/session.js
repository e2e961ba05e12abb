// Ends a page with the log-in that it was opened with, and brings it back for the same person, with what was written on it.
// Nothing of it is ever stored: while nobody is logged in, the page's content is only in this script's memory.
// Loaded after app.js and before live.js.
(() => {
  "use strict";

  const page = document.body.dataset, { person, role } = page;
  if (!person) return;

  const STATE = "/accounts/session/", SECOND = 1000, PATIENCE = 5000;
  const idle = +page.sessionIdle * SECOND;
  const WARN = Math.min(60 * SECOND, idle / 3), REPORT = Math.min(60 * SECOND, idle / 5), ASK = 3 * SECOND;
  const warning = $("#session-warning").content.firstElementChild, over = $("#session-over").content.firstElementChild;
  const words = { title: document.title, ...over.dataset };

  let told = { at: moment(), left: page.sessionLeft * SECOND }, mayStay = true, reportedAt = moment(), askedAt = moment();
  let kept = null, reason = "", asking = null, restoredAt = null;
  const remains = () => told.left - since(told.at);

  // --- what the server knows: asking prolongs nothing, saying that somebody is there does ----------------------

  const headers = () => JSON.parse(document.body.getAttribute("hx-headers"));

  async function exchange(method, more) {
    const response = await fetch(STATE, { method, headers: more, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (response.ok || response.status === 403) return response;
    throw new Error(`the server answered ${response.status}`);
  }

  async function ask() {
    askedAt = moment();
    return take(await (await exchange("GET", { "X-Background": "1" })).json());
  }

  async function report() {
    reportedAt = moment();
    const response = await exchange("POST", headers());
    return response.ok ? take(await response.json()) : ask(); // another log-in gave out another token; the next report has it
  }

  async function take(answer) {
    if (!answer.person) return clear("ended");
    if (answer.person !== person) return leave();
    told = { at: moment(), left: answer.left * SECOND };
    mayStay = answer.may_stay;
    renewTokens(answer.token);
    if (remains() > WARN) hush();
    if (kept) await restore(answer.token);
  }

  // One question at a time. Without an answer nothing is known, and what is known may have run out.
  function check(question = ask) {
    asking ||= question().catch(() => remains() <= 0 && clear("ended")).finally(() => { asking = null; });
    return asking;
  }

  function renewTokens(token) {
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    for (const root of [document, kept?.content]) for (const input of root ? $$("input[name=csrfmiddlewaretoken]", root) : []) input.value = token;
  }

  // --- the screen is cleared, and comes back ------------------------------------------------------------------------

  function clear(why) {
    if (kept && why === "away") return;
    reason = why;
    if (!kept) putAway();
    tell();
  }

  function putAway() {
    hush();
    const modals = $$("dialog[open]").filter((dialog) => dialog.matches(":modal"));
    const { className } = document.body, { scrollX, scrollY } = window, search = location.search + location.hash;
    kept = { content: document.createDocumentFragment(), modals, className, scrollX, scrollY, search, focus: document.activeElement };
    window.live?.stop();
    answersName(false);
    kept.content.append(...document.body.childNodes);
    document.body.className = "bare entrance";
  }

  // What was asked before the page was put away may be answered after it: that names neither the page nor its address.
  const answersName = (may) => { if (window.htmx) htmx.config.ignoreTitle = !may; };
  document.addEventListener("htmx:beforeHistoryUpdate", ({ detail: { history: update } }) => {
    if (!kept) return;
    const { search, hash } = new URL(update.path, location.href);
    kept.search = search + hash;
    Object.assign(update, { type: "replace", path: location.pathname });
  });

  function tell() {
    const name = reason[0].toUpperCase() + reason.slice(1);
    $("h1", over).textContent = document.title = words[`title${name}`];
    $("p", over).textContent = words[`text${name}`];
    for (const action of $$("[data-for]", over)) action.hidden = action.dataset.for !== reason;
    if (reason === "away") return document.body.replaceChildren();
    history.replaceState(history.state, "", location.pathname); // what was searched for may be a name
    const next = $("[data-next]", over);
    next.href = next.dataset.next + encodeURIComponent(location.pathname);
    if (over.isConnected) return;
    document.body.replaceChildren(over);
    $("h1", over).focus();
  }

  // The right to the page is asked for anew; the role that it was made for is taken up again.
  async function restore(token) {
    const response = await fetch(location.pathname + kept.search, { headers: { "X-Live-Refresh": "1" }, cache: "no-store", signal: AbortSignal.timeout(2 * PATIENCE) });
    if (response.redirected) return;
    const acting = new DOMParser().parseFromString(await response.text(), "text/html").body.dataset.role;
    if (acting && acting !== role) return otherRole(token);
    if (!response.ok) return void (response.status < 500 && clear("forbidden"));
    const { content, modals, className, scrollX, scrollY, search, focus } = kept;
    kept = null;
    restoredAt = moment();
    document.body.className = className;
    document.body.replaceChildren(content);
    document.title = words.title;
    answersName(true);
    history.replaceState(history.state, "", location.pathname + search);
    for (const dialog of modals) {
      dialog.removeAttribute("open");
      dialog.showModal();
    }
    $$("form[data-sent]").forEach(sendAgain);
    scrollTo(scrollX, scrollY);
    if (focus?.isConnected) focus.focus({ preventScroll: true });
    window.live?.go();
    window.live?.refetch();
  }

  async function otherRole(token) {
    if (reason === "forbidden") return;
    if (reason === "away") return location.reload();
    const address = new URL("../role/", new URL(page.liveUrl, location.href));
    const response = await fetch(address, { method: "POST", body: new URLSearchParams({ role, csrfmiddlewaretoken: token }), redirect: "manual" });
    if (response.type !== "opaqueredirect") clear("forbidden");
  }

  // Somebody else is logged in now: nothing of the former person is left.
  function leave() {
    kept = null;
    if (document.body.firstChild !== over) document.body.replaceChildren();
    location.replace(location.pathname);
  }

  // --- the last minute ---------------------------------------------------------------------------------------------

  function warn() {
    if (!warning.isConnected) {
      document.body.append(warning);
      warning.showModal();
    }
    for (const element of $$("[data-if]", warning)) element.hidden = (element.dataset.if === "stay") !== mayStay;
    const left = Math.max(0, Math.ceil(remains() / SECOND));
    $("[data-slot=left]", warning).textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }

  function hush() {
    if (warning.open) warning.close();
    warning.remove();
  }
  warning.addEventListener("close", () => { warning.remove(); });
  $("[data-stay]", warning).addEventListener("click", () => check(report));

  function tick() {
    const left = remains(), pause = since(askedAt);
    if (kept) return void (reason === "ended" && !document.hidden && pause > ASK && check());
    if (left <= 0) return void check();
    if (left > WARN) return;
    if (pause > WARN) check(); // another tab may have prolonged it
    else if (!asking) warn();
  }
  setInterval(tick, SECOND);

  // --- what people do -------------------------------------------------------------------------------------------------

  function acted(event) {
    if (event.isTrusted && !kept && since(reportedAt) > REPORT) check(report);
  }
  for (const type of ["keydown", "input", "pointerdown", "wheel"]) addEventListener(type, acted, { capture: true, passive: true });

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.triggeringEvent?.isTrusted) detail.headers["X-Background"] = "1";
  });
  document.addEventListener("htmx:responseError", ({ detail }) => {
    if (detail.xhr.status === 401) end();
  });
  document.addEventListener("live:closed", (event) => {
    if (event.detail.code === 4403) clear("forbidden");
    if (event.detail.code === 4401) end();
    if (kept) event.preventDefault();
  });

  // The session may only have got another key, as after a change of the password: then the page is back at once.
  function end() {
    clear("ended");
    if (!restoredAt || since(restoredAt) > ASK) check();
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && (kept || remains() < WARN)) check();
  });
  // A browser may keep a page that is left, and show it again as it was, to whoever is there.
  addEventListener("pagehide", (event) => event.persisted && clear("away"));
  addEventListener("pageshow", (event) => event.persisted && check().then(() => kept && reason === "away" && clear("ended")));
})();
