// The choice of tests: found by typing, and favourites that are chosen with one click. Loaded after app.js ($, $$).
"use strict";

for (const place of $$("[data-tests]")) {
  const find = $("[data-test-find]", place);

  find?.addEventListener("input", (event) => {
    const words = event.target.value.trim().toLowerCase().split(/\s+/);
    for (const choice of $$("[data-test]", place)) choice.hidden = !words.every((word) => choice.dataset.test.includes(word));
    for (const group of $$(".test-group", place)) group.hidden = $$("[data-test]", group).length > 0 && !$("[data-test]:not([hidden])", group);
  });
  // Enter chooses the only one that is left, and never sends the form.
  find?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const left = $$("[data-test]:not([hidden]) input:not(:disabled)", place);
    if (left.length === 1) left[0].click();
  });
  place.addEventListener("click", (event) => {
    const wanted = event.target.closest("[data-chooses]");
    if (wanted) $(`input[value="${CSS.escape(wanted.dataset.chooses)}"]`, place)?.click();
  });
}
