// The consultation: looking up while typing, rows that come and go, and quantities that follow from the directions.
// Uses $ and $$ of app.js.
"use strict";

const TIMES = { "once a day": 1, "at night": 1, "twice a day": 2, "three times a day": 3, "every 8 hours": 3, "four times a day": 4, "every 6 hours": 4 };
const listOf = (input) => $(`#${input.getAttribute("aria-controls")}`);
const optionsOf = (input) => $$("[role=option]:not([aria-disabled])", listOf(input));
const wrote = (row) => row.dispatchEvent(new Event("input", { bubbles: true }));

// --- the look-up: arrows, Enter, Escape -----------------------------------------------------

function mark(input, option) {
  for (const other of optionsOf(input)) other.setAttribute("aria-selected", other === option);
  option?.scrollIntoView({ block: "nearest" });
  option ? input.setAttribute("aria-activedescendant", option.id) : input.removeAttribute("aria-activedescendant");
}

function fold(input, { empty = false } = {}) {
  if (empty) input.value = "";
  listOf(input).replaceChildren();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

document.addEventListener("keydown", (event) => {
  const input = event.target.closest("[data-lookup]");
  if (!input) return;
  const options = optionsOf(input), now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "Escape") return fold(input, { empty: true });
  if (event.key === "Enter") {
    event.preventDefault();
    return options[Math.max(0, now)]?.click();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !options.length) return;
  event.preventDefault();
  mark(input, options[now < 0 && step < 0 ? options.length - 1 : (now + step + options.length) % options.length]);
});

document.addEventListener("focusout", (event) => {
  const input = event.target.closest("[data-lookup]");
  const left = () => document.activeElement !== input && !listOf(input).matches(":hover");  // whoever is back already keeps the list
  if (input) setTimeout(() => left() && fold(input), 150);
});

document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (target.matches(".lookup-list")) {
    const input = $(`[aria-controls="${target.id}"]`);
    if (document.activeElement !== input) return fold(input);
    input.setAttribute("aria-expanded", String(target.childElementCount > 0));
    mark(input, optionsOf(input)[0]);
    target.scrollIntoView({ block: "nearest" });
  }
  if (target.matches(".rows")) arrived(target);
});

// --- rows ------------------------------------------------------------------------------------

// What is there already is shown, not added twice.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = event.detail;
  if (!elt.matches(".lookup-option")) return;
  const there = $(`[data-code="${CSS.escape(elt.dataset.code.toUpperCase())}"]`, target);
  if (!there) return;
  event.preventDefault();
  fold($(`[aria-controls="${elt.parentElement.id}"]`), { empty: true });
  there.classList.remove("is-there");
  requestAnimationFrame(() => there.classList.add("is-there"));
  $("input:not([type=hidden])", there).focus();
});

function arrived(rows) {
  const row = rows.lastElementChild, input = $("[data-lookup]", rows.parentElement);
  fold(input, { empty: true });
  const primaries = $$("[name=primary]", rows);
  if (primaries.length && !primaries.some((radio) => radio.checked)) primaries[0].checked = true;
  (rows.id === "line-rows" ? $("input:not([type=hidden])", row) : input).focus();
  wrote(rows);
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-removes]")?.closest(".row-card");
  if (!row) return;
  const rows = row.parentElement;
  row.remove();
  const primary = $("[name=primary]", rows);
  if (primary && !$("[name=primary]:checked", rows)) primary.checked = true;
  $("[data-lookup]", rows.parentElement).focus();
  wrote(rows);
});

// --- a quantity that follows from dose, frequency and days, until somebody writes another ---------

document.addEventListener("input", (event) => {
  const row = event.target.closest(".row-card[data-unit]"), field = (name) => $(`[name$="-${name}"]`, row);
  if (!row || !event.isTrusted) return;
  if (event.target === field("quantity")) return void (event.target.dataset.own = "yes");
  const each = parseFloat(field("dose").value.replace("½", "0.5")), days = parseInt(field("duration_days").value, 10), times = TIMES[field("frequency").value.trim().toLowerCase()];
  const counted = field("dose").value.toLowerCase().includes(row.dataset.unit.toLowerCase());
  if (counted && each && days && times && !field("quantity").dataset.own) field("quantity").value = Math.ceil(each * times * days);
});
