// The clocks of tests against their target: green while there is time, amber in the last quarter, red when it is over.
"use strict";

function turn() {
  const now = Date.now() + skew;
  for (const clock of $$("[data-due]")) {
    const due = Date.parse(clock.dataset.due), left = Math.floor(Math.abs(due - now) / 60000);
    const level = now >= due ? "red" : now >= Date.parse(clock.dataset.amberAt) ? "amber" : "green";
    write($(".waiting-time", clock), waitingInWords(left));
    if (clock.classList.contains(`waiting-${level}`)) continue;
    clock.classList.remove("waiting-green", "waiting-amber", "waiting-red");
    clock.classList.add(`waiting-${level}`);
  }
}
setInterval(turn, 10000);
document.addEventListener("visibilitychange", turn);
document.addEventListener("htmx:afterSettle", turn);
document.addEventListener("live:message", () => setTimeout(turn, 300));
