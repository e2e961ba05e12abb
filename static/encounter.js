// A note while it is written: saved every few seconds, merged section by section, kept in the browser's memory while
// the server is away. Quick texts, and places on the body map. Uses $ and $$ of app.js, and body_map.js.
(() => {
  "use strict";

  // --- the body map: a click is a place ----------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const map = event.target.closest(".body-map[data-places]"), place = map && window.bodyPlace(event);
    if (!place) return;
    const where = new URLSearchParams({ site: place.site, laterality: place.side, x: place.x, y: place.y });
    htmx.ajax("GET", `${map.dataset.places}?${where}`, { target: "#dialog" });
  });

  const form = $("#note-form");
  if (!form) return;

  const AFTER_KEY = 2000, AT_MOST = 4000, AGAIN = 3000, PATIENCE = 8000;
  const status = $("#note-saved"), sections = $$(".note-section", form);
  const keyOf = (section) => section.dataset.noteSection;
  const field = (section) => $(`[name="${keyOf(section)}"]`, section);
  const opened = (section) => $(`input[name="opened-${keyOf(section)}"]`, form);
  const plain = (text) => text.replace(/\r\n?/g, "\n");
  const known = new Map(sections.map((section) => [keyOf(section), plain(opened(section)?.value ?? "")]));
  const typed = new Map(sections.map((section) => [keyOf(section), plain(field(section).value)]));
  const now = (section) => plain(field(section).value);

  let savedAt = new Date(status.dataset.savedAt), unsavedSince = 0, timer = 0, saving = null, sends = 0, away = false, over = false, refused = "";

  const clock = (at) => at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: document.body.dataset.zone });
  const isUnsaved = () => sections.some((section) => now(section) !== typed.get(keyOf(section)));
  const say = (words, tone = "") => { if (status.textContent !== words) status.textContent = words; status.dataset.tone = tone; };

  function tell() {
    if (over) return;
    if (refused) return say(refused, "warn");
    if (away && unsavedSince) return say(`Not saved since ${clock(savedAt)}. What you type is kept on this page, and sent when the connection is back.`, "warn");
    say(`Saved ${clock(savedAt)}`);
  }

  // --- saving: two seconds after the last key, four at most -----------------------------------------------

  function soon(delay = AFTER_KEY) {
    unsavedSince ||= Date.now();
    clearTimeout(timer);
    timer = setTimeout(save, Math.max(0, Math.min(delay, unsavedSince + AT_MOST - Date.now())));
  }

  function save(options = {}) {
    clearTimeout(timer);
    if (over || !form.isConnected) return Promise.resolve(false);
    saving ||= send(options).finally(() => { saving = null; if (isUnsaved() && !over) away || refused ? retry() : soon(); });
    return saving;
  }

  function retry() {
    clearTimeout(timer);
    timer = setTimeout(save, AGAIN);
  }

  async function send(options) {
    const sent = new Map(sections.map((section) => [keyOf(section), now(section)])), body = new FormData(form);
    body.delete("form_key");
    for (const section of sections) body.set(`opened-${keyOf(section)}`, known.get(keyOf(section)));
    sends += 1;
    try {
      take(await ask(form.action, { method: "POST", body, ...options }), sent);
      away = false;
      savedAt = new Date();
      unsavedSince = isUnsaved() ? Date.now() : 0;
      tell();
      return true;
    } catch {
      if (over) return false;
      away = true;
      tell();
      return false;
    }
  }

  async function ask(address, options = {}) {
    const headers = { Accept: "application/json", ...JSON.parse(document.body.getAttribute("hx-headers")) };
    if (!options.method) headers["X-Live-Refresh"] = "1";
    const response = await fetch(address, { headers, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE), ...options });
    if (response.status === 409) ended();
    const isAnswered = response.ok || response.status === 422; // 422: what could be saved is saved
    if (!isAnswered) throw new Error(`the server answered ${response.status}`);
    return response.json();
  }

  // --- what the server says: mine stays, theirs comes where I did not type ------------------------------------

  function take(state, sent) {
    if (!state.open) return ended();
    const wrong = state.wrong ?? {};
    refused = Object.values(wrong).join(" ");
    const asked = new Map(state.conflicts.map((one) => [one.field, one]));
    for (const section of sections) {
      const key = keyOf(section), theirs = plain(state.sections[key] ?? "");
      if (key in wrong) continue;
      if (asked.has(key)) {
        typed.set(key, sent.get(key));
        choose(section, asked.get(key));
        continue;
      }
      $(".note-conflict", section)?.remove();
      if (now(section) === sent.get(key)) put(section, theirs);
      else if (theirs === sent.get(key)) { known.set(key, theirs); typed.set(key, theirs); }
    }
  }

  function put(section, text) {
    const input = field(section), key = keyOf(section);
    known.set(key, text);
    typed.set(key, text);
    if (now(section) === text) return;
    const { selectionStart, selectionEnd } = input;
    input.value = text;
    if (input.matches("textarea, input") && document.activeElement === input) input.setSelectionRange(selectionStart, selectionEnd);
    grow(input);
    input.classList.remove("pulse");
    requestAnimationFrame(() => input.classList.add("pulse"));
  }

  async function refresh() {
    if (saving || over || !form.isConnected) return;
    const before = sends;
    try {
      const state = await ask(form.dataset.state);
      if (sends === before) take(state, new Map(known));
    } catch { /* the next event, or the next save, asks again */ }
  }

  // Signed, or struck through, on another page.
  function ended() {
    over = true;
    if (!isUnsaved()) return location.reload();
    say("This note was signed or ended while you wrote. Your last words are only on this page: copy them into an addendum.", "warn");
  }

  // --- both changed the same section -----------------------------------------------------------------------

  function choose(section, conflict) {
    let card = $(".note-conflict", section);
    if (!card) {
      card = $("#note-conflict").content.firstElementChild.cloneNode(true);
      card.setAttribute("aria-label", `Two versions of ${conflict.label}`);
      section.append(card);
      $(".conflict-lead", card).textContent = `${conflict.by || "A colleague"} changed “${conflict.label}” while you did. Nothing is lost: choose what stays.`;
    }
    $("[data-side=who]", card).textContent = conflict.by || "Theirs";
    $("[data-side=mine]", card).textContent = conflict.mine;
    $("[data-side=theirs]", card).textContent = conflict.theirs;
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-keep]"), section = button?.closest(".note-section");
    if (!section) return;
    const theirs = plain($(".note-conflict [data-side=theirs]", section).textContent), mine = now(section);
    known.set(keyOf(section), theirs);
    field(section).value = { mine, theirs, both: `${theirs}\n${mine}` }[button.dataset.keep];
    typed.set(keyOf(section), null);
    $(".note-conflict", section).remove();
    grow(field(section));
    field(section).focus();
    unsavedSince ||= Date.now();
    save();
  });

  // --- typing ---------------------------------------------------------------------------------------------------

  function grow(input) {
    if (input.matches("textarea") && !CSS.supports("field-sizing", "content")) {
      input.style.height = "auto";
      input.style.height = `${input.scrollHeight + 2}px`;
    }
  }

  const quickTexts = new Map($$(".quick option[data-code]", form).map((option) => [option.dataset.code, option.value]));

  function expand(input) {
    const before = input.value.slice(0, input.selectionStart), found = before.match(/(?:^|\s)\.([a-z0-9][a-z0-9_-]*)\s$/i);
    const text = found && quickTexts.get(found[1].toLowerCase());
    if (text) input.setRangeText(text, before.length - found[1].length - 2, before.length - 1, "end");
  }

  form.addEventListener("input", (event) => {
    const input = event.target;
    if (input.matches(".quick")) return insert(input);
    if (!input.closest(".note-section")) return;
    if (input.matches("textarea, input") && !event.isComposing) expand(input);
    grow(input);
    soon();
  });

  function insert(menu) {
    const input = $(`#${menu.dataset.quick}`), gap = input.value && !/\s$/.test(input.value.slice(0, input.selectionStart)) ? " " : "";
    input.setRangeText(gap + menu.value, input.selectionStart, input.selectionEnd, "end");
    menu.value = "";
    input.focus();
    grow(input);
    soon();
  }

  // --- leaving, and what must not go before the words are there ---------------------------------------------------

  addEventListener("beforeunload", (event) => {
    if (!form.isConnected || !isUnsaved()) return;
    if (!over) save({ keepalive: true });
    event.preventDefault();
  });

  // A phone that puts the browser away asks nobody.
  document.addEventListener("visibilitychange", () => document.hidden && isUnsaved() && save({ keepalive: true }));

  async function first(event) {
    const goes = event.target.closest("[data-saves-first]");
    if (!goes || !isUnsaved()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (await save()) event.type === "submit" ? goes.requestSubmit(event.submitter) : goes.click();
  }
  document.addEventListener("click", (event) => event.target.closest("a[data-saves-first]") && first(event), true);
  document.addEventListener("submit", first, true);
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });

  // --- what others do, and the way back ---------------------------------------------------------------------------

  let hearing = 0;
  document.addEventListener("live:message", ({ detail }) => {
    const heard = (detail.events || []).some((one) => one.name.startsWith("encounter:") && (!one.about || one.about === form.dataset.about));
    if (away && unsavedSince) return save();
    if (!heard && !detail.resync) return;
    clearTimeout(hearing);
    hearing = setTimeout(refresh, 200);
  });
  addEventListener("online", () => isUnsaved() && save());

  for (const section of sections) grow(field(section));
  tell();
  refresh();
  if (isUnsaved()) soon();
})();
