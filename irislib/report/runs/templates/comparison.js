// Finds pairs of codes by number, label or finding. Without scripts all pairs are shown.
"use strict";
(() => {
  const search = document.getElementById("search");
  if (!search) return;
  const rows = [...document.querySelectorAll(".matched tbody tr")];
  const shown = document.getElementById("shown");

  // Numbers select codes of either run; other text is searched for in what the rows say.
  function filter() {
    const text = search.value.trim().toLowerCase();
    const numbers = /^#?\d+([\s,]+\d+)*,?$/.test(text) ? text.replace("#", "").split(/[\s,]+/) : null;
    let count = 0;
    for (const row of rows) {
      const codes = row.dataset.codes.split(" ");
      const found = numbers ? numbers.some((one) => codes.includes(one)) : row.textContent.toLowerCase().includes(text);
      row.hidden = !found;
      count += found;
    }
    shown.textContent = `${count} of ${rows.length} pairs shown`;
  }

  // A link to a hidden pair clears the search.
  function reveal() {
    const row = rows.find((one) => `#${one.id}` === location.hash);
    if (!row) return;
    if (row.hidden) {
      search.value = "";
      filter();
    }
    row.scrollIntoView({ block: "center" });
  }

  search.addEventListener("input", filter);
  addEventListener("hashchange", reveal);
  document.querySelector(".controls").hidden = false;
  filter();
  reveal();
})();
