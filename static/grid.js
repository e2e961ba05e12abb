// A grid of fields for the keyboard: Enter and arrow down go to the next value below, arrow up back, left and right to the
// neighbour; a pasted column fills down. What a colleague saves meanwhile is fetched.
"use strict";

const gridOf = (element) => element.closest?.("form[data-grid]");
const values = (form) => $$(FOCUSABLE, form).filter((field) => field.name?.endsWith("-value"));
const columnOf = (field, form) => {
  const cell = field.closest("td");
  return cell ? values(form).filter((other) => other.closest("td")?.cellIndex === cell.cellIndex) : values(form);
};
const rowOf = (field) => $$("[name$=-value]", field.closest("tr") || field);

function go(event, field) {
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select?.();
}

function isAtEdge(field, forward) {
  if (field.type !== "text") return true;
  const { selectionStart: from, selectionEnd: to, value } = field;
  return from === 0 && to === value.length ? true : forward ? from === value.length : to === 0;
}

document.addEventListener("keydown", (event) => {
  const form = gridOf(event.target);
  if (!form || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (!event.target.matches("input:not([type=file]), select")) return;
  const column = columnOf(event.target, form), at = column.indexOf(event.target), select = event.target.matches("select");
  if (at < 0) return;
  if (event.key === "Enter") return go(event, column[at + 1] || $("[name=save]", form));
  if (event.key === "ArrowDown" && !select) return go(event, column[at + 1]);
  if (event.key === "ArrowUp" && !select) return go(event, column[at - 1]);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !event.target.closest("td") || !isAtEdge(event.target, step > 0)) return;
  const row = rowOf(event.target);
  go(event, row[row.indexOf(event.target) + step]);
});

// --- a column out of a spreadsheet ----------------------------------------------------------

document.addEventListener("paste", (event) => {
  const form = gridOf(event.target), lines = event.clipboardData?.getData("text").replace(/\r?\n$/, "").split(/\r?\n/);
  if (!form || event.target.matches("textarea") || !lines || lines.length < 2) return;
  const column = columnOf(event.target, form), at = column.indexOf(event.target);
  if (at < 0) return;
  event.preventDefault();
  lines.slice(0, column.length - at).forEach((line, number) => fill(column[at + number], line.split("\t")[0].trim()));
  if (lines.length > column.length - at) toast("More was pasted than there are rows", `${lines.length - column.length + at} values were left out.`, "notice");
});

function fill(field, text) {
  if (field.matches("select")) {
    const option = [...field.options].find((one) => [one.value, one.label].some((word) => word.toLowerCase() === text.toLowerCase()));
    if (!option) return;
    text = option.value;
  }
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- colleagues at the same grid: cells that nobody touched here follow, the focused one when it is left ---

const touched = (field) => field.matches("select") ? [...field.options].some((one) => one.selected !== one.defaultSelected) : field.value !== field.defaultValue;

document.addEventListener("live:message", ({ detail }) => {
  const form = $("form[data-grid]");
  if (form && detail.events?.some(({ name }) => name === "lab_order:updated")) setTimeout(() => follow(form), 300 + 700 * Math.random());
});

document.addEventListener("focusout", ({ target }) => {
  const form = gridOf(target);
  if (!form || target.dataset.behind === undefined) return;
  delete target.dataset.behind;
  follow(form);
});

async function follow(form) {
  const answer = await fetch(location.href, { headers: { "X-Live-Refresh": "1" }, cache: "no-store" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const field of values(form)) {
    const now = page.getElementsByName(field.name)[0], seen = field.name.replace(/value$/, "seen");
    const mine = form.elements[seen], theirs = page.getElementsByName(seen)[0];
    if (!now || !mine || !theirs || mine.value === theirs.value || touched(field) || field.type === "file") continue;
    if (field === document.activeElement) {
      field.dataset.behind = "";
      continue;
    }
    if (field.matches("select")) for (const one of field.options) one.defaultSelected = one.selected = one.value === now.value;
    else field.value = field.defaultValue = now.value;
    mine.value = theirs.value;
    field.classList.add("pulse");
  }
}

const wanted = new URLSearchParams(location.search).get("order");
const first = wanted ? $(`[name="order-${CSS.escape(wanted)}-value"]`) : $$("form[data-grid] [name$=-value]").find((field) => !field.value);
first?.focus({ preventScroll: !wanted });
