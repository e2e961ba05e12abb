// Who else has this patient open, and which part they are editing: a courtesy, never a lock. The server gave the page a
// token; the page says every few seconds that it is still here, while somebody can see it. Uses $ and $$ of app.js.
(() => {
  "use strict";

  const place = $("#presence");
  if (!place) return;

  const EVERY = 9000, APART = 1000, RENEW = 60000, FORGET = 25000, PUT_DOWN = 300000, SHOWN = 3;
  const GONE = [4401, 4403, 4409];
  const editing = new Map();  // what holds a part → when something was last typed in it
  let { token } = place.dataset, renewedAt = moment(), saidAt = null, saidPart = "", answeredAt = moment(), joined = false, people = [], renewing = 0;

  // --- what this page says ------------------------------------------------------------------------

  function part() {
    for (const [holder, at] of editing) if (!holder.isConnected || since(at) > PUT_DOWN) editing.delete(holder);
    return [...editing.keys()].at(-1)?.dataset.presencePart || "";
  }

  function say() {
    const now = part();
    if (!token || !joined || document.hidden) return;
    if (saidAt && since(saidAt) < (now === saidPart ? EVERY : APART)) return;
    [saidAt, saidPart] = [moment(), now];
    window.live.say({ here: token, part: now });
  }

  // The right to be here is checked again with each token. Its request is the page's own, and prolongs no session.
  async function renew() {
    renewedAt = moment();
    try {
      const response = await fetch(place.dataset.renew, { headers: { "X-Live-Refresh": "1" }, cache: "no-store", signal: AbortSignal.timeout(10000) });
      token = response.ok && !response.redirected ? (await response.json()).here : "";
      if (!token) paint([]);
    } catch (error) {
      window.live?.debug("presence not renewed", error);
    }
  }

  function tick() {
    if (since(answeredAt) > FORGET && people.length) paint([]);
    if (document.hidden || !token) return;
    if (since(renewedAt) > RENEW) renew().then(say);
    else say();
  }

  document.addEventListener("input", ({ target }) => {
    const holder = target.closest("[data-presence-part]");
    if (!holder) return;
    editing.delete(holder);
    editing.set(holder, moment());
    say();
  });
  for (const ended of ["submit", "reset"]) document.addEventListener(ended, ({ target }) => {
    for (const holder of editing.keys()) if (target.contains(holder) || holder.contains(target)) editing.delete(holder);
  });

  // --- what it hears and shows ----------------------------------------------------------------------

  document.addEventListener("live:message", ({ detail }) => {
    if (!joined || (!token && since(renewedAt) > RENEW)) enter();
    if (!detail.presence) return;
    answeredAt = moment();
    paint(token ? detail.presence.people : []);
    if (detail.presence.renew) renewSoon();
  });
  // Rights have changed, perhaps of all who work here: not everybody asks at the same moment.
  function renewSoon() {
    renewing ||= setTimeout(() => {
      renewing = 0;
      renew().then(say);
    }, 5000 * (0.2 + Math.random()));
  }

  // After a new log-in the old token is gone, and after a long sleep it is too old.
  function enter() {
    joined = true;
    if (token && since(renewedAt) < RENEW) setTimeout(say);
    else renew().then(say);
  }

  document.addEventListener("live:closed", ({ detail }) => {
    [joined, saidAt] = [false, null];
    if (GONE.includes(detail.code)) paint([]);
  });
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("htmx:afterSettle", hint);

  const initials = (name) => name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word)).map((word) => word[0]).filter((_, at, all) => !at || at === all.length - 1).join("").toUpperCase();
  const sentence = ({ name, part }) => part ? `${name} is editing the ${part}` : `${name} is here too`;

  function paint(now) {
    if (JSON.stringify(now) === JSON.stringify(people)) return;
    people = now;
    const list = $(".presence-people", place), ordered = [...people].sort((one, other) => !!other.part - !!one.part);
    list.replaceChildren(...ordered.slice(0, SHOWN).map(person), ...(ordered.length > SHOWN ? [more(ordered.slice(SHOWN))] : []));
    $(".presence-words", place).textContent = summary(ordered);
    hint();
  }

  function summary(people) {
    if (people.length < 2) return people.map(sentence).join("");
    const busy = people.filter((one) => one.part);
    return busy.length ? `${sentence(busy[0])}; ${people.length - 1} more here` : `${people[0].name} and ${people.length - 1} more are here too`;
  }

  function person(one) {
    const item = $("template", place).content.firstElementChild.cloneNode(true);
    item.title = `${one.name}, ${one.role}${one.part ? `: editing the ${one.part}` : ""}`;
    item.classList.toggle("edits", !!one.part);
    $(".person-mark", item).textContent = initials(one.name);
    $(".visually-hidden", item).textContent = item.title;
    return item;
  }

  function more(rest) {
    const item = person(rest[0]);
    item.classList.remove("edits");
    item.title = rest.map((one) => one.name).join(", ");
    $(".person-mark", item).textContent = `+${rest.length}`;
    $(".visually-hidden", item).textContent = item.title;
    return item;
  }

  // Beside what another is writing too: straddles its upper edge, so that nothing moves.
  function hint() {
    for (const holder of $$("[data-presence-part]")) {
      const names = people.filter((one) => one.part === holder.dataset.presencePart).map((one) => one.name);
      let words = $(":scope > .presence-hint", holder);
      if (!names.length) { words?.remove(); continue; }
      if (!words) {
        words = Object.assign(document.createElement("p"), { className: "presence-hint" });
        holder.append(words);
      }
      const text = names.length > 1 ? `${names[0]} and ${names.length - 1} more are editing this too` : `${names[0]} is editing this too`;
      if (words.textContent !== text) words.textContent = text;
    }
  }

  setInterval(tick, 1000);
})();
