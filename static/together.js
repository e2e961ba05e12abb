// All rows of a list at once. Loaded after app.js ($$).
"use strict";

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-chooses-all]")) for (const box of $$("tbody [type=checkbox][form]", target.closest("table"))) box.checked = target.checked;
});
