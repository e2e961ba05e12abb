// Shows how far an upload is.
"use strict";

{
  const progressOf = (event) => $(".upload-progress", event.target.closest?.("form[data-upload]") || document.createElement("i"));

  document.addEventListener("htmx:xhr:loadstart", (event) => progressOf(event)?.removeAttribute("hidden"));
  document.addEventListener("htmx:xhr:progress", (event) => {
    const place = progressOf(event), { loaded, total, lengthComputable } = event.detail;
    if (!place || !lengthComputable) return;
    $("progress", place).value = (100 * loaded) / total;
    $("[data-slot=sent]", place).textContent = loaded < total ? `${Math.round((100 * loaded) / total)} %` : "Checking";
  });
  document.addEventListener("htmx:xhr:loadend", (event) => progressOf(event)?.setAttribute("hidden", ""));
}
