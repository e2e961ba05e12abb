// Appointments are moved about on the calendar: with the mouse, or with the keys while one has the focus. What is asked for
// shows at once; the server has the last word. Uses $, $$, ask, WORDS and skew of app.js, and window.live.
(() => {
  "use strict";

  if (!$("#calendar")) return;

  const DAY = 1440, FAR = 4, RASTER = 15, SHORTEST = 5, EDGE = 36;
  const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  const grid = () => $("#calendar"), columns = () => $$(".cal-column"), wide = matchMedia("(min-width: 768px)");
  const two = (number) => String(number).padStart(2, "0");
  const clock = (minute) => `${two(Math.floor(minute / 60) % 24)}:${two(minute % 60)}`;
  const within = (least, value, most) => Math.max(least, Math.min(most, value));
  const mark = (on) => { for (const region of $$("#calendar")) region.toggleAttribute("data-in-use", on); };

  let moving = null;   // what is under the hand: {item, block, home, column, begins, minutes, keys}
  let pending = false; // one change at a time is on its way

  // --- where things stand: classes, since a page here has no styles of its own -----------------------------

  function write(item, begins, ends) {
    $(".cal-time", item).textContent = begins;
    $(".cal-until", item).textContent = ends;
  }

  function put(item, begins, minutes) {
    const rest = [...item.classList].filter((name) => !/^(at|for)-[hm]-\d+$/.test(name));
    item.className = [...rest, `at-h-${Math.floor(begins / 60)}`, `at-m-${begins % 60}`, `for-h-${Math.floor(minutes / 60)}`, `for-m-${minutes % 60}`].join(" ");
  }

  function say(words) {
    $("#calendar-says").textContent = words;
  }

  // --- taken up, moved, put down ---------------------------------------------------------------------------

  function take(block, keys) {
    const item = block.closest("li"), column = block.closest(".cal-column");
    const begins = +block.dataset.begins, minutes = +block.dataset.minutes;
    const home = { body: item.parentElement, next: item.nextElementSibling, names: item.className, time: $(".cal-time", item).textContent, until: $(".cal-until", item).textContent, column, begins, minutes };
    moving = { item, block, home, column, begins, minutes, keys, step: +block.dataset.step || RASTER };
    for (const name of [...item.classList]) if (/^(lane|of|before|after)-/.test(name)) item.classList.remove(name);
    item.classList.add("is-moving");
    mark(true);
  }

  function show({ column = moving.column, begins = moving.begins, minutes = moving.minutes }) {
    Object.assign(moving, { begins, minutes });
    put(moving.item, begins, minutes);
    write(moving.item, clock(begins), `–${clock(begins + minutes)}`);
    if (column === moving.column) return;
    moving.column = column;
    const { keys } = moving;
    moving.keys = false;  // else losing the focus on the way would take it back
    $(".cal-body", column).append(moving.item);
    moving.keys = keys;
    if (keys) moving.block.focus({ preventScroll: true });
  }

  function putBack({ item, block, home }) {
    item.className = home.names;
    write(item, home.time, home.until);
    const had = item.contains(document.activeElement);
    if (item.parentElement !== home.body || item.nextElementSibling !== home.next) home.body.insertBefore(item, home.next?.parentElement === home.body ? home.next : null);
    if (had) block.focus({ preventScroll: true });
  }

  function giveUp(words) {
    const change = moving;
    moving = null;
    putBack(change);
    mark(false);
    window.live?.refetch();
    if (words) say(words);
  }

  function drop() {
    const change = moving, { home } = change;
    const moved = change.column !== home.column || change.begins !== home.begins;
    if (!moved && change.minutes === home.minutes) return giveUp("");
    moving = null;
    change.item.classList.remove("is-moving");
    const at = (column, begins) => ({ begins: `${column.dataset.day}T${clock(begins)}`, ...(column.dataset.provider && { provider: column.dataset.provider }), ...(column.dataset.room && { room: column.dataset.room }) });
    const longer = change.minutes !== home.minutes;
    const what = moved ? "move" : "resize";
    const to = moved ? { ...at(change.column, change.begins), ...(longer && { minutes: change.minutes }) } : { minutes: change.minutes };
    const back = { ...at(home.column, home.begins), minutes: home.minutes, outside: "yes" };
    settle(change.block.dataset.pk, what, to, { change, back });
  }

  // --- sent: shown as pending, and put back if it is refused --------------------------------------------------

  async function settle(pk, what, to, { change, back }) {
    pending = true;
    mark(true);
    change?.item.classList.add("is-pending");
    const answer = await send(pk, what, to);
    change?.item.classList.remove("is-pending");
    pending = false;
    if (answer.outside && !to.outside && await ask(answer.said, what === "move" ? "Move there" : "Keep this length")) return settle(pk, what, { ...to, outside: "yes" }, { change, back });
    if (answer.ok) settled(answer, what, { change, back });
    else refused(answer, pk, to, { change, back });
    mark(false);
    window.live?.refetch();
  }

  function settled({ said, pk }, what, { change, back }) {
    if (change) rename(change, pk);
    say(said);
    const card = window.live.add("toasts", "toast", { title: what === "move" ? "Moved" : "Changed", text: said, loudness: "good" });
    if (back) button(card, "Undo", () => settle(pk, what, what === "move" ? back : { minutes: back.minutes, outside: "yes" }, {}));
  }

  // A moved appointment is a new one, which has the focus that the old one had.
  function rename({ item, block }, pk) {
    item.id = `block-${pk}`;
    Object.assign(block, { id: `open-${pk}`, href: block.href.replace(block.dataset.pk, pk) });
    block.dataset.pk = pk;
  }

  function refused({ said, slots = [] }, pk, { minutes }, { change, back }) {
    if (change) {
      putBack(change);
      change.item.classList.add("is-back");
      setTimeout(() => change.item.classList.remove("is-back"), 600);
    }
    say(`${said} It is back where it was.`);
    const card = window.live.add("toasts", "toast", { title: "Not moved", text: said, loudness: "problem" });
    for (const { words, begins, provider } of slots) button(card, words, () => settle(pk, "move", { begins, provider, ...(minutes && { minutes }) }, { back }));
  }

  function button(card, words, work) {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: words });
    made.addEventListener("click", () => {
      if (pending) return;
      card.remove();
      work();
    });
    $(".toast-words", card).append(made);
  }

  async function send(pk, what, fields) {
    const body = new URLSearchParams({ ...fields, form_key: newKey() });
    const headers = { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] };
    const post = () => fetch(`${grid().dataset.url}${pk}/${what}/`, { method: "POST", body, headers, signal: AbortSignal.timeout(15000) });
    try {
      const answer = await post().catch(() => new Promise((done) => { setTimeout(done, 1000); }).then(post));  // the same key: it has one effect
      if (answer.headers.get("Content-Type")?.startsWith("application/json")) return { ...(await answer.json()), ok: answer.ok };
      return { said: WORDS[answer.redirected ? 401 : answer.status] || WORDS.other };
    } catch {
      return { said: "There is no connection. Move it again when the connection is back." };
    }
  }

  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16)), hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  // --- the mouse ----------------------------------------------------------------------------------------------

  let pressed = null, wasDragged = false;

  document.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary || !wide.matches || moving || pending) return;
    const { clientX: x, clientY: y } = event, block = event.target.closest?.(".cal-block[data-pk]");
    wasDragged = false;
    if (block) {
      const edge = !!event.target.closest(".cal-edge");
      if (event.pointerType !== "touch" || edge) pressed = { x, y, block, edge, grip: minuteAt(block.closest(".cal-column"), y) - +block.dataset.begins };
    } else if (event.target.matches?.(".cal-body") && grid().dataset.book) {
      const column = event.target.closest(".cal-column"), begins = slotAt(column, y);
      pressed = { x, y, column, begins, minutes: RASTER };
      hint(column, begins, RASTER);
    }
  });

  document.addEventListener("pointermove", (event) => {
    if (!pressed) return hover(event);
    if (!moving && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < FAR) return;
    wasDragged = true;
    if (pressed.column) return draw(event);
    if (!moving) {
      take(pressed.block, false);
      $(".cal-scroll").setPointerCapture(event.pointerId);  // which stays where it is
    }
    drag(event);
  });

  function drag({ clientX, clientY }) {
    const { first, last } = grid().dataset, { step, home } = moving;
    scrollNear(clientY);
    if (pressed.edge) {
      const ends = snap(minuteAt(home.column, clientY), home.begins + home.minutes, step);
      return show({ minutes: within(SHORTEST, ends - home.begins, last * 60 - home.begins) });
    }
    const column = columns().find((one) => { const box = one.getBoundingClientRect(); return box.left <= clientX && clientX < box.right; }) || moving.column;
    const begins = snap(minuteAt(column, clientY) - pressed.grip, home.begins, step);
    show({ column, begins: within(first * 60, begins, last * 60 - moving.minutes) });
  }

  // What is hardly moved stays; the rest goes to whole steps.
  const snap = (minute, from, step) => Math.abs(minute - from) < step / 2 ? from : Math.round(minute / step) * step;

  function minuteAt(column, y) {
    const box = $(".cal-body", column).getBoundingClientRect(), { first, last } = grid().dataset;
    return Math.round(first * 60 + (y - box.top) / box.height * (last - first) * 60);
  }

  function scrollNear(y) {
    const place = $(".cal-scroll"), box = place.getBoundingClientRect();
    if (y > box.bottom - EDGE) place.scrollTop += 12;
    else if (y < box.top + EDGE + 48) place.scrollTop -= 12;
  }

  document.addEventListener("pointerup", (event) => {
    const was = pressed;
    pressed = null;
    setTimeout(() => { wasDragged = false; });  // the click that ends a drag comes before
    if (moving && !moving.keys) drop();
    else if (was?.column && event.target.closest?.(".cal-column") === was.column) book(was.column, was.begins, wasDragged ? was.minutes : 0);
  });
  document.addEventListener("pointercancel", () => {
    pressed = null;
    hint();
    if (moving && !moving.keys) giveUp("");
  });
  document.addEventListener("click", (event) => {
    if (!wasDragged || !event.target.closest?.(".cal-scroll")) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  // --- an empty place: book there -----------------------------------------------------------------------------

  const slotAt = (column, y) => Math.floor(minuteAt(column, y) / RASTER) * RASTER;

  function hover({ target, clientY, pointerType, buttons }) {
    const free = pointerType === "mouse" && !buttons && wide.matches && target.matches?.(".cal-body") && grid().dataset.book;
    if (!free) return hint();
    const column = target.closest(".cal-column");
    hint(column, slotAt(column, clientY), RASTER);
  }

  function draw({ clientY }) {
    pressed.minutes = Math.max(RASTER, slotAt(pressed.column, clientY) + RASTER - pressed.begins);
    hint(pressed.column, pressed.begins, pressed.minutes);
  }

  function hint(column, begins, minutes) {
    let item = $(".cal-hint");
    if (!column) return item?.remove();
    item ||= Object.assign(document.createElement("li"), { className: "cal-hint", ariaHidden: "true" });
    put(item, begins, minutes);
    item.textContent = minutes > RASTER ? `Book ${clock(begins)}–${clock(begins + minutes)}` : `Book ${clock(begins)}`;
    const body = $(".cal-body", column);
    if (item.parentElement !== body) body.append(item);
  }

  function book(column, begins, minutes) {
    const { zone, type, book, location: place } = grid().dataset, { day, provider } = column.dataset;
    const asked = new URLSearchParams({ day, location: place, begins: momentOf(day, begins, zone), ...(provider && { provider }), ...(type && { type }), ...(minutes && { minutes }) });
    location.assign(`${book}?${asked}`);
  }

  // What the house's clock shows at this moment tells how far it is from ours.
  function momentOf(day, minutes, zone) {
    const words = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
    const shown = (at) => Date.parse(`${words.format(at).replace(" ", "T")}Z`), wall = Date.parse(`${day}T00:00Z`) + minutes * 60000;
    const near = 2 * wall - shown(wall);
    return new Date(near + wall - shown(near)).toISOString();
  }

  // --- the keys -------------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && moving) {
      event.preventDefault();
      pressed = null;
      return giveUp("Taken back. Nothing was changed.");
    }
    const block = event.target.closest?.(".cal-block[data-pk]"), arrow = ARROWS[event.key];
    if (!block || !wide.matches || pending || event.ctrlKey || event.metaKey || event.altKey || (moving && !moving.keys)) return;
    if (event.key === "Enter" && moving) drop();
    else if (event.key === "m" && !moving) begin(block);
    else if (arrow) walk(block, arrow, event.shiftKey);
    else return;
    event.preventDefault();
  });

  function begin(block) {
    take(block, true);
    say(`Moving ${$(".cal-who", block).textContent}. Arrow keys move, Enter keeps, Escape takes back.`);
  }

  function walk(block, [across, along], longer) {
    if (longer && across) return;
    if (!moving) take(block, true);
    const { first, last } = grid().dataset, { step, begins, minutes } = moving, all = columns();
    if (longer) show({ minutes: within(SHORTEST, minutes + along * step, last * 60 - begins) });
    else show({ column: all[all.indexOf(moving.column) + across] || moving.column, begins: within(first * 60, begins + along * step, last * 60 - minutes) });
    moving.item.scrollIntoView({ block: "nearest", inline: "nearest" });
    say(`${clock(moving.begins)} to ${clock(moving.begins + moving.minutes)}, ${moving.column.dataset.name}`);
  }

  document.addEventListener("focusout", ({ target }) => {
    if (moving?.keys && target === moving.block) giveUp("Taken back. Nothing was changed.");
  });

  // --- time goes on ---------------------------------------------------------------------------------------------

  function tick() {
    const now = Date.now() + skew, { zone, first, last } = grid().dataset;
    for (const held of $$(".cal [data-until]")) if (Date.parse(held.dataset.until) <= now) held.remove();
    const [hour, minute] = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(now).split(":");
    for (const line of $$(".cal-now")) {
      line.hidden = +hour < +first || +hour >= +last;
      if (!line.matches(`.at-h-${+hour}.at-m-${+minute}`)) put(line, +hour * 60 + +minute, 0);
    }
  }
  setInterval(tick, 1000);

  // --- the beginning ----------------------------------------------------------------------------------------------

  document.addEventListener("dragstart", (event) => event.target.closest?.(".cal-block") && event.preventDefault());
  for (const form of $$("form[data-sends-itself]")) {
    form.addEventListener("change", () => form.requestSubmit());
    form.addEventListener("formdata", ({ formData }) => { for (const [name, value] of [...formData]) if (!value) formData.delete(name); });
  }
  const place = $(".cal-scroll"), line = $(".cal-now") || $(".cal-item");
  if (wide.matches && line) place.scrollTop = Math.max(0, line.offsetTop - place.clientHeight / 3);
  tick();
})();
