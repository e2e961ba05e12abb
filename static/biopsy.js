// Ordering a biopsy: a click on the body map fills in the place, and a mark shows it. Uses $ of app.js, and body_map.js.
(() => {
  "use strict";
  const map = $(".body-map[data-fills]"), form = map && $(map.dataset.fills);
  if (!form) return;
  const field = (name) => $(`[name="${name}"]`, form);
  const SVG = "http://www.w3.org/2000/svg";

  function marked({ svg, x, y }) {
    $(".body-mark", map)?.remove();
    const group = document.createElementNS(SVG, "g"), circle = document.createElementNS(SVG, "circle");
    group.classList.add("body-mark");
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 8 })) circle.setAttribute(name, value);
    group.append(circle);
    svg.append(group);
  }

  map.addEventListener("click", (event) => {
    const place = window.bodyPlace(event);
    if (!place) return;
    field("site").value = place.site;
    field("laterality").value = place.side;
    field("x").value = place.x;
    field("y").value = place.y;
    field("pointed").value = `${place.site}|${place.side}`;
    marked(place);
  });
})();
