// The alerts that wait for this person, on every page: the banners and the bell are the server's, fetched again when
// something about them may have changed. Loaded after live.js, whose messages it hears.
(() => {
  "use strict";

  const region = $("#alert-banners");
  if (!region || !window.live) return;

  const SILENT = 12000, POLL = 5000, SOON = 50, LATER = 1000;
  const NAMES = ["alert:raised", "alert:changed"];
  let heardAt = Date.now(), fetching = false, again = false, timer = 0, dueAt = 0, unsaid = [];

  document.addEventListener("live:message", ({ detail }) => {
    heardAt = Date.now();
    const events = detail.events || [], critical = events.filter((event) => event.loudness === "critical");
    unsaid.push(...critical);
    (detail.html || []).forEach(settled);
    if (detail.resync || critical.length || events.some((event) => event.refetch || NAMES.includes(event.name))) fetchIn(SOON);
    else if (events.some((event) => event.loudness)) fetchIn(LATER);
  });
  addEventListener("pageshow", (event) => event.persisted && fetchIn(SOON));
  setInterval(() => {
    if (Date.now() - heardAt > SILENT && !document.hidden) fetchIn(SOON);
  }, POLL);

  function fetchIn(wait) {
    const at = Date.now() + wait;
    if (timer && dueAt <= at) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(refresh, wait);
  }

  async function refresh() {
    timer = 0;
    if (fetching) return void (again = true);
    fetching = true;
    try {
      const response = await fetch(region.dataset.alertsUrl, { headers: { "X-Live-Refresh": "1" }, cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (response.ok && !response.redirected) show(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch (error) {
      window.live.debug("alerts not fetched", error);
    } finally {
      fetching = false;
      if (again || unsaid.length) fetchIn(LATER);
      again = false;
    }
  }

  // Only what differs is touched: a reader is told of what is new, and nobody loses the place on a button.
  function show(page) {
    const fresh = $("#alert-banners", page), counts = $("#alert-counts", page);
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
    const bell = $("#alert-counts");
    if (bell && counts && bell.textContent.trim() + labels(bell) !== counts.textContent.trim() + labels(counts)) bell.replaceWith(document.importNode(counts, true));
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
