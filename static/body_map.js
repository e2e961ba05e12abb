// Where on the body map somebody clicked: the region, its side, and the point. For the scripts that come after it.
window.bodyPlace = (event) => {
  "use strict";
  const site = event.target.closest(".body-site");
  if (!site) return null;
  const svg = site.ownerSVGElement, first = svg.dataset.first, middle = svg.viewBox.baseVal.width / 2;
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());

  // A region without a pair: which half of the body it was.
  function half() {
    if (Math.abs(point.x - middle) <= 4) return "midline";
    return point.x < middle ? first : first === "left" ? "right" : "left";
  }

  return { svg, site: site.dataset.site, side: site.dataset.side || half(), x: point.x.toFixed(1), y: point.y.toFixed(1) };
};
