// What is counted so far, while somebody counts a drawer: <input data-coin="0.50"> …, and <output data-counted>$0.00</output>.
(() => {
  "use strict";

  const sum = $("[data-counted]"), coins = $$("[data-coin]");
  const sign = sum.textContent.match(/^[^\d]*/)[0], places = (sum.textContent.split(".")[1] || "").length;

  function count() {
    const cents = coins.reduce((all, coin) => all + Math.round(coin.dataset.coin * 100) * Math.max(Math.trunc(coin.value) || 0, 0), 0);
    const shown = (cents / 100).toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
    sum.textContent = sign + shown;
  }

  document.addEventListener("input", ({ target }) => target.matches("[data-coin]") && count());
  count();
})();
