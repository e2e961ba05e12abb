// Who has not come by the time of the appointment moves from "Arriving next" to "Late" while the page stands.
(() => {
  "use strict";

  const now = () => Date.now() + skew; // the server's clock: static/app.js

  function becomeLate() {
    const coming = $("#list-coming[data-live-list]"), late = $("#list-late[data-live-list]");
    if (!coming || !late) return;
    for (const row of $$(":scope > tr", coming)) {
      if (Date.parse(row.dataset.begins) > now() || row.contains(document.activeElement) || row.matches(":hover")) continue;
      row.dataset.lists = row.dataset.lists.replaceAll("coming-", "late-");
      late.append(row); // each is later than all that are late already
      window.fragments.pulse(row);
      window.fragments.count();
    }
  }
  setInterval(becomeLate, 5000);
  document.addEventListener("visibilitychange", becomeLate);
})();
