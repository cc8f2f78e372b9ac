// Sorts and filters the table of codes. Without scripts the page shows all codes, sorted by number.
"use strict";
(() => {
  const table = document.querySelector(".codes table");
  const body = table.tBodies[0];
  const rows = [...body.rows]; // sorted by code, like the columns of `values`
  const values = JSON.parse(document.getElementById("values").textContent);
  const search = document.getElementById("search");
  const state = document.getElementById("state");
  const shown = document.getElementById("shown");

  function compare(a, b) {
    return typeof a === "string" ? (a < b ? -1 : a > b ? 1 : 0) : a - b;
  }

  // Undefined values come last in both directions; equal values are sorted by code.
  function sort(key, descending) {
    const column = values[key];
    const order = rows.map((_, code) => code).sort((a, b) => {
      const left = column[a], right = column[b];
      if (left === null || right === null) return (left === null) - (right === null) || a - b;
      return (descending ? compare(right, left) : compare(left, right)) || a - b;
    });
    body.append(...order.map((code) => rows[code]));
  }

  // Numbers select codes; other text is searched for in labels and quantities.
  function filter() {
    const text = search.value.trim().toLowerCase();
    const numbers = /^\d+([\s,]+\d+)*,?$/.test(text) ? new Set(text.split(/[\s,]+/)) : null;
    let count = 0;
    for (const row of rows) {
      const found = numbers ? numbers.has(row.dataset.code) : row.dataset.search.includes(text);
      const fits = state.value === "" || row.dataset.states.split(" ").includes(state.value);
      row.hidden = !(found && fits);
      if (!row.hidden) count += 1;
    }
    shown.textContent = `${count} of ${rows.length} codes shown`;
  }

  for (const header of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const descending = header.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort(header.dataset.key, descending);
    });
  }
  table.tHead.rows[0].cells[0].setAttribute("aria-sort", "ascending");

  // A link to a hidden code clears the filter.
  function reveal() {
    const row = rows.find((one) => `#${one.id}` === location.hash);
    if (!row) return;
    if (row.hidden) {
      search.value = state.value = "";
      filter();
    }
    row.scrollIntoView({ block: "center" });
  }

  search.addEventListener("input", filter);
  state.addEventListener("change", filter);
  addEventListener("hashchange", reveal);
  document.querySelector(".controls").hidden = false;
  filter();
  reveal();
})();
