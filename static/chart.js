// The chart: a code that was looked up fills a problem, and the keyboard walks along a plot. Uses $ and $$ of app.js.
"use strict";

document.addEventListener("click", (event) => {
  const option = event.target.closest("[data-fills]");
  if (!option) return;
  const form = $("#codes-q").closest("form") ?? $("#codes-q").closest("dialog, main").querySelector("form[data-guard]");
  const put = (name, value) => {
    const field = $(`[name="${name}"]`, form);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  put("code", option.dataset.fills);
  if (!$("[name=text]", form).value) put("text", option.dataset.fillsWords);
  $("#codes-q").value = "";
  $("#codes-list").replaceChildren();
  $("[name=text]", form).focus();
});

// On a narrow screen the row of parts begins where one is.
const part = $(".chart-parts [aria-current]");
if (part) part.parentElement.scrollLeft = part.offsetLeft - part.parentElement.offsetLeft - (part.parentElement.clientWidth - part.offsetWidth) / 2;

const ALONG = { ArrowRight: 1, ArrowLeft: -1 };

document.addEventListener("keydown", (event) => {
  const plot = event.target.closest("[data-plot] svg[tabindex]");
  const dots = plot ? $$(".plot-dot", plot) : [];
  if (!dots.length || !(event.key in ALONG || event.key === "Home" || event.key === "End")) return;
  event.preventDefault();
  const here = dots.findIndex((dot) => dot.classList.contains("is-here"));
  const next = { Home: 0, End: dots.length - 1 }[event.key] ?? (here < 0 ? (event.key === "ArrowLeft" ? dots.length - 1 : 0) : here + ALONG[event.key]);
  stop(plot, dots, dots[Math.max(0, Math.min(dots.length - 1, next))]);
});

function stop(plot, dots, dot) {
  for (const other of dots) other.classList.toggle("is-here", other === dot);
  $(".plot-said", plot.closest("[data-plot]")).textContent = $("title", dot).textContent;
}

document.addEventListener("pointerover", (event) => {
  const dot = event.target.closest("[data-plot] .plot-dot");
  if (dot) stop(dot.closest("svg[tabindex]"), $$(".plot-dot", dot.closest("svg[tabindex]")), dot);
});
