// Keeps an open page true. The page is the snapshot, the socket brings the difference; docs/realtime.md tells the rules.
// Loaded after app.js, whose $ and $$ it uses, and fragments.js, which places what comes.
(() => {
  "use strict";

  const { liveUrl, liveCursor } = document.body.dataset;
  if (!liveUrl) return;

  const SILENT = 11000, POLL = 5000, SLOWEST = 2000, ANSWER = 1000, TOASTS = 3, RETRY = 2000, SPREAD = 1000, GATHER = 150, LONGEST = 2000;
  const OWN = 1 + Math.random();  // not all pages acknowledge at the same event
  const ACK_EVENTS = 50 * OWN, ACK_SIZE = 64000 * OWN, ACK_WITHIN = 3000;
  const TOO_MUCH = [1008, 1009, 4400, 4413], RESTART = 1012, REST = 30000;  // sent away by a limit: knocking again at once would only make it worse
  const { debug, words, place, count, swap, pulse, sameId, inUse, later, settle } = window.fragments;
  const clock = ({ wall }) => new Date(wall + skew).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", timeZone: document.body.dataset.zone });

  // Other scripts hear what happens as events of the document ("live:message", "live:closed"), and speak through window.live.
  const announce = (what, detail) => document.dispatchEvent(new CustomEvent(`live:${what}`, { detail, cancelable: true }));

  // --- the socket: always one, or one on its way ----------------------------------------------------

  let [epoch, seq] = cursorFrom(liveCursor);
  let socket = null, openedAt = moment(), heardAt = moment(), attempts = 0, connects = 0, retry = 0, resumedAt = null, acknowledging = 0, owedEvents = 0, owedSize = 0, locked = false, stopped = false, crowded = false;

  function cursorFrom(text) {
    const [epoch, seq] = (text || "").split(":");
    return [epoch, +seq || 0];
  }

  function connect() {
    clearTimeout(retry);
    const url = new URL(liveUrl, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const mine = socket = new WebSocket(url);
    openedAt = moment();
    mine.onopen = () => resume(connects++ > 0);
    mine.onmessage = ({ data }) => mine === socket && receive(JSON.parse(data), data.length);
    mine.onclose = ({ code }) => mine === socket && closed(code);
  }

  function drop() {
    const old = socket;
    socket = null;
    old?.close();
  }

  function closed(code) {
    debug("closed", code);
    socket = null;
    if (!announce("closed", { code })) return; // static/session.js has taken the page away
    if (code === 4409) return lock("You work in another role now", "This page is of your former role, and does not follow any more. What is written on it stays. Load it again to go on.", location.pathname + location.search);
    crowded = TOO_MUCH.includes(code) && since(heardAt) > since(openedAt);
    show(stale() || crowded || !navigator.onLine ? "offline" : "reconnecting");
    const wait = waitAfter(code);
    debug("again in", Math.round(wait), "ms");
    retry = setTimeout(connect, wait);
  }

  // By chance, so that not all pages come back at the same moment.
  function waitAfter(code) {
    if (code === RESTART) return 1000 * Math.random();
    const wait = TOO_MUCH.includes(code) ? REST : Math.min(SLOWEST, 200 * 2 ** attempts++);
    return wait * (0.5 + Math.random() / 2);
  }

  function say(message) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function resume(again = false) {
    resumedAt = moment();
    forgetOwed();
    debug("resume", `${epoch}:${seq}`);
    say({ resume: epoch ? `${epoch}:${seq}` : "", ...(again && { again }) });
  }

  // After sleep, a cut, or in a tab that was frozen: a socket that has not spoken lately is not worth waiting for.
  function wake() {
    if (document.hidden || stopped) return;
    if (socket?.readyState === WebSocket.OPEN && since(heardAt) < SILENT / 2) return;
    if (socket?.readyState === WebSocket.CONNECTING && since(openedAt) < SILENT / 2) return;
    debug("awake: connects anew");
    attempts = 0;
    drop();
    connect();
  }

  // While the page is put away: neither a socket nor a question.
  function stop() {
    stopped = locked = true;
    clearTimeout(retry);
    drop();
  }

  function go() {
    stopped = locked = false;
    heardAt = moment();
    attempts = 0;
    drop();
    connect();
  }

  // --- what the server says ---------------------------------------------------------------------------

  function receive(message, size) {
    debug("frame", message);
    if (message.events) message.events = untold(message);
    announce("message", message);
    if (message.prev === undefined && !message.resync) return;  // for another script: it does not tell that the log is read
    heardAt = moment();
    attempts = 0;
    crowded = false;
    unlock();
    show("live");
    if (message.resync) {
      debug("resync", `${epoch}:${seq}`, "→", message.resync);
      [epoch, seq] = cursorFrom(message.resync);
      forgetOwed();
      want(null, SPREAD * Math.random()); // many pages may be told so at once
      return;
    }
    if (message.prev > seq) return gap(message);
    if (message.head !== undefined) seq = Math.max(seq, message.head);
    else if (message.seq <= seq) debug("known, dropped", message.seq);
    else {
      seq = message.seq;
      if (fetching) sinceFetch.push(message);
      message.html.forEach(place);
      message.events.forEach(regard);
      overfull();
      tell(message.events.filter((event) => event.loudness));
      acknowledge(message.events.length, size);
    }
  }

  // Frames overlap after a second resume. What comes after a gap is sent once more, in its turn.
  const untold = (message) => message.prev > seq ? [] : message.events.filter((event) => !(event.seq <= seq));

  function gap(message) {
    debug("gap", seq, message.prev);
    if (!resumedAt || since(resumedAt) > ANSWER) resume();
  }

  // The server stops when too much is not acknowledged: so after a while, and at once when it is much.
  function acknowledge(events, size) {
    owedEvents += events;
    owedSize += size;
    if (owedEvents >= ACK_EVENTS || owedSize >= ACK_SIZE) sayAcknowledged();
    else acknowledging ||= setTimeout(sayAcknowledged, ACK_WITHIN * (1 + Math.random()) / 2);
  }

  function sayAcknowledged() {
    forgetOwed();
    say({ ack: seq });
  }

  function forgetOwed() {
    clearTimeout(acknowledging);
    acknowledging = owedEvents = owedSize = 0;
  }

  // --- regions: fetched again as a whole --------------------------------------------------------------

  // `wanted` is what events ask for: some regions, by their ids; null is all of them.
  let fetching = false, again = false, soon = 0, wanted = new Set(), took = 0, sinceFetch = [], asOf = moment();

  const regions = () => $$("[data-live][id]").filter((region) => !region.parentElement.closest("[data-live]"));

  function regard(event) {
    const listens = (region) => words(region.dataset.liveOn).includes(event.name) && (!event.about || !region.dataset.liveAbout || region.dataset.liveAbout === event.about);
    const listeners = $$("[data-live-on]").filter(listens);
    const touched = regions().filter((region) => listeners.some((listener) => region.contains(listener))).map((region) => region.id);
    debug("event", event.name, event.refetch ? "→ fetches the regions" : touched.length ? `→ fetches ${touched.join(" ")}` : "");
    if (event.refetch) want(null);
    else if (touched.length) want(touched);
  }

  // A list with pages takes no more rows than one of them has.
  function overfull() {
    const full = regions().filter((region) => $$("[data-live-list] > [data-v]", region).length > (+region.dataset.liveMost || Infinity));
    if (full.length) want(full.map((region) => region.id));
  }

  // Many events make one question, and a server that took long is not asked again at once.
  function want(ids, wait = Math.max(GATHER, Math.min(2 * took, LONGEST))) {
    wanted &&= ids && new Set([...wanted, ...ids]);
    soon ||= setTimeout(fetchWanted, wait);
  }

  function refetch() {
    wanted = null;
    return fetchWanted();
  }

  async function fetchWanted() {
    clearTimeout(soon);
    soon = 0;
    if (fetching) return void (again = true);
    if (!regions().length) return;
    const only = wanted, begun = moment(), named = only && { "X-Live-Regions": [...only].join(" ") };
    wanted = new Set();
    fetching = true;
    sinceFetch = [];
    try {
      const response = await fetch(location.href, { headers: { "X-Live-Refresh": "1", ...named }, cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (response.redirected && new URL(response.url).pathname.startsWith("/accounts/")) return closed(4401);
      const page = new DOMParser().parseFromString(await response.text(), "text/html"), { role } = page.body.dataset;
      if (role && role !== document.body.dataset.role) {
        drop();
        return closed(4409);
      }
      if (!response.ok) throw new Error(`the page answered ${response.status}`);
      document.body.dataset.liveHeard = page.body.dataset.liveHeard ?? "";
      for (const region of regions()) if (!only || only.has(region.id)) renew(region, page.getElementById(region.id));
      for (const message of sinceFetch) message.html.forEach(place);
      count();
      if (!only) asOf = renewedAt = moment();
      debug("fetched", only ? [...only].join(" ") : "");
    } catch (error) {
      debug("not fetched", error);
      if (!only || regions().some((region) => only.has(region.id) && !unheard(region))) want(only, RETRY * (0.5 + Math.random()));
    } finally {
      fetching = false;
      took = since(begun);
      if (again) want([]);
      again = false;
    }
  }

  function renew(region, fresh) {
    if (!fresh || plain(region) === plain(fresh)) return;
    debug(inUse(region) ? "waits, in use" : "renewed", region.id);
    if (inUse(region)) return later(region, () => want([region.id]));
    const node = document.importNode(fresh, true);
    const changed = $$("[id][data-v]", node).filter((row) => {
      const [old] = sameId(row.id, region);
      return !old || plain(old) !== plain(row);
    });
    swap(region, node);
    (changed.length ? changed : [node]).forEach(pulse);
  }

  // What two renderings of the same thing may differ in: tokens, clocks, and the marks that scripts leave.
  function plain(element) {
    const copy = element.cloneNode(true);
    $$("input[name=csrfmiddlewaretoken], input[name=form_key]", copy).forEach((input) => input.remove());
    $$("time[data-ago], .waiting-time", copy).forEach((time) => { time.textContent = ""; });
    $$("details", copy).forEach((details) => details.removeAttribute("open"));
    for (const marked of [copy, ...$$("[class], [tabindex], [data-sent], [aria-busy]", copy)]) {
      for (const name of [...marked.classList]) if (/^(pulse|leaving|waiting-(green|amber|red)|htmx-.*)$/.test(name)) marked.classList.remove(name);
      if (marked.matches("tr")) marked.removeAttribute("tabindex");
      for (const name of ["data-sent", "aria-busy"]) marked.removeAttribute(name);
      if (!marked.className) marked.removeAttribute("class");
    }
    return copy.outerHTML.replace(/\s+/g, " ");
  }

  // --- regions that not all their events reach: fetched by the clock ---------------------------------------

  // The server says which events reach the page's role. What a region shows of the others would stay as it is.
  let renewedAt = moment(), chance = 1;

  const livesOn = (region) => [region, ...$$("[data-live-on], [data-live-fed]", region)].flatMap(({ dataset }) => words(`${dataset.liveOn || ""} ${dataset.liveFed || ""}`));
  const seconds = () => +document.body.dataset.liveRenew;

  const missed = (region) => livesOn(region).filter((name) => !words(document.body.dataset.liveHeard).includes(name));
  const unheard = (region) => livesOn(region).length > 0 && missed(region).length === livesOn(region).length;

  function nothingHeard() {
    const live = regions().filter((region) => livesOn(region).length);
    return live.length > 0 && live.every(unheard);
  }

  function renewByClock() {
    if (document.hidden || since(renewedAt) < 1000 * seconds() * chance || $("dialog[open]")) return;
    const ids = regions().filter((region) => missed(region).length && !inUse(region)).map((region) => region.id);
    if (!ids.length) return;
    renewedAt = moment();
    chance = 0.9 + Math.random() / 5;  // not all pages at the same moment
    want(ids);
  }

  // --- what people are told ------------------------------------------------------------------------------

  function tell(events) {
    const alerts = $("#alert-banners"), quiet = words(alerts?.dataset.quiet);  // what is critical, alerts.js shows there
    const notices = events.filter((event) => event.loudness === "notice" && !quiet.includes(event.name));
    if (notices.length > TOASTS) add("toasts", "toast", { title: `${notices.length - TOASTS} earlier messages`, loudness: "info" });
    for (const event of notices.slice(-TOASTS)) add("toasts", "toast", event);
    for (const event of events.filter((event) => event.loudness === "critical" && !alerts)) add("alerts", "banner", { ...event, tone: "critical" });
  }

  function add(place, kind, { title, text, link, loudness, tone }) {
    const card = $(`#${kind}-template`).content.firstElementChild.cloneNode(true), slot = (name) => $(`[data-slot=${name}]`, card);
    if (loudness) card.dataset.loudness = loudness;
    if (tone) card.dataset.tone = tone;
    slot("title").textContent = title;
    if (text) slot("text").textContent = text;
    else slot("text").remove();
    if (link) Object.assign(slot("link"), { href: link, hidden: false });
    else slot("link").remove();
    $(`#${place}`).append(card);
    return card;
  }

  let lockBanner = null;

  function lock(title, text, link) {
    if (!lockBanner) lockBanner = add("alerts", "banner", { title, text, link, tone: "warn" });
    locked = true;
    show("offline");
  }

  function unlock() {
    lockBanner?.remove();
    lockBanner = null;
    locked = false;
  }

  const STATES = { live: "Live", reconnecting: "Reconnecting", offline: "Not live" };
  const RENEWED = "Your role is not told of changes on this page at once: while you look at it, it is renewed every";
  const stale = () => since(heardAt) > SILENT;

  function show(state) {
    const place = $("#live-state"), bar = $("#stale");
    const renewed = state === "live" && nothingHeard(), text = renewed ? `Every ${seconds()} s` : STATES[state];
    place.dataset.state = state;
    place.toggleAttribute("data-renewed", renewed);
    place.parentElement.title = renewed ? `${RENEWED} ${seconds()} seconds.` : "";
    if (place.textContent !== text) place.textContent = text;
    bar.hidden = state !== "offline";
    const sentence = `${crowded ? "Too many pages are open: this one follows again once another is closed. " : ""}Not live since ${clock(heardAt)}.${since(asOf) < since(heardAt) ? ` Shown as of ${clock(asOf)}.` : ""}`;
    if (!bar.hidden && bar.textContent !== sentence) bar.textContent = sentence;
  }

  // --- the second hand ---------------------------------------------------------------------------------------

  let polledAt = null;

  function tick() {
    settle();
    if (locked) return;
    if (socket && Math.min(since(heardAt), since(openedAt)) > SILENT) {
      drop();
      closed("silent");
    }
    if (!stale()) return renewByClock();
    show("offline");
    if (!document.hidden && !(polledAt && since(polledAt) < POLL)) {
      polledAt = moment();
      refetch();
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-live-refresh]");
    if (!button || !regions().length || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    button.setAttribute("aria-busy", "true");
    if (!locked) wake();
    await refetch();
    button.removeAttribute("aria-busy");
  });
  document.addEventListener("visibilitychange", wake);
  document.addEventListener("resume", wake);
  addEventListener("offline", () => stopped || show("offline"));  // until the server speaks all the same
  addEventListener("online", () => {
    wake();
    if (!stopped) resume();
  });
  addEventListener("pageshow", (event) => event.persisted && wake());
  setInterval(tick, 1000);
  window.live = { say, refetch, stop, go, add, debug };
  connect();
})();
