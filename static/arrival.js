// A courier's list at its other end: the scanner ticks what is there. Nothing is sent until the list is signed.
// Uses $ and $$ of app.js.
(() => {
  "use strict";
  const form = $("form[data-ticks]"), field = form && $("[data-scan]", form);
  if (!field) return;
  form.hidden = false;
  if (!field) return;
  form.hidden = false;
  const said = $("[data-tick-said]", form), boxes = $$(`${form.dataset.ticks} input[type=checkbox]`);
  const plain = (label) => label.replace(/[^a-z0-9]/gi, "").toUpperCase();
  const byLabel = new Map(boxes.map((box) => [plain(box.closest("label").textContent.split("·")[0]), box]));

  function tick(label) {
    const box = byLabel.get(plain(label));
    const words = box ? (box.checked ? "is ticked already" : "is there") : "is not on this list";
    if (box) box.checked = true;
    said.textContent = `${label} ${words}. ${boxes.filter((one) => one.checked).length} of ${boxes.length} are there.`;
    said.dataset.outcome = box ? "good" : "bad";
    box?.dispatchEvent(new Event("change", { bubbles: true }));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const label = field.value.trim();
    field.value = "";
    field.focus();
    if (label) tick(label);
  }, true);
})();
