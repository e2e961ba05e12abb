// Puts fragments in their places on an open page: rows into and out of lists, nothing under anybody's hands.
// localStorage.live = "debug" writes each message and each decision to the console. Loaded after app.js, whose $, $$,
// FOCUSABLE and typing it uses, and before live.js, which hears what is to be placed.
(() => {
  "use strict";

  const PULSE = 3000;
  const CHOICE = "[type=checkbox][form]";  // which rows a form elsewhere on the page is for
  const debug = (...words) => { try { if (localStorage.live === "debug") console.debug("live:", ...words); } catch { /* no storage */ } };
  const words = (text) => (text || "").split(/\s+/).filter(Boolean);

  const gone = new Map();       // id → version of what has left its list, so that nothing older brings it back
  const waiting = new Map();    // element → what is done with it once pointer and keyboard have left it

  const held = (element) => element.matches(":hover") || element.contains(document.activeElement);
  const written = (element) => element.contains(document.activeElement) && typing(document.activeElement);
  const pressed = (element) => element.matches(":active");  // replaced between press and release, a button would lose its click
  const dragged = (element) => element.matches("[data-in-use]");  // static/calendar.js says so while something is moved about
  const inUse = (element) => written(element) || pressed(element) || dragged(element);
  const later = (element, work) => { waiting.set(element, work); };
  const versionOf = (element) => +element.dataset.v || 0;
  const sameId = (id, root = document) => $$(`[id="${CSS.escape(id)}"]`, root);

  function place(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.firstElementChild;
    if (!fresh?.id) return;
    const version = versionOf(fresh), lists = words(fresh.dataset.lists);
    for (const old of sameId(fresh.id)) {
      const list = old.closest("[data-live-list]");
      if (versionOf(old) >= version) debug("older, dropped", fresh.id);
      else if (list && !lists.includes(list.dataset.liveList)) remove(old, version);
      else replace(old, document.importNode(fresh, true));
    }
    for (const list of $$("[data-live-list]")) {
      if (!lists.includes(list.dataset.liveList) || sameId(fresh.id, list).length || gone.get(fresh.id) > version) continue;
      const node = ready(document.importNode(fresh, true));
      debug("written in", fresh.id, "→", list.id || list.dataset.liveList);
      sortIn(list, node);
      pulse(node);
    }
    count();
  }

  function replace(old, node) {
    waiting.delete(old);
    debug(inUse(old) ? "waits, in use" : "replaced", old.id, `v${versionOf(old)} → v${versionOf(node)}`);
    if (inUse(old)) return later(old, () => replace(old, node));
    const keep = held(old), list = old.closest("[data-live-list]");
    swap(old, node);
    pulse(node);
    if (!list || inOrder(node)) return;
    if (keep) later(node, () => sortIn(list, node));
    else sortIn(list, node);
  }

  function remove(old, version) {
    gone.set(old.id, version);
    debug(held(old) ? "leaves when it is let go" : "removed", old.id);
    const leave = () => {
      old.remove();
      count();
    };
    if (!held(old)) return leave();
    old.classList.add("leaving");
    later(old, leave);
  }

  // What htmx swapped in may say that it no longer belongs to its list.
  function leftTheirList() {
    for (const list of $$("[data-live-list]")) for (const row of rowsOf(list)) {
      if (row.dataset.lists !== undefined && !words(row.dataset.lists).includes(list.dataset.liveList) && !waiting.has(row)) remove(row, versionOf(row));
    }
    count();
  }

  function swap(old, node) {
    const open = $$("details", old).map((details) => details.open), focus = focusIn(old);
    const chosen = $$(CHOICE, old).filter((box) => box.checked).map((box) => box.value);
    old.replaceWith(ready(node));
    $$("details", node).forEach((details, at) => { details.open ||= open[at]; });
    for (const box of $$(CHOICE, node)) box.checked ||= chosen.includes(box.value);
    focus?.(node);
  }

  function focusIn(old) {
    const active = document.activeElement;
    if (active === old) return (node) => { node.tabIndex = -1; node.focus({ preventScroll: true }); };
    if (!old.contains(active)) return null;
    const places = (root) => $$(`${FOCUSABLE}, summary`, root), at = places(old).indexOf(active);
    const same = (element) => element.id ? element.id === active.id : element.textContent.trim() === active.textContent.trim() && element.getAttribute("href") === active.getAttribute("href");
    return (node) => (places(node).find(same) || places(node)[at])?.focus({ preventScroll: true });
  }

  // A pushed form has no token, since it was made for a role and not for a person.
  function ready(node) {
    const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
    for (const form of $$("form[method=post]", node)) {
      if (form.elements.csrfmiddlewaretoken || !token) continue;
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name: "csrfmiddlewaretoken", value: token });
      form.prepend(input);
    }
    if (window.htmx) queueMicrotask(() => htmx.process(node));
    return node;
  }

  const sortOf = (element) => element.dataset.sort || "";
  const rowsOf = (list) => [...list.children].filter((row) => row.dataset.v);

  function inOrder(node) {
    const before = node.previousElementSibling, after = node.nextElementSibling;
    return (!before || sortOf(before) <= sortOf(node)) && (!after || sortOf(node) <= sortOf(after));
  }

  function sortIn(list, node) {
    if (!node.isConnected || !inOrder(node)) {
      const focus = focusIn(node);
      list.insertBefore(node, rowsOf(list).find((row) => row !== node && sortOf(row) > sortOf(node)) || null);
      focus?.(node);
    }
  }

  function count() {
    for (const list of $$("[data-live-list][id]")) {
      const rows = rowsOf(list).filter((row) => !row.classList.contains("leaving")).length;
      for (const place of $$(`[data-count-of="${CSS.escape(list.id)}"]`)) if (place.textContent !== `${rows}`) place.textContent = rows;
      for (const place of $$(`[data-empty-of="${CSS.escape(list.id)}"]`)) place.hidden = rows > 0;
    }
  }

  function pulse(node) {
    node.classList.add("pulse");
    setTimeout(() => node.classList.remove("pulse"), PULSE);
  }

  function settle() {
    for (const [element, work] of waiting) {
      if (element.isConnected && (held(element) || pressed(element) || dragged(element))) continue;
      waiting.delete(element);
      if (element.isConnected) work();
    }
  }

  document.addEventListener("focusout", () => waiting.size && setTimeout(settle));
  document.addEventListener("pointerup", () => waiting.size && setTimeout(settle));
  document.addEventListener("pointermove", () => waiting.size && settle(), { passive: true });
  document.addEventListener("htmx:afterSettle", leftTheirList);
  window.fragments = { debug, words, place, count, swap, pulse, sameId, inUse, later, settle };
})();
