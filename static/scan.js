// A field that a scanner types into. It keeps the focus; each Enter is sent at once, one after the other, and answered
// with its line. Loaded after app.js, whose $ and $$ it uses.
"use strict";

{
  const form = $("form[data-scans]");
  const field = form && $("[data-scan]", form);
  let turn = Promise.resolve();

  async function send(text) {
    const body = new FormData(form);
    body.set("scan", text);
    body.set("form_key", crypto.randomUUID());
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Scan": "1", "X-CSRFToken": body.get("csrfmiddlewaretoken") } });
      if (!answer.ok) throw new Error(answer.status);
      return await answer.text();
    } catch {
      return null;
    }
  }

  function show(html, text) {
    const list = $(form.dataset.scans);
    const holder = document.createElement("template");
    holder.innerHTML = html ?? '<li class="scan" data-outcome="bad"><div class="scan-words"><p><strong>Not received</strong> <span></span></p><p>The server did not answer. Scan it again.</p></div></li>';
    const line = holder.content.firstElementChild;
    if (html === null) $("span", line).textContent = text;
    list.prepend(line);
    window.htmx?.process(line);
    while (list.children.length > 200) list.lastElementChild.remove();
  }

  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    delete form.dataset.sent; // app.js lets a form go only once, and this one never leaves
    event.submitter?.removeAttribute("aria-busy");
    const text = field.value.trim();
    field.value = "";
    field.focus();
    if (!text) return;
    turn = turn.then(() => send(text)).then((html) => { show(html, text); window.live?.refetch(); });
  }, true);

  // Back to the field, unless somebody works elsewhere on the page.
  if (field) {
    const back = () => { if (document.activeElement === document.body || document.activeElement === null) field.focus({ preventScroll: true }); };
    field.focus();
    document.addEventListener("focusout", () => setTimeout(back, 50));
    addEventListener("focus", back);
  }
}

// Two fields: Enter in the first goes on to the second, in the second it sends.
{
  const pair = $("form[data-scan-pair]");
  const fields = pair ? $$("[data-scan]", pair) : [];
  fields[0]?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !fields[0].value.trim()) return;
    event.preventDefault();
    fields[1].focus();
    fields[1].select();
  });
  const first = fields.find((input) => !input.value) || fields[0];
  first?.focus({ preventScroll: true });
  first?.select(); // after a refusal the next scan replaces what stands there
}
