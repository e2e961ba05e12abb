// Regions of figures, which no event announces, are fetched again every few seconds: <section data-live data-live-every="5">.
// The request is the page's own refresh, and prolongs no session.
(() => {
  "use strict";

  const [region] = $$("[data-live-every]");
  if (region) setInterval(() => document.hidden || window.live?.refetch(), 1000 * region.dataset.liveEvery);
})();
