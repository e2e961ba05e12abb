// The alerts that wait for this person, on every page: the banners and the bell are the server's, fetched again when
// something about them may have changed. Loaded after live.js, whose messages it hears.
(() => {
  "use strict";

  const region = $("#alert-banners");
  if (!region || !window.live) return;

  const SILENT = 12000, POLL = 5000, SOON = 50, LATER = 1000, SPREAD = 2000, SLOWEST = 8000, MANY = 99;
  const MINE = ["alert:raised", "alert:changed"];  // only those hear them for whom the alert waits
  let heardAt = moment(), fetching = false, again = false, failures = 0, timer = 0, dueAt = 0, rungAt = 0, unsaid = [];

  document.addEventListener("live:message", ({ detail }) => {
    if (detail.prev === undefined && !detail.resync) return;
    heardAt = moment();
    const events = detail.events || [], critical = events.filter((event) => event.loudness === "critical");
    unsaid.push(...critical);
    if (detail.resync) rungAt = 0;
    (detail.html || []).forEach(settled);
    if (events.some((event) => MINE.includes(event.name))) fetchIn(SOON);
    else if (detail.resync || critical.length || events.some((event) => event.refetch) || !counted(detail, events)) fetchSometime();
  });
  addEventListener("pageshow", (event) => event.persisted && fetchIn(SOON));
  setInterval(() => {
    if (since(heardAt) > SILENT && !document.hidden) fetchIn(SOON);
  }, POLL);

  // What every page of a role hears is not asked for by all of them at the same moment.
  const fetchSometime = () => fetchIn(SOON + SPREAD * Math.random());

  function fetchIn(wait) {
    const at = Date.now() + wait;
    if (timer && dueAt <= at) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(refresh, wait);
  }

  // Not while static/session.js has put the page away: then it is fetched once the page is back.
  async function refresh() {
    timer = 0;
    if (!region.isConnected) return fetchIn(LATER);
    if (fetching) return void (again = true);
    fetching = true;
    try {
      const response = await fetch(region.dataset.alertsUrl, { headers: { "X-Live-Refresh": "1" }, cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!response.ok) throw new Error(`the alerts answered ${response.status}`);
      if (!response.redirected) show(new DOMParser().parseFromString(await response.text(), "text/html"));
      failures = 0;
    } catch (error) {
      window.live.debug("alerts not fetched", error);
      fetchIn(Math.min(SLOWEST, LATER * 2 ** failures++) * (1 + Math.random()));
    } finally {
      fetching = false;
      if (again || (unsaid.length && !failures)) fetchIn(LATER);
      again = false;
    }
  }

  // A notice is only one more on the bell. False, if the message and the number that the bell was counted at do not fit.
  function counted({ prev, seq, head }, events) {
    const bell = $("#alert-counts"), at = +bell?.dataset.seq, loud = events.filter((event) => event.loudness === "notice").length;
    if (!bell || (seq ?? head) <= at) return true;
    if (prev > at || (loud && events.length > 1 && prev < at)) return false;
    bell.dataset.seq = seq ?? head;
    if (!loud) return true;
    rungAt = seq;
    ring($("[data-unread]", bell), loud);
    return true;
  }

  function ring(link, more) {
    const unread = link.dataset.unread = +link.dataset.unread + more, words = unread > MANY ? `${MANY}+` : `${unread}`, count = $(".count", link);
    link.setAttribute("aria-label", `Notices: ${words} unread`);
    count.textContent = words;
    count.hidden = false;
  }

  // Only what differs is touched: a reader is told of what is new, and nobody loses the place on a button.
  function show(page) {
    if (!region.isConnected) return void (again = true);
    const fresh = $("#alert-banners", page), counts = $("#alert-counts", page), bell = $("#alert-counts");
    if (!fresh || fresh.dataset.role !== document.body.dataset.role) return void (unsaid = []);
    region.dataset.quiet = fresh.dataset.quiet;
    const wanted = [...fresh.children], ids = new Set(wanted.map((banner) => banner.id));
    for (const banner of [...region.children]) if (!ids.has(banner.id)) leave(banner);
    for (const banner of wanted) {
      const old = document.getElementById(banner.id);
      if (old?.dataset.v === banner.dataset.v) continue;
      const node = document.importNode(banner, true);
      if (old) old.replaceWith(node);
      else region.append(node);
      htmx.process(node);
    }
    if (+counts.dataset.seq < rungAt) fetchSometime();  // it rang meanwhile
    else if (labels(bell) !== labels(counts)) bell.replaceWith(document.importNode(counts, true));
    else bell.dataset.seq = counts.dataset.seq;
    unsaid.splice(0).forEach(saySomehow);
  }

  const labels = (place) => $$("a", place).map((link) => link.getAttribute("aria-label")).join();

  function leave(banner) {
    const hadFocus = banner.contains(document.activeElement);
    banner.remove();
    if (hadFocus) $("#content").focus({ preventScroll: true });
  }

  // Critical for the role, but it waits for somebody else in it: a banner that can be put away.
  function saySomehow(event) {
    const same = (banner) => banner.dataset.event === event.name && banner.dataset.about === (event.about || "");
    if ($$("#alert-banners .banner").some(same) || $$("#alerts .banner").some((banner) => same(banner) && banner.textContent.includes(event.title))) return;
    const banner = window.live.add("alerts", "banner", { ...event, tone: "critical" });
    Object.assign(banner.dataset, { event: event.name, about: event.about || "" });
  }

  // A row that says that its alert is open no longer: nobody need look at it any more.
  function settled(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const row = template.content.firstElementChild;
    if (!row?.id.startsWith("alert-") || row.dataset.lists) return;
    for (const banner of $$("#alerts .banner")) if (banner.dataset.event === row.dataset.event && banner.dataset.about === row.dataset.about) banner.remove();
  }
})();
