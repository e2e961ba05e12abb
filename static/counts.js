// The numbers beside places of the sidebar, asked again when one of their events comes:
// <span data-counts="address" data-counts-on="encounter:signed …" hidden></span>. The answer names them by their ids.
(() => {
  "use strict";

  const timers = new Map();

  async function count(place) {
    const response = await fetch(place.dataset.counts, { headers: { "X-Background": "1", "X-Live-Refresh": "1" }, redirect: "error", cache: "no-store" }).catch(() => null);
    if (!response?.ok) return;
    const numbers = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const now of $$(".place-count[id]", numbers)) $(`#${now.id}`)?.replaceWith(document.adoptNode(now));
  }

  document.addEventListener("live:message", ({ detail }) => {
    for (const place of $$("[data-counts]")) {
      const names = place.dataset.countsOn.split(" ");
      if (!detail.resync && !(detail.events || []).some((one) => names.includes(one.name))) continue;
      clearTimeout(timers.get(place));
      timers.set(place, setTimeout(count, 1000, place));
    }
  });
})();
