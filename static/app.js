// What every page does without being asked: clocks, menus, dialogs, keys, guards, toasts. Live news is live.js.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const shown = (element) => element.checkVisibility({ visibilityProperty: true });
const FOCUSABLE = "a[href], button:not([disabled]), input:not([type=hidden]):not([disabled]), select:not([disabled]), textarea:not([disabled])";

// --- clocks: the same words as hospital/clock.py ------------------------------------------

const skew = Date.parse(document.body.dataset.now || new Date().toISOString()) - Date.now();

// How long ago something was. The clock on the wall may be put back, and the steady one may stand still while the
// machine sleeps: whichever shows more.
const moment = () => ({ wall: Date.now(), steady: performance.now() });
const since = ({ wall, steady }) => Math.max(Date.now() - wall, performance.now() - steady);

const MINUTE = 60, HOUR = 3600, DAY = 86400;

function span(seconds) {
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  if (seconds < 60 * DAY) return `${Math.floor(seconds / DAY)} days`;
  return seconds < 730 * DAY ? `${Math.floor(seconds / (30 * DAY))} months` : `${Math.floor(seconds / (365 * DAY))} years`;
}

function agoInWords(then, now) {
  const seconds = Math.trunc((now - then) / 1000);
  if (Math.abs(seconds) < MINUTE) return "just now";
  return seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

function waitingInWords(minutes) {
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function tick() {
  const now = Date.now() + skew;
  for (const time of $$("time[data-ago]")) write(time, agoInWords(Date.parse(time.dateTime), now));
  for (const place of $$("[data-waiting]")) {
    const minutes = Math.max(0, Math.floor((now - Date.parse(place.dataset.waiting)) / 60000));
    const level = minutes >= +place.dataset.red ? "red" : minutes >= +place.dataset.amber ? "amber" : "green";
    write($(".waiting-time", place), waitingInWords(minutes));
    place.classList.remove("waiting-green", "waiting-amber", "waiting-red");
    place.classList.add(`waiting-${level}`);
  }
}
setInterval(tick, 10000);
document.addEventListener("visibilitychange", tick);
document.addEventListener("htmx:afterSettle", tick);

// --- toasts: eight seconds, longer while somebody reads them -------------------------------

const STAY = 8000;

function leaveLater(toast) {
  if (toast.dataset.loudness === "problem") return;
  setTimeout(() => (toast.matches(":hover, :focus-within") ? leaveLater(toast) : toast.remove()), STAY);
}

function toast(title, text, loudness = "info") {
  const card = $("#toast-template").content.firstElementChild.cloneNode(true);
  card.dataset.loudness = loudness;
  $("[data-slot=title]", card).textContent = title;
  $("[data-slot=text]", card).textContent = text;
  $("[data-slot=link]", card).remove();
  $("#toasts").append(card);
}

const toasts = $("#toasts");
if (toasts) {
  $$(".toast-card", toasts).forEach(leaveLater);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.matches?.(".toast-card")) leaveLater(node);
  }).observe(toasts, { childList: true });
}

// --- unsaved text ----------------------------------------------------------------------------

const dirty = new Set();
const isDirty = (root) => [...dirty].some((form) => form.isConnected && root.contains(form));

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (form) dirty.add(form);
});
addEventListener("beforeunload", (event) => {
  if (isDirty(document)) event.preventDefault();
});

// --- dialogs -----------------------------------------------------------------------------------

function focusFirst(root) {
  const place = $("[data-error-summary]", root) || $$(FOCUSABLE, root).find((element) => shown(element) && !element.matches("[data-closes]"));
  place?.focus({ preventScroll: root === document });
}

function openDialog(dialog) {
  if (!dialog.open) {
    dialog.cameFrom = document.activeElement;
    dialog.showModal();
  }
}

async function closeDialog(dialog) {
  if (isDirty(dialog) && !(await ask("Leave without saving? What you wrote here is lost.", "Leave"))) return;
  shut(dialog);
}

function shut(dialog) {
  $$("form", dialog).forEach((form) => dirty.delete(form));
  dialog.close();
}

function closed(event) {
  const dialog = event.target;
  if (dialog.open) return;
  if (isDirty(dialog)) { // a browser lets Escape be refused only once
    dialog.showModal();
    return closeDialog(dialog);
  }
  if (dialog.matches("#dialog, #panel")) dialog.replaceChildren();
  if (dialog.cameFrom?.isConnected) dialog.cameFrom.focus();
}
for (const dialog of $$("dialog")) {
  dialog.addEventListener("close", closed);
  dialog.addEventListener("cancel", (event) => {
    if (event.target !== dialog || dialog.id === "confirm") return; // a file chooser that is left says "cancel" too
    event.preventDefault();
    closeDialog(dialog);
  });
  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog && dialog.id !== "confirm" && outside(dialog, event)) closeDialog(dialog);
  });
}

function outside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

function ask(question, action = "Continue") {
  const dialog = $("#confirm");
  $("#confirm-question").textContent = question;
  $("[data-slot=action]", dialog).textContent = action;
  openDialog(dialog);
  return new Promise((resolve) => {
    const answered = new AbortController();
    const answer = (yes) => {
      answered.abort();
      resolve(yes);
    };
    dialog.addEventListener("submit", (event) => answer(event.submitter.value === "yes"), { signal: answered.signal });
    dialog.addEventListener("cancel", () => answer(false), { signal: answered.signal });
  });
}

document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (!target.matches("dialog") && !target.closest("dialog")) return;
  const dialog = target.closest("dialog");
  if (dialog.id === "search") return;
  if (!dialog.childElementCount) return void (dialog.open && dialog.close());
  openDialog(dialog);
  focusFirst(dialog);
});
document.addEventListener("close-dialog", () => $$("#dialog[open], #panel[open]").forEach(shut));

// --- clicks ---------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const dismiss = at("[data-dismiss]");
  if (dismiss) dismiss.closest("[data-dismissible]").remove();
  const closes = at("dialog [data-closes]");
  if (closes) {
    event.preventDefault();
    closeDialog(closes.closest("dialog"));
  }
  const opens = at("[data-opens]");
  if (opens) open(opens.dataset.opens);
  const theme = at("[data-theme-choice]");
  if (theme) chooseTheme(theme.dataset.themeChoice);
  if (at("[data-goes-back]")) history.back();
  if (at(".menu-list a, .menu-list button:not([data-theme-choice])")) at("details.menu").open = false;
});

function open(selector) {
  if (selector === "#keys") listKeys();
  openDialog($(selector));
  focusFirst($(selector));
}

function chooseTheme(choice) {
  try { localStorage.setItem("theme", choice); } catch { /* private window: the choice lasts for this page */ }
  dispatchEvent(new Event("theme"));
  markTheme();
}

function markTheme() {
  let choice = "system";
  try { choice = localStorage.getItem("theme") || "system"; } catch { /* as above */ }
  for (const button of $$("[data-theme-choice]")) button.setAttribute("aria-pressed", button.dataset.themeChoice === choice);
}
markTheme();

// --- sending: asked first where it says so, once, and never silently lost ----------------------------

document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  const question = button?.dataset.confirm || form.dataset.confirm;
  if (question && !form.agreed) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const action = button?.dataset.confirmAction || form.dataset.confirmAction || button?.textContent.trim();
    if (!(await ask(question, action))) return;
    form.agreed = true;
    form.requestSubmit(button);
    form.agreed = false;
    return;
  }
  if (event.defaultPrevented) return;
  dirty.delete(form);
  if (form.method !== "post") return;
  if (form.dataset.sent) { // the second click of two: neither the browser nor htmx sends it
    event.preventDefault();
    return event.stopImmediatePropagation();
  }
  form.dataset.sent = "yes";
  button?.setAttribute("aria-busy", "true");
}, true);
addEventListener("pageshow", () => $$("form[data-sent]").forEach(sendAgain));

function sendAgain(form) {
  delete form.dataset.sent;
  $$("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
}

document.addEventListener("htmx:confirm", async (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await ask(event.detail.question, event.detail.elt.dataset.confirmAction)) event.detail.issueRequest(true);
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = detail.elt.closest?.("form");
  if (!form) return;
  sendAgain(form);
  if (!detail.successful && form.matches("[data-guard]")) dirty.add(form);
});
document.addEventListener("htmx:sendError", ({ detail }) => {
  if (asks(detail)) return missing("There is no connection: the page could not be fetched. Try again when the connection is back.");
  toast("Not sent", "There is no connection. What you wrote is still here; send it again when the connection is back.", "problem");
});
document.addEventListener("htmx:responseError", ({ detail }) => {
  const { status } = detail.xhr;
  if (asks(detail) && [502, 503, 504].includes(status)) return missing("The records cannot be reached at the moment. Try again in a moment.");
  toast("Not done", WORDS[status] || WORDS.other, "problem");
});

// What only asked loses nothing: it is said once, and goes when the connection is back.
const asks = (detail) => detail.requestConfig?.verb === "get";
const missed = () => $$("#toasts [data-missed]");

function missing(text) {
  missed().forEach((card) => card.remove());
  toast("Not fetched", text, "problem");
  $("#toasts").lastElementChild.dataset.missed = "";
}

function healed() {
  for (const card of missed()) {
    delete card.dataset.missed;
    card.dataset.loudness = "info";
    leaveLater(card);
  }
}
document.addEventListener("live:message", healed);
document.addEventListener("htmx:afterRequest", ({ detail }) => detail.successful && missed().forEach((card) => card.remove()));

const AWAY = "The records cannot be reached at the moment. What you wrote is still here; send it again in a moment.";
const WORDS = {
  401: "You are logged out. Log in again in another window, then repeat this here.",
  403: "Your role may not do this. Nothing was changed.",
  404: "This is no longer here. Refresh the page to see how it stands now.",
  413: "The file is too large. Nothing was saved.",
  429: "That was too fast. Wait a minute, then try again.",
  502: AWAY,
  503: AWAY,
  504: AWAY,
  other: "The system made a mistake and stopped before it changed anything. Try once more.",
};

// --- search: Ctrl-K, or begin to type in the head --------------------------------------------------

function openSearch(text = "") {
  const dialog = $("#search"), input = $("#search-input");
  if (!dialog) return;
  openDialog(dialog);
  if (text) {
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  input.focus();
}
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-opens-search]") || !event.target.value) return;
  openSearch(event.target.value);
  event.target.value = "";
});

function walkResults(event) {
  if (event.key === "Escape") { // a search field would only empty itself
    event.preventDefault();
    return closeDialog($("#search"));
  }
  const results = $$("#search-results a");
  if (!results.length) return;
  const now = results.indexOf(document.activeElement);
  const to = { ArrowDown: now + 1, ArrowUp: now - 1, Enter: now < 0 ? 0 : null }[event.key];
  if (to === undefined || to === null) return;
  event.preventDefault();
  if (event.key === "Enter") results[0].click();
  else (results[to] || $("#search-input")).focus();
}

// --- keys ---------------------------------------------------------------------------------------------

const typing = (element) => element.matches("input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return openSearch();
  }
  if ($("#search")?.open) return walkResults(event);
  if (event.key === "Escape") return closeMenus();
  if (/^Arrow(Down|Up)$/.test(event.key) && event.target.closest("details.menu[open]")) return walkMenu(event);
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  const root = $("dialog[open]") || document;
  if (event.key === "?" && root === document) return open("#keys");
  if (root === document && "jk".includes(event.key)) return walkRows(event.key === "j" ? 1 : -1);
  if (event.key === "Enter" && event.target.matches("[data-rows] tbody tr")) return ($("[data-primary]", event.target) || $("a, button", event.target))?.click();
  const found = $$("[data-key]", root).find((element) => element.dataset.key === event.key && shown(element));
  if (!found) return;
  event.preventDefault();
  found.matches("input, select, textarea") ? found.focus() : found.click();
});

function closeMenus() {
  for (const menu of $$("details.menu[open]")) {
    menu.open = false;
    $("summary", menu).focus();
  }
}

function walkMenu(event) {
  const menu = event.target.closest("details.menu");
  const entries = $$("summary, .menu-list a, .menu-list button", menu).filter(shown);
  const step = event.key === "ArrowDown" ? 1 : -1;
  event.preventDefault();
  entries[(entries.indexOf(document.activeElement) + step + entries.length) % entries.length].focus();
}

function walkRows(step) {
  const rows = $$("[data-rows] tbody tr").filter(shown);
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + step))];
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

function listKeys() {
  const own = $$("[data-key], [data-key-legend]").filter(shown).map((element) => [element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent.trim(), element.dataset.key || element.dataset.keyLegend]);
  const everywhere = [["Search", "Ctrl K"], ["Next row, row before", "j k"], ["Open the row, send the form", "Enter"], ["Close", "Esc"], ["This list", "?"]];
  $("#keys .key-list").replaceChildren(...[...own, ...everywhere].map(keyLine));
}

function keyLine([words, keys]) {
  const line = document.createElement("div"), term = document.createElement("dt"), given = document.createElement("dd");
  term.textContent = words;
  for (const key of keys.split(" ")) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    given.append(cap, " ");
  }
  line.append(term, given);
  return line;
}

// --- the beginning -----------------------------------------------------------------------------------------

const summary = $("main form [data-error-summary]");
const firstForm = $("main form[data-focus]");
if (summary) summary.focus();
else if (firstForm && matchMedia("(pointer: fine)").matches && firstForm.getBoundingClientRect().top < innerHeight / 2) focusFirst(firstForm);
