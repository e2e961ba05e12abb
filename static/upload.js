// Files are dropped, chosen or photographed, and sent one by one, each with its own progress. One that was cut off is
// sent again under the same key, so that it is filed once. Uses $ and sendAgain of app.js.
"use strict";

{
  const waiting = new WeakMap();
  const formOf = (node) => node.closest?.("form[data-upload]");
  const filesOf = (form) => waiting.get(form) || waiting.set(form, []).get(form);

  function line(item) {
    const row = document.createElement("li");
    row.className = "document";
    row.innerHTML = '<div class="document-words"><p class="document-title"></p><p class="sub"></p><progress max="100" value="0" hidden></progress></div><button type="button" class="btn btn-sm"></button>';
    $(".document-title", row).textContent = item.file.name;
    $("progress", row).setAttribute("aria-label", `Sending ${item.file.name}`);
    $("button", row).addEventListener("click", () => item.press());
    return row;
  }

  function show(item, words, button, press) {
    $(".sub", item.row).textContent = words;
    $("button", item.row).textContent = button;
    $("button", item.row).hidden = !button;
    item.press = press;
  }

  function faultOf(file, limit) {
    if (!file.size) return "It is empty.";
    return file.size > limit ? `It is larger than ${Math.floor(limit / 1024 ** 2)} MB.` : "";
  }

  function take(form, files) {
    for (const file of files) {
      const item = { file, key: crypto.randomUUID(), state: "waits" };
      item.row = line(item);
      const fault = faultOf(file, Number(form.dataset.upload));
      if (fault) item.state = "refused";
      item.row.classList.toggle("is-refused", Boolean(fault));
      show(item, fault || `${Math.max(1, Math.round(file.size / 1024))} kB`, "Remove", () => remove(form, item));
      $(".upload-list", form).append(item.row);
      filesOf(form).push(item);
    }
  }

  function remove(form, item) {
    item.row.remove();
    filesOf(form).splice(filesOf(form).indexOf(item), 1);
    finish(form);
  }

  function body(form, item, at, count) {
    const data = new FormData(form);
    data.delete("files");
    data.append("files", item.file);
    data.set("form_key", item.key);
    data.set("before", filesOf(form).filter((other) => other.state === "filed").length);
    data.set("more", filesOf(form).slice(at + 1).some((other) => other.state === "waits") ? "yes" : "");
    const title = data.get("title")?.trim();
    if (title && count > 1) data.set("title", `${title} (${at + 1})`);
    return data;
  }

  function send(form, item, at, count) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      item.state = "sending";
      item.row.classList.remove("is-refused");
      $("progress", item.row).hidden = false;
      show(item, "Sending", "", null);
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        $("progress", item.row).value = (100 * loaded) / total;
        $(".sub", item.row).textContent = loaded < total ? `${Math.round((100 * loaded) / total)} %` : "Checking";
      });
      request.addEventListener("loadend", () => done(settle(form, item, request, () => send(form, item, at, count).then(() => finish(form)))));
      request.open("POST", form.action);
      request.setRequestHeader("HX-Request", "true");
      request.setRequestHeader("HX-Current-URL", location.href);
      request.send(body(form, item, at, count));
    });
  }

  function settle(form, item, request, again) {
    item.next = request.getResponseHeader("HX-Redirect") || "";
    if (request.status >= 200 && request.status < 300) {
      item.state = "filed";
      $("progress", item.row).value = 100;
      return show(item, "Received", "", null);
    }
    item.state = "lost";
    $("progress", item.row).hidden = true;
    item.row.classList.add("is-refused");
    if (!request.status || request.status >= 500) return show(item, "The connection was lost. Nothing was filed twice.", "Send again", again);
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const fault = answer.querySelector(".field-error") || answer.querySelector("[role=alert], .toast, main");
    item.state = "refused";
    show(item, fault?.textContent.trim().replace(/\s+/g, " ") || "It was refused.", "Remove", () => remove(form, item));
  }

  function finish(form) {
    const items = filesOf(form);
    if (items.some((item) => item.state === "sending")) return;
    if (!items.length || items.some((item) => item.state !== "filed")) return sendAgain(form);
    const next = items.map((item) => item.next).find(Boolean);
    if (next && new URL(next, location.href).pathname !== location.pathname) location.assign(next);
    else location.reload();
  }

  async function sendAll(form) {
    const items = filesOf(form).filter((item) => item.state === "waits" || item.state === "lost");
    for (const item of items) await send(form, item, filesOf(form).indexOf(item), filesOf(form).length);
    finish(form);
  }

  document.addEventListener("change", (event) => {
    const form = formOf(event.target);
    if (!form || event.target.type !== "file") return;
    take(form, event.target.files);
    event.target.value = "";
  });
  document.addEventListener("submit", (event) => {
    const form = formOf(event.target);
    if (!form || !filesOf(form).length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    sendAll(form);
  }, true);
  for (const name of ["dragenter", "dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      const form = formOf(event.target) || $("form[data-upload]");
      if (!form || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      if (name === "drop") take(form, event.dataTransfer.files);
    });
  }
}
