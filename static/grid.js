// A grid of fields for the keyboard: Enter and arrow down go to the next value, arrow up back; the last one saves.
"use strict";

document.addEventListener("keydown", (event) => {
  const form = event.target.closest("form[data-grid]");
  if (!form || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (!event.target.matches("input:not([type=file]), select")) return;
  const column = $$(`${FOCUSABLE}`, form).filter((field) => field.name?.endsWith("-value"));
  const at = column.indexOf(event.target), select = event.target.matches("select");
  if (at < 0) return;
  if (event.key === "Enter" || (event.key === "ArrowDown" && !select)) go(column[at + 1] || (event.key === "Enter" && $("[name=save]", form)));
  else if (event.key === "ArrowUp" && !select) go(column[at - 1]);

  function go(field) {
    event.preventDefault();
    field?.focus();
    field?.select?.();
  }
});

const wanted = new URLSearchParams(location.search).get("order");
const first = wanted ? $(`[name="order-${CSS.escape(wanted)}-value"]`) : $$("form[data-grid] [name$=-value]").find((field) => !field.value);
first?.focus({ preventScroll: !wanted });
